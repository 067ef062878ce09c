"""A form of an act with consequences: what will end or move stands before the button."""

from typing import ClassVar

from plugin_sdk.views import FormView


class ChangeView(FormView, kw_only=True):
    """A form whose `about` says what the act ends or moves."""

    template: ClassVar[str] = "admin_change.html"
