"""How a flow is written down without repeating itself: one line an act.

act = Acts("order")
act("sign", "dispatched", "signed", HOLDER, public=True)
"""

from typing import Any, Final

from plugin_sdk.cases.flow import Notice, Transition, Who
from plugin_sdk.cases.forms import ActForm

HOLDER: Final = (Who.HOLDER,)
ORIGIN: Final = (Who.ORIGIN,)
REQUESTER: Final = (Who.REQUESTER,)
ASSISTANT: Final = (Who.ASSISTANT,)


class Acts:
    """Makes the transitions of a flow. The permission of an act is `<prefix>.<verb>`, with
    underscores for hyphens."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def __call__(
        self,
        verb: str,
        sources: str,
        target: str | None,
        who: tuple[Who, ...],
        form: type[ActForm] = ActForm,
        *notices: Notice,
        **more: Any,
    ) -> Transition:
        """Return an act; `sources` are states parted by spaces, `more` is as in `Transition`."""
        return Transition(
            verb=verb,
            sources=tuple(sources.split()),
            target=target,
            permission=self._permission(verb),
            who=who,
            form=form,
            notifies=notices,
            **more,
        )

    def holder(self, verb: str, words: str | None = None) -> Notice:
        """Return a notice to whoever in the holding unit does the act of a verb."""
        return Notice(to="holder", permission=self._permission(verb), words=words)

    def origin(self, verb: str, words: str | None = None) -> Notice:
        """Return a notice to whoever in the unit that received the case does an act."""
        return Notice(to="origin", permission=self._permission(verb), words=words)

    def _permission(self, verb: str) -> str:
        return f"{self.prefix}.{verb.replace('-', '_')}"
