"""What supervision shows of findings, tasks and projects, and how each is filed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from plugin_sdk.cases import CaseEngine
from plugin_sdk.cases.desk import CaseDesk
from plugin_sdk.cases.queries import CaseFacts
from plugin_sdk.cases.titles import title_of
from plugin_sdk.cases.views import AskWho
from plugin_sdk.deadlines import Term, local_day
from plugin_sdk.forms import Submission
from plugin_sdk.ports import Hub, Organization, Read, Work
from plugin_sdk.problems import Invalid, field_error
from plugin_sdk.registers import RegisterEngine
from plugin_sdk.views import (
    ActionView,
    FactView,
    FiguresView,
    Money,
    Phrase,
    Words,
)
from plugins.supervision import figures
from plugins.supervision.flows import finding_flow, project_flow, task_flow
from plugins.supervision.forms import FindingForm, ProjectForm, Result, TaskForm
from plugins.supervision.models import Finding, Project, Task
from plugins.supervision.registers import stations, topics

TASK_DAYS: Final = 120
"""The longest a task may take, in working days, unless the county set `task_days`."""
AMBER_DAYS: Final = 3
"""From how many working days before its deadline a task shows amber."""


class FindingDesk(CaseDesk[Finding]):
    """Findings: one filing for every topic."""

    form = FindingForm
    kind = "topic"
    hints = frozenset({"subject", "subject_unit", "checked_on", "text", "photos", "term"})
    with_files = True

    def __init__(self, engine: CaseEngine[Finding]) -> None:
        super().__init__(engine)
        self.topics = topics(engine.hub)

    def organizations(self) -> Mapping[str, AskWho]:
        """Return the units that may be checked."""
        return {"subject_unit": self.checked_units}

    def registers(self) -> Mapping[str, RegisterEngine[Any]]:
        """Return the topics to choose from."""
        return {"topic": self.topics}

    async def checked_units(self) -> list[Organization]:
        """Return the units of the directory that a check may be of."""

        async def ask() -> list[Organization]:
            directory = self.hub.directory
            return [*await directory.regions(), *await directory.units("finding.rectify")]

        return await self.engine.look_up("checked", ask)

    async def file(self, work: Work, sent: Submission[FindingForm]) -> Finding:
        """Keep what a check showed; what was found in order is done with at once."""
        filed = sent.form
        if filed.checked_on > local_day(work.now):
            raise Invalid(field_error("checked_on", "in-the-future"))
        await self.topics.chosen(work, "topic", filed.topic)
        row = await self.engine.open(
            work,
            title=f"{filed.subject}：{title_of(filed.text)}",
            organization_id=await self.engine.receiver(work.actor),
            person_id=None,
            term=None,
            filer=work.actor.organization_id,
            state="clear" if filed.result is Result.CLEAR else None,
            topic=filed.topic,
            subject=filed.subject,
            subject_unit_id=filed.subject_unit,
            checked_on=filed.checked_on,
            result=str(filed.result),
            place=filed.place or "",
            longitude=filed.longitude,
            latitude=filed.latitude,
            text=filed.text,
        )
        await self.keep_files(work, row, sent)
        if filed.result is Result.CLEAR:
            work.effect("finding.clear", self.engine.subject(row.id))
        return row

    async def summary(self, read: Read, row: Finding) -> list[FactView]:
        """Return what was checked and what it showed."""
        words, topic = self.engine.words, await self.topics.by_code(read, row.topic)
        return self.facts(
            topic=topic.name if topic else row.topic,
            subject=row.subject,
            checked_on=Phrase("supervision.finding.day", {"date": row.checked_on}),
            result=words(f"result.{row.result}"),
            text=row.text,
            place=row.place,
        )

    async def links(self, read: Read) -> list[ActionView]:
        """Return the topics."""
        words = Phrase("supervision.topic.list")
        return await self.link(read, "/topics", words, "topic.read")

    async def add_figures(self, read: Read, view: FiguresView) -> None:
        """Add what was checked by topic, and how many inspections were spared."""
        await figures.add(read, view, await self.topics.names(read))


class TaskDesk(CaseDesk[Task]):
    """Tasks: set, done by a lead with assisting units, reported once, accepted."""

    form = TaskForm
    hints = frozenset({"source", "part", "photos"})
    with_files = True

    def organizations(self) -> Mapping[str, AskWho]:
        """Return the units that may lead a task."""
        return {"unit": self.leads}

    async def leads(self) -> list[Organization]:
        """Return the units that can lead a task."""
        return await self.engine.units_with("task.report")

    async def file(self, work: Work, sent: Submission[TaskForm]) -> Task:
        """Set a task: it stands with its lead at once."""
        form, setter = sent.form, work.actor.organization_id
        days = int(self.hub.settings.get("task_days", TASK_DAYS))
        return await self.engine.open(
            work,
            title=form.title,
            organization_id=form.unit,
            origin=setter,
            person_id=None,
            term=Term(working_days=days),
            due_on=form.due_on,
            source=form.source,
            text=form.text,
        )

    async def summary(self, read: Read, row: Task) -> list[FactView]:
        """Return the task, its light, and what has been done."""
        return self.facts(
            light=self.beside_title(row, read.now),
            source=row.source,
            text=row.text,
            progress=row.progress,
            report=row.report,
        )

    async def links(self, read: Read) -> list[ActionView]:
        """Return the figures of tasks: those of findings stand in the navigation."""
        words = Phrase("case.figure.title")
        return await self.link(read, "/tasks-figures", words, "figures.read")

    def beside_title(self, fact: CaseFacts | Task, now: datetime) -> Words | None:
        """Return the light of a task (红黄绿灯) in words: red is late, amber due within three
        working days, green the rest of those whose time runs."""
        deadline = self._deadline(fact, now)
        match deadline.kind:
            case "overdue_days" | "overdue_under_day" | "done_late":
                light = "red"
            case "today" | "hours_left":
                light = "amber"
            case "days_left":
                light = "amber" if (deadline.n or 0) <= AMBER_DAYS else "green"
            case "done_on_time":
                light = "green"
            case _:
                return None
        return self.engine.words(f"light.{light}")


class ProjectDesk(CaseDesk[Project]):
    """Projects under watch by a liaison station."""

    form = ProjectForm
    kind = "kind"
    hints = frozenset({"amount", "text", "photos"})
    with_files = True

    def __init__(self, engine: CaseEngine[Project]) -> None:
        super().__init__(engine)
        self.stations = stations(engine.hub)

    def registers(self) -> Mapping[str, RegisterEngine[Any]]:
        """Return the stations to choose from."""
        return {"station": self.stations}

    async def links(self, read: Read) -> list[ActionView]:
        """Return the stations."""
        words = Phrase("supervision.station.list")
        return await self.link(read, "/stations", words, "station.read")

    async def file(self, work: Work, sent: Submission[ProjectForm]) -> Project:
        """Put a project under the watch of a station."""
        form = sent.form
        station = await self.stations.chosen(work, "station", form.station)
        return await self.engine.open(
            work,
            organization_id=station.place_id,
            origin=work.actor.organization_id,
            person_id=None,
            term=None,
            **form.model_dump(mode="json"),
        )

    async def summary(self, read: Read, row: Project) -> list[FactView]:
        """Return the project, its station, and what became of its problems."""
        words, station = self.engine.words, await self.stations.by_code(read, row.station)
        counts = {"raised": row.problems, "settled": row.settled}
        return self.facts(
            kind=self.kind_words(row.kind),
            station=station.name if station else row.station,
            head=station.head if station else "",
            amount=Money(row.amount),
            households=row.households,
            text=row.text,
            problems=words("problems", **counts),
        )


def desks(hub: Hub) -> tuple[FindingDesk, TaskDesk, ProjectDesk]:
    """Return the desks of a hub's findings, tasks and projects."""
    return (
        FindingDesk(CaseEngine(hub, finding_flow(hub), Finding)),
        TaskDesk(CaseEngine(hub, task_flow(hub), Task)),
        ProjectDesk(CaseEngine(hub, project_flow(hub), Project)),
    )
