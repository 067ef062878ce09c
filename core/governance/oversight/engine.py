"""The engine of reviews: the kit's, which also tells whoever nominated the app what came of it."""

from typing import Final

from core.governance.oversight.flows import REPLIES, REPLY, VERDICTS
from core.governance.oversight.models import Review
from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.flow import Transition
from plugin_sdk.ports import To, Work

NEWS: Final = frozenset({*REPLIES, *VERDICTS, "lapse", "reconsider"})


class ReviewEngine(CaseEngine[Review]):
    """Reviews of apps."""

    def announce(self, work: Work, row: Review) -> None:
        """Tell the owner that its app is under review, and until when it may reply."""
        self._tell(work, row, "holder", "notice.nominate", REPLY)

    def _notify(self, work: Work, row: Review, transition: Transition) -> None:
        super()._notify(work, row, transition)
        if transition.verb in NEWS and row.opened_by not in (None, work.actor.person_id):
            words = self.words(f"notice.{transition.verb}", number=row.number, title=row.title)
            work.notify(To(person_id=row.opened_by), words, self.href(row.number))
