"""Where an app stands in its life cycle, as everybody may read it on its page (`/about/<id>`)."""

from datetime import date

import msgspec

from plugin_sdk.manifest_model import Stage


class LifeStep(msgspec.Struct, frozen=True):
    """A stage that an app came to on its way out, and on which day."""

    stage: Stage
    on: date


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """Where an app stands; what is under review is `active` until it is decided. `closes_on` is
    the day it closes, known once its sunset is announced; `steps` are those on its way out
    (sunset, closed, archived, purged) that hold, oldest first."""

    stage: Stage
    closes_on: date | None = None
    steps: tuple[LifeStep, ...] = ()
