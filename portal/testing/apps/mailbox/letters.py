"""Letters: the form, the flow and the desk."""

from typing import Any, ClassVar, Final

from pydantic import Field

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.flow import Clock, Flow, Notice, State
from plugin_sdk.cases.forms import ReplyForm
from plugin_sdk.cases.shorthand import HOLDER, Acts
from plugin_sdk.cases.titles import title_of
from plugin_sdk.deadlines import Term
from plugin_sdk.forms import Form, Submission
from plugin_sdk.ports import Hub, Read, Work
from plugin_sdk.views import FactView, FieldKind
from portal.testing.apps.mailbox.models import Letter

LEADERS: Final = ("县长", "分管副县长")


class LetterForm(Form):
    """What a resident writes."""

    kinds: ClassVar[dict[str, FieldKind]] = {"text": "textarea", "photos": "photo"}

    leader: str = Field(default=LEADERS[0], max_length=20)
    text: str = Field(min_length=1, max_length=4000)
    photos: str | None = Field(default=None, max_length=0)


async def answer(work: Work, row: Letter, form: ReplyForm) -> None:
    """Keep the answer with the letter."""
    row.reply = form.text


def letter_flow() -> Flow:
    """Return the flow: written → answered."""
    act, told = Acts("letter"), Notice(to="requester")
    done: dict[str, Any] = {"resolves": True, "public": True, "tone": "done"}
    counted = {"effect": "letter.answered", "event": "letter.answered"}
    return Flow(
        name="letter",
        series="letter",
        path="/letters",
        start="written",
        read="letter.read",
        file="letter.file",
        event="letter.filed",
        remind=1,
        states=(
            State(key="written", waits_for="letter.answer"),
            State(key="answered", clock=Clock.STOPPED, final=True),
        ),
        transitions=(
            act(
                "answer",
                "written",
                "answered",
                HOLDER,
                ReplyForm,
                told,
                apply=answer,
                **done,
                **counted,
            ),
        ),
    )


class LetterDesk(CaseDesk[Letter]):
    """How letters are opened and shown."""

    form = LetterForm
    with_files = True

    async def file(self, work: Work, sent: Submission[LetterForm]) -> Letter:
        """Open a letter that a resident writes."""
        row = await self.engine.open(
            work,
            title=title_of(sent.form.text),
            organization_id=await self.engine.receiver(work.actor),
            person_id=work.actor.person_id,
            term=Term(working_days=15),
            leader=sent.form.leader,
            sender=work.actor.name,
            text=sent.form.text,
        )
        await self.keep_files(work, row, sent)
        return row

    async def summary(self, read: Read, row: Letter) -> list[FactView]:
        """Return what was written and answered."""
        return self.facts(leader=row.leader, text=row.text, reply=row.reply)


def desk_of(hub: Hub) -> LetterDesk:
    """Return the desk of a hub's letters."""
    return LetterDesk(CaseEngine(hub, letter_flow(), Letter))
