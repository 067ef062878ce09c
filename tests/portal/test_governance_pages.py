"""What governance staff and owners see: rights, scope, words for what is not known, files that
equal the page; and trying a policy writes nothing."""

import base64
import csv
import io
import re
import zlib
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlmodel import col

from core.database import utc_now
from core.governance.declared import Declared
from core.governance.models import Evaluation, FindingRow, Measured
from core.governance.register import register
from core.usage import models
from core.usage.models import UsageDay
from core.usage.months import Month
from plugin_sdk.deadlines import local_day
from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from portal.pages.transparency import COUNTED
from portal.templating import WORDS
from portal.texts import Catalogue
from tests.portal.governed import FEW, govern

# the hotline has supervisions of its own: an app is named as one, or behind the door
OTHERS = re.compile(
    r'"app": ?"supervision"|apps/supervision(?!\w)|village-affairs|监督督办|村务公开|区纪委监委'
)
EMBEDDED = pytest.mark.parametrize("engine_kind", ["embedded"], indirect=True)


def book(answer):
    assert answer.status_code == 200, answer.text
    return load_workbook(io.BytesIO(answer.content), read_only=True)


def cells(sheet):
    return [[cell for cell in row if cell is not None] for row in sheet.iter_rows(values_only=True)]


async def test_the_portfolio_shows_findings_first_and_what_is_not_known_in_words(
    hub_app, client_as
):
    await govern(hub_app)
    staff = await client_as("governance")
    view = (await staff.get("/governance")).json()
    assert {row["app"] for row in view["rows"]} == set(hub_app.hub.apps.hubs)
    zombie, busy, unknown = view["rows"][:3]
    assert [zombie["app"], busy["app"]] == ["supervision", "hotline"], "findings first"
    assert [f["kind"] for f in zombie["findings"]] == ["unfiled", "zombie"]
    assert zombie["effects"] == 0, "counted, and nothing finished"
    assert zombie["reach"]["state"] == "few"
    assert busy["effects"] > 800
    assert None not in busy["spark"], "two years are counted"
    assert len(busy["spark"]) == len(view["months"]) == 13
    assert unknown["effects"] is None, "never counted"
    assert set(unknown["spark"]) == {None}
    assert "failing" not in [f["kind"] for f in busy["findings"]], "cleared"

    page = (await staff.page("/governance")).text
    for said in (
        "监督督办",
        "未备案",
        "僵尸",
        FEW,
        "31.5%",
        "（372,000 人里）",
        f"{busy['effects']:,}",
    ):
        assert said in page, said
    row = page[page.index("村务公开</a>") :].split("</tr>")[0]
    assert row.count("未知") == 3, row
    assert not re.search(r">0<|>\s*0\s*<", row)

    assert re.search(f"{len(view['rows'])} 个应用里有统计的 2 个办成 [0-9,]+ 件，去年同月", page)
    running = (await staff.page(f"/governance?month={Month.of(local_day(utc_now()))}")).text
    assert "（还没过完）" in running, "no whole month beside a part of one without a word"

    found = (await staff.get("/governance?finding=zombie")).json()
    assert [row["app"] for row in found["rows"]] == ["supervision"]
    named = (await staff.get("/governance?q=热线")).json()
    assert [row["app"] for row in named["rows"]] == ["hotline"]
    of_owner = (await staff.get("/governance?owner=371603U07&stage=trial")).json()
    assert [row["app"] for row in of_owner["rows"]] == ["supervision"]


@EMBEDDED
async def test_a_long_register_is_shown_a_page_at_a_time(hub_app, client_as):
    since = date(2026, 1, 5)
    async with hub_app.services.database.transaction(write=True) as tx:
        for n in range(60):
            name = Text(f"应用{n}", f"App {n}")
            app = Declared(
                app=f"app-{n:02}",
                names=name,
                owner="371603",
                stage="active",
                since=since,
                checks_in=True,
                features=("check-in", "photo-demands"),
                functions=(Text("查看", "Look"), Text("上报", "Report")),
            )
            await register(tx, app)
    staff = await client_as("governance")
    first = (await staff.get("/governance")).json()
    assert (len(first["rows"]), first["total"]) == (50, 60 + len(hub_app.hub.apps.hubs))
    rest = (await staff.get(first["next_href"])).json()
    assert rest["next_href"] is None
    shown = [row["app"] for row in [*first["rows"], *rest["rows"]]]
    assert len(set(shown)) == len(shown) == first["total"]
    lines = (await staff.get("/governance.csv")).text.strip().splitlines()
    assert len(lines) == 1 + first["total"]
    dossier = (await staff.get("/governance/apps/app-07")).json()
    assert dossier["owner"] == "沾化区"
    page = (await staff.page("/governance/apps/app-07")).text
    for said in ("打卡签到、拍照留痕", "2 项：查看、上报"):
        assert said in page, "what findings speak of stands on the register"
    owner = await client_as("owner")
    assert (await owner.get("/owner")).json()["total"] == 1


@EMBEDDED
async def test_files_of_the_portfolio_equal_its_table(hub_app, client_as):
    await govern(hub_app)
    staff = await client_as("governance")
    view = (await staff.get("/governance")).json()
    text = (await staff.get("/governance.csv")).content.decode("utf-8-sig")
    head, *lines = csv.reader(io.StringIO(text))
    sheet = cells(book(await staff.get("/governance.xlsx")).worksheets[0])
    assert head == sheet[0]
    assert head[-13:] == [f"{month} 办成" for month in view["months"]]
    for line, row, shown in zip(lines, sheet[1:], view["rows"], strict=True):
        assert line[0] == row[0] == shown["name"]["zh"]
        assert line[-1] == str(row[-1])
        assert line[-1] == ("未知" if shown["spark"][-1] is None else str(shown["spark"][-1]))
    assert [line[4] for line in lines[:2]] == [FEW + "（<5）", "31.5"]
    assert {line[4] for line in lines[2:]} == {"未知"}
    only = (await staff.get("/governance.csv?finding=burden")).text
    assert "12345热线" in only
    assert "监督督办" not in only


async def test_an_owner_sees_their_own_apps_alone(hub_app, client_as):
    await govern(hub_app)
    owner = await client_as("owner")
    view = await owner.get("/owner")
    assert [row["app"] for row in view.json()["rows"]] == ["hotline"]
    assert view.json()["total"] == 1
    answers = [
        view,
        await owner.page("/owner"),
        await owner.get("/owner.csv"),
        await owner.page("/owner/apps/hotline"),
        await owner.get("/owner/apps/hotline"),
    ]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert not OTHERS.findall(answer.text)
    for path in ("/owner.xlsx", "/owner/apps/hotline/dossier.xlsx"):
        said = str([cells(sheet) for sheet in book(await owner.get(path)).worksheets])
        assert "12345热线" in said
        assert not OTHERS.findall(said)
    page = answers[1].text
    assert "一个统计期内办完事的人达到 10%" in page, "what would change it"
    assert "填报负担" in page
    for path in ("apps/supervision", "apps/supervision/dossier.pdf", "apps/none"):
        absent = await owner.get(f"/owner/{path}")
        assert absent.status_code == 404, path
    assert (await owner.get("/owner?owner=371603U07")).status_code == 422, "as if it were none"
    for path in ("", ".csv", "/policy", "/apps/hotline"):
        denied = await owner.get(f"/governance{path}")
        assert denied.status_code == 403, path
        assert denied.json()["reason"] == "out-of-scope"
    home = (await owner.page("/me")).text
    assert 'href="/owner"' in home
    assert 'href="/governance"' not in home
    resident = await client_as("resident")
    for path in ("/owner", "/governance", "/owner/apps/hotline", "/governance/policy"):
        assert (await resident.get(path)).status_code == 403, path


@EMBEDDED
async def test_an_owner_reads_and_answers_complaints_about_their_own_apps_alone(hub_app, client_as):
    visitor = hub_app.client()
    for app in ("hotline", "supervision"):
        filed = await visitor.post("/feedback", json={"app": app, "text": f"about {app}"})
        assert filed.status_code == 201, filed.text
    everything = (await (await client_as("governance")).get("/owner/feedback")).json()
    ids = {item["app"]: item["id"] for item in everything["complaints"]}
    assert len(ids) == 2
    owner = await client_as("owner")
    own = (await owner.get("/owner/feedback")).json()
    assert [item["app"] for item in own["complaints"]] == ["hotline"]
    other = await owner.post(f"/owner/feedback/{ids['supervision']}", json={"reply": "知道了"})
    assert other.status_code == 404
    mine = await owner.post(f"/owner/feedback/{ids['hotline']}", json={"reply": "已改"})
    assert mine.status_code == 200, mine.text


async def test_a_dossier_shows_evidence_and_draws_from_its_tables(hub_app, client_as):
    await govern(hub_app)
    staff = await client_as("governance")
    path = "/governance/apps/hotline"
    view = (await staff.get(path)).json()
    (finding,) = view["findings"]
    assert finding["kind"] == "burden"
    assert finding["rule"] == "rules.burden"
    (evidence,) = finding["evidence"]
    assert (evidence["value"], evidence["limit"], evidence["n"]) == (0.04, 0.1, 372_000)
    assert evidence["href"] == "#measure-reach"
    assert len(view["cards"]) == 11
    completion = next(c for c in view["cards"] if c["label"]["key"] == "measure.completion.name")
    page = (await staff.page(path)).text
    for part in ("measure-reach", "chart-use_opens", "chart-steps", "chart-errors", "register"):
        assert page.count(f'id="{part}"') == 1, part
    assert 'href="#measure-reach"' in page
    assert f"n = {completion['n']:,}" in page
    for said in ("分子：", "分母：", "缺失：", "国办函〔2026〕12号", "怎样会消除", "BA-2026-0001"):
        assert said in page, said
    use, _, steps, quick, _ = view["charts"]
    assert len(use["rows"]) == 56, "thirteen months by week"
    assert f'data-v="{use["rows"][-1][1]}"' in page
    assert [row[1] for row in steps["rows"]] == sorted(
        (row[1] for row in steps["rows"]), reverse=True
    )
    assert quick["rows"][0][1] is None, "no duration was counted then: unknown, never zero"

    county, town = view["reach"]["rows"]
    assert (county["opened"], county["completed"], town["opened"]) == (120, 80, 45)
    assert town["depth"] == county["depth"] + 1
    assert town["completed"] is None, "too few, or what would tell of few"
    row = page[page.index(f">{town['name']}<") :].split("</tr>")[0]
    assert FEW in row

    short = (await staff.get(f"{path}?since=2020-01-01&until=2020-01-31")).json()
    assert {row[1] for row in short["charts"][0]["rows"]} == {None}, "before the first count"
    assert len(short["charts"][0]["rows"]) == 31
    by_period = (await staff.page(f"{path}?since=2020-01-01&until=2020-01-31")).text
    assert "这段日期没有统计" in by_period
    assert 'id="chart-' not in by_period, "no figures and no axes of nothing"
    last = date.fromisoformat(view["until"])
    begun = f"?since={last - timedelta(days=820)}&until={last - timedelta(days=790)}"
    by_period = (await staff.page(f"{path}{begun}")).text
    assert by_period.count('data-v=""') >= 20, "the days before the first count"
    assert "未知" in by_period

    sheets = book(await staff.get(f"{path}/dossier.xlsx"))
    tables = {sheet.title: cells(sheet) for sheet in sheets.worksheets}
    assert tables["办成的事"][1:] == [
        [cell if cell is not None else "未知" for cell in row] for row in use["rows"]
    ]
    assert "填报负担" in str(tables["12345热线"])


@EMBEDDED
async def test_a_dossier_is_printed_with_its_findings_on_each_page_numbered(hub_app, client_as):
    await govern(hub_app)
    staff = await client_as("governance")
    answer = await staff.get("/governance/apps/hotline/dossier.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.count(b"/Type /Page\n") > 2
    streams = re.findall(rb"stream\r?\n(.*?)endstream", answer.content, re.DOTALL)
    drawn = b"".join(
        zlib.decompress(base64.a85decode(stream.strip(), adobe=False))
        for stream in (s.strip().removesuffix(b"~>") for s in streams)
    )
    plain = re.sub(rb"\\(\d{3})", lambda m: bytes([int(m[1], 8)]), drawn)
    plain = re.sub(rb"\\(.)", rb"\1", plain)
    for said in ("填报负担", "怎样会消除", "覆盖率", "办成的事"):
        assert said.encode("utf-16-be") in plain, said


WRONG = [
    "/governance?month=2026-13",
    "/governance?month=0001-01",
    "/governance?month=9999-12",
    "/governance?finding=busy",
    "/governance?stage=none",
    "/governance?owner=1",
    "/governance?cursor=none",
    "/governance.csv?month=x",
    "/governance/apps/hotline?since=2026-02-30",
    "/governance/apps/hotline?since=2026-03-01&until=2026-02-01",
    "/governance/apps/hotline?since=2024-01-01&until=2026-01-01",
    "/governance/policy?rules.zombie.visits=-1",
    "/governance/policy?rules.zombie.visits=nan",
    "/governance/policy?rules.low_use.reach.daily=101",
    "/governance/policy?rules.zombie.visits=99999",
    "/governance/policy?rules.zombi.visits=1",
]


@EMBEDDED
async def test_what_cannot_be_asked_is_refused_with_what_to_do(hub_app, client_as):
    staff = await client_as("governance")
    for path in WRONG:
        answer = await staff.get(path)
        assert answer.status_code == 422, path
        assert answer.json()["detail"], path
        page = await staff.page(path)
        assert page.status_code == 422, path
        assert page.text.count("<h1") == 1
    typed = (await staff.page("/governance/policy?rules.low_use.reach.daily=101")).text
    assert 'value="101"' in typed, "what was typed is kept"
    assert "写 0 到 100 之间的数" in typed
    crossed = await staff.get("/governance/policy?rules.zombie.visits=99999")
    assert crossed.json()["errors"][0]["field"] == "rules.zombie.visits"


async def test_trying_a_policy_says_whom_it_would_nominate_and_writes_nothing(hub_app, client_as):
    await govern(hub_app)
    governance = hub_app.hub.governance
    await governance.evaluate()
    staff = await client_as("governance")
    before = await everything(hub_app)
    present = (await staff.get("/governance/policy")).json()
    assert present["trial"] is None
    assert len(present["rules"]) == 13
    view = (await staff.get("/governance/policy?rules.failing.errors=0.1")).json()
    trial = view["trial"]
    assert [(c["now"]["params"], c["then"]["params"]) for c in trial["changed"]] == [
        ({"n": "5"}, {"n": "0.1"})
    ]
    assert [one["name"]["zh"] for one in trial["added"]] == ["12345热线"]
    assert trial["gone"] == []
    page = (await staff.page("/governance/policy?rules.failing.errors=0.1")).text
    assert "会多提名 1 项，不再提名 0 项" in page
    same = (await staff.get("/governance/policy?rules.failing.errors=5")).json()
    assert same["trial"]["changed"] == []
    assert await everything(hub_app) == before


async def everything(hub):
    """How much there is of what a look at the register writes, and when that was."""
    async with hub.services.database.transaction() as tx:
        return [
            (await tx.session.execute(select(func.count()).select_from(model))).scalar_one()
            for model in (Evaluation, FindingRow, Measured, UsageDay)
        ] + list((await tx.session.execute(select(col(Evaluation.at)))).scalars())


def test_every_column_about_use_is_published_with_what_it_means():
    tables = {
        table.name: table
        for table in models.UsageDay.metadata.tables.values()
        if table.name.startswith("usage_")
    }
    assert {model.__tablename__ for model in COUNTED} == set(tables)
    words = Catalogue.merge({"": WORDS})
    used = set()
    for name, table in tables.items():
        short = name.removeprefix("usage_")
        for column in ("row", *(column.name for column in table.columns)):
            keys = (f"stored.{short}.{column}", f"stored.any.{column}")
            key = next((key for key in keys if key in words), None)
            assert key, f"{name}.{column} has no words: say in portal/locale/stored.toml what it is"
            used.add(key)
    assert used == {key for key in words.keys() if key.startswith("stored.")}  # noqa: SIM118
    assert words.shown("zh-CN", Phrase("stored.day.row"))


@EMBEDDED
async def test_anybody_reads_what_is_counted(hub_app):
    visitor = hub_app.client()
    view = (await visitor.get("/transparency")).json()
    assert len(view["sentences"]) == 6
    assert {app["app"] for app in view["apps"]} == set(hub_app.hub.apps.hubs)
    page = (await visitor.page("/transparency")).text
    for table in view["stored"]:
        assert table["table"] in page
    assert "还原不出是谁" in page
