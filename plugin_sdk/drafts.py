"""What a person has begun to fill in and not sent."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from plugin_sdk.views import Phrase, Words


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has begun to fill in: the texts of a form of an app, under the key it will
    be sent with; `lacking` names the fields it still needs."""

    key: str
    app: str
    form: str
    href: str
    title: Words
    lacking: tuple[Phrase, ...] = ()
    texts: Mapping[str, str] = {}
    saved_at: datetime | None = None
