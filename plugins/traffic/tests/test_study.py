"""学法减分: who may, lessons and quiz, one credit however often it is sent; the source decides."""

import asyncio
import re
from collections import Counter

import pytest

from plugins.traffic.study.lessons import course
from plugins.traffic.study.models import StudyRun
from plugins.traffic.study.studying import Crediting, Studying
from plugins.traffic.tests.conftest import LICENCE, MORNING

EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)
PERSON = "999999199003070012"
CAR_ROW = {
    "plate": "鲁M8D136",
    "owner_number": PERSON,
    "vin": "LSVAA49J6F2012345",
    "use": "private_car",
    "model": "大众牌小型轿车",
    "registered_on": "2024-09-10",
    "inspect_by": "2026-12-31",
}
LICENCE_ROW = {
    "file_number": LICENCE,
    "owner_number": PERSON,
    "name": "周晓岚",
    "classes": "C1",
    "first_issued": "2016-03-15",
    "valid_until": "2030-03-15",
}


class Student:
    """A resident whose violations are all dealt with, three points of them."""

    def __init__(self, town):
        self.town = town
        self.studying = Studying(town.desk.hub)
        self.crediting = Crediting(self.studying, town.desk.police.provider)

    async def ready(self):
        for n in range(1, 10):
            self.violation(n, points=0)
        self.violation(1, points=3)
        self.town.source.put("vehicle", **CAR_ROW)
        self.town.source.put("licence", **LICENCE_ROW)
        await self.town.bind()
        return self

    def violation(self, n, points, handled="2026-08-01"):
        self.town.source.put(
            "violation",
            number=f"371603000001000{n}",
            plate="鲁M8D136" if n < 3 else "鲁M5H207",
            file_number=LICENCE if n < 3 else "371600654321",
            at="2026-07-30T09:12:00+08:00",
            place="富国路",
            what="违反信号灯",
            points=points,
            fine=20000,
            handled_on=handled,
            paid=1,
            pictures=0,
        )

    async def against(self):
        self.town.later(minutes=3)  # the source is asked anew
        view = await self.town.get("/study")
        return [one["key"].split(".")[2].removeprefix("study-") for one in view["against"]]

    async def learn(self):
        for lesson in course().lessons:
            right = lesson.questions[0].right
            await self.town.post(f"/study/lessons/{lesson.key}", answer=right)

    async def answers(self, wrong=0):
        view = await self.town.get("/study/quiz")
        found, questions = {}, {one.ask.zh: one for one in course().questions.values()}
        for n, field in enumerate(view["fields"]):
            right = questions[field["label"]["params"]["text"]["zh"]].right
            found[field["name"]] = (right + 1) % 3 if n < wrong else right
        return found

    async def run(self):
        await self.crediting.run(self.town.desk.hub.system("job study"))

    async def points(self):
        self.town.later(minutes=3)
        return (await self.town.get("/study"))["points"]


@pytest.fixture
def student(town):
    return Student(town)


async def test_a_study_takes_one_point_off_once(student):
    town = await ready(student)
    assert await student.points() == 3
    client = await town.client("resident")
    began = [client.post("/apps/traffic/study", json={}) for _ in range(5)]
    answers = Counter(answer.status_code for answer in await asyncio.gather(*began))
    assert answers == {201: 1, 409: 4}
    lesson = course().lessons[0]
    wrong = await town.post(f"/study/lessons/{lesson.key}", answer=lesson.questions[0].right + 1)
    assert wrong["said"]["key"] == "traffic.study.wrong"
    assert (await town.get("/study/quiz", status=409))["type"].endswith("study-lessons")
    await student.learn()
    early = await town.get("/study/quiz", status=409)
    assert early["type"].endswith("study-early")
    assert "09:3" in early["detail"]
    town.later(minutes=30)
    missing = await town.post("/study/quiz", "resident", 422, a1=0)
    assert len(missing["errors"]) == 9
    failed = await town.post("/study/quiz", **await student.answers(wrong=2))
    assert failed["intro"]["params"]["n"] == 8
    right, client = await student.answers(), await town.client("resident")
    handed = [client.post("/apps/traffic/study/quiz", json=right) for _ in range(5)]
    answers = Counter(answer.status_code for answer in await asyncio.gather(*handed))
    assert answers == {200: 1, 409: 4}
    (run,) = await town.rows(StudyRun)
    assert (run.state, run.tries) == ("pending", 2)
    town.source.switch(away=True)
    await student.run()
    assert [row.state for row in await town.rows(StudyRun)] == ["pending"], "the source is away"
    town.source.switch()
    waits = await town.post("/study", "resident", 409)
    assert waits["type"].endswith("study-pending")
    await asyncio.gather(student.run(), student.run())
    await town.desk.police.provider.credit(study_of(run))  # said once more
    (run,) = await town.rows(StudyRun)
    assert (run.state, run.claim) == ("credited", None)
    assert await student.points() == 2
    await town.hub.settle()
    messages = await (await town.client("resident")).page("/messages")
    assert messages.text.count("已减 1 分") == 1
    seen = await town.get("/study")
    assert (seen["taken_off"], [one["state"] for one in seen["runs"]]) == (1, ["credited"])


async def ready(student):
    student.town.hub.clock.stand(MORNING)
    return (await student.ready()).town


def study_of(run):
    from plugins.traffic.handed import Study

    return Study(
        reference=run.reference, file_number=run.file_number, points=1, on=run.passed_at.date()
    )


@EMBEDDED
async def test_who_may_not_is_told_why(student):
    town = student.town
    assert await student.against() == ["licence"]
    assert (await town.post("/study", "resident", 409))["type"].endswith("study-licence")
    await ready(student)
    assert await student.against() == []
    student.violation(2, points=9)
    assert await student.against() == ["full"]
    student.violation(2, points=0)
    student.violation(1, points=0)
    assert await student.against() == ["nothing"]
    student.violation(1, points=3)
    student.violation(2, points=0, handled=None)
    town.source.put("vehicle", **{**CAR_ROW, "inspect_by": "2026-08-31"})
    licence = {**LICENCE_ROW, "first_issued": "2025-10-01", "valid_until": "2026-08-31"}
    town.source.put("licence", **licence)
    found = await student.against()
    assert found == ["over", "probation", "open", "inspection"]
    refused = await town.post("/study", "resident", 409)
    assert refused["type"].endswith("study-over")
    assert "8月31日" in refused["detail"]
    page = await (await town.client("resident")).page("/apps/traffic/study")
    assert "先办检验" in page.text
    assert "开始学习" not in page.text.partition("<main")[2].partition("</main>")[0]
    town.source.put("vehicle", **CAR_ROW)
    town.source.put("licence", **LICENCE_ROW)
    student.violation(2, points=0)
    # six in a period, as far as is known here; and the source has the last word
    await done(student, 6)
    assert await student.against() == ["period"]
    for row in await town.rows(StudyRun):
        await set_state(town, row, "failed")
    assert await student.against() == []
    for n in range(6):
        await town.desk.police.provider.credit(unlike(n))
    assert await student.against() == ["nothing"], "what is left after six"


async def done(student, n):
    hub = student.town.desk.hub
    person = await student.town.hub.actor("resident")
    async with hub.work(hub.system("test")) as work:
        for one in range(n):
            row = StudyRun(
                organization_id=await student.town.desk.unit(),
                person_id=person.person_id,
                reference=f"test-{one}",
                state="credited",
                file_number=LICENCE,
                period_first=MORNING.date().replace(month=3, day=15),
                points=1,
                begun_at=work.now,
            )
            await work.add(row, placed=True)


async def set_state(town, row, state):
    hub = town.desk.hub
    async with hub.work(hub.system("test")) as work:
        (await work.get(StudyRun, row.id)).state = state


def unlike(n):
    from plugins.traffic.handed import Study

    return Study(reference=f"other-{n}", file_number=LICENCE, points=1, on=MORNING.date())


@EMBEDDED
async def test_what_is_late_or_refused_is_said_and_may_be_begun_anew(student):
    town = await ready(student)
    await town.post("/study", "resident", 201)
    await student.learn()
    town.later(days=3, minutes=1)
    assert (await town.post("/study/lessons/lights", "resident", 409, answer=0))["type"].endswith(
        "study-expired"
    )
    await town.post("/study", "resident", 201)  # the old one is put aside
    assert Counter(row.state for row in await town.rows(StudyRun)) == {"expired": 1, "learning": 1}
    await student.learn()
    town.later(minutes=31)
    said = [await town.post("/study/quiz", **await student.answers(wrong=5)) for _ in range(3)]
    assert said[-1]["intro"]["key"] == "traffic.study.said.failed"
    assert (await town.post("/study/quiz", "resident", 409, **dict.fromkeys(quiz_names(), 0)))[
        "type"
    ].endswith("study-none")
    await town.post("/study", "resident", 201)
    await student.learn()
    town.later(minutes=31)
    await town.post("/study/quiz", **await student.answers())
    student.violation(1, points=0)  # meanwhile nothing is left to take off
    await student.run()
    await town.hub.settle()
    run = max(await town.rows(StudyRun), key=lambda row: row.begun_at)
    assert (run.state, run.why, run.claim) == ("refused", "nothing", None)
    seen = await town.get("/study")
    assert seen["runs"][0]["why"]["key"] == "traffic.study.why.nothing"
    messages = (await (await town.client("resident")).page("/messages")).text
    assert "没有可以减的记分" in messages
    for path in ("/study", "/study/quiz", "/study/lessons/lights"):
        await town.get(path, None, 401)
    await town.get("/study/lessons/no-such", "resident", 404)
    await town.get("/study/quiz", "resident2", 404)


def quiz_names():
    return [f"a{n}" for n in range(1, 11)]


def test_the_lessons_are_whole():
    known = course()
    assert sum(lesson.minutes for lesson in known.lessons) >= 30
    questions = [one for lesson in known.lessons for one in lesson.questions]
    assert len(questions) == len(known.questions) >= 18
    for one in questions:
        assert len({answer.zh for answer in one.answers}) == len(one.answers) == 3
        assert len({answer.en for answer in one.answers}) == 3
        assert one.right < 3
        assert all((one.ask.zh, one.ask.en, one.why.zh, one.why.en))
    assert Counter(one.right for one in questions)[0] < len(questions) / 2


def test_figures_of_a_lesson_name_their_rule_and_settings_are_none():
    for lesson in course().lessons:
        for text in lesson.text:
            if re.search(r"\d", text.zh):
                assert re.search("第[一二三四五六七八九十百]+条|公安部令", text.zh), text.zh
                assert re.search("article|Order", text.en), text.en
    said = str(course())
    for setting in ("毫克", "最多减 ", "减几分？", "电动自行车", "副驾驶"):
        assert setting not in said
