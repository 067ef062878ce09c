"""What stands in the way of a step: named before anybody tries it."""

import msgspec

from plugin_sdk.views import Phrase


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """One reason why an app cannot take a step yet, in words, and where it can be removed. One
    that is `waivable` is taken note of instead: who takes the step says that they saw it."""

    key: str
    said: Phrase
    href: str = ""
    waivable: bool = False
