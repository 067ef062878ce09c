"""Accounts and groups of the demonstration county, of our own making: some idle, some of units with
more groups than they may have, some whose time was over."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlmodel import col

from core.governance.oversight.accounts import AccountEnd, AccountForm, Accounts
from core.governance.oversight.groups import GroupEnd, GroupForm, Groups
from core.governance.oversight.models import Account
from plugin_sdk.deadlines import local_day
from plugin_sdk.extension import ImportReport
from plugin_sdk.forms import validate
from plugin_sdk.ports import Work
from plugin_sdk.registers import RecordForm

CITY, TRAFFIC, SCHOOL, HOUSING = "371603U01", "371603U02", "371603U03", "371603U04"
LABOUR, DATA, FARMS = "371603U05", "371603U06", "371603U08"
TOWN, SECOND_TOWN, VILLAGE = "371603001", "371603002", "371603001001"


class AnAccount(msgspec.Struct, frozen=True):
    """An account: days since its last post (None: unknown), and what became of it."""

    unit: str
    name: str
    platform: str
    code: str
    posted: int | None
    followers: int | None = None
    outcome: str = ""
    target: str | None = None


class AGroup(msgspec.Struct, frozen=True):
    """A group; `ends` is in how many days a temporary one ends (negative: it has ended)."""

    unit: str
    name: str
    members: int
    platform: str = "wechat"
    ends: int | None = None
    purpose: str | None = None
    approver: str | None = None
    kept: int | None = None
    outcome: str = ""
    target: str | None = None


ACCOUNTS: Final = (
    AnAccount(DATA, "滨城区发布（示例）", "wechat", "demo-fabu", 1, 48200),
    AnAccount(DATA, "滨城区政务（示例）", "weibo", "demo-zhengwu", 412, 3100),
    AnAccount(CITY, "滨城城管（示例）", "wechat", "demo-chengguan", 6, 5400),
    AnAccount(CITY, "城管随手拍（示例）", "douyin", "demo-suishoupai", 230, 860),
    AnAccount(TRAFFIC, "滨城交通（示例）", "wechat", "demo-jiaotong", 12, 7300),
    AnAccount(TRAFFIC, "交通路况（示例）", "weibo", "demo-lukuang", None),
    AnAccount(SCHOOL, "滨城教体（示例）", "wechat", "demo-jiaoti", 3, 16900),
    AnAccount(HOUSING, "滨城住建（示例）", "wechat", "demo-zhujian", 40, 2200),
    AnAccount(
        HOUSING, "住建微视（示例）", "channels", "demo-weishi", 300, 95, "merged", "demo-zhujian"
    ),
    AnAccount(LABOUR, "滨城就业（示例）", "wechat", "demo-jiuye", 9, 12100),
    AnAccount(FARMS, "滨城三农（示例）", "toutiao", "demo-sannong", 700, 140, "cancelled"),
    AnAccount(TOWN, "街道之声（示例）", "wechat", "demo-jiedao", 151, 1900),
    AnAccount(VILLAGE, "村里的事（示例）", "kuaishou", "demo-cunli", None, 60),
)
GROUPS: Final = (
    AGroup(CITY, "城管工作群（示例）", 16, kept=40),
    AGroup(CITY, "城管执法中队群（示例）", 22, kept=40),
    AGroup(CITY, "城管市容群（示例）", 14),
    AGroup(CITY, "城管渣土群（示例）", 9),
    AGroup(CITY, "创城督办群（示例）", 31, ends=-8, purpose="创建文明城区迎检"),
    AGroup(CITY, "城管通知二群（示例）", 12, outcome="merged", target="城管工作群（示例）"),
    AGroup(TRAFFIC, "交通工作群（示例）", 19, kept=40),
    AGroup(TRAFFIC, "交通执法群（示例）", 27),
    AGroup(TRAFFIC, "春运保障群（示例）", 40, ends=20, purpose="春运客流保障"),
    AGroup(SCHOOL, "教体工作群（示例）", 35, "wecom"),
    AGroup(SCHOOL, "校长联系群（示例）", 62, "wecom"),
    AGroup(HOUSING, "住建工作群（示例）", 18),
    AGroup(HOUSING, "物业联系群（示例）", 88, outcome="reduced"),
    AGroup(LABOUR, "就业服务群（示例）", 24, "dingtalk"),
    AGroup(DATA, "政务数据工作群（示例）", 21, "dingtalk", kept=40),
    AGroup(DATA, "一网通办联络群（示例）", 66, "dingtalk"),
    AGroup(FARMS, "农业农村工作群（示例）", 17),
    AGroup(FARMS, "秋收会战群（示例）", 45, ends=-30, purpose="秋收秋种调度"),
    AGroup(TOWN, "街道工作群（示例）", 48),
    AGroup(TOWN, "村书记联系群（示例）", 26, approver="街道党工委书记"),
    AGroup(TOWN, "防汛值守群（示例）", 33, ends=35, purpose="汛期值守"),
    AGroup(SECOND_TOWN, "乡镇工作群（示例）", 39),
    AGroup(VILLAGE, "村务群（示例）", 210),
    AGroup(VILLAGE, "村民通知群（示例）", 180),
)


async def run(accounts: Accounts, groups: Groups) -> AsyncIterator[ImportReport]:
    """Yield a report for each record; nothing is entered where there is an account already."""
    hub, total = accounts.hub, len(ACCOUNTS) + len(GROUPS)
    system = hub.system("demonstration")
    units = {}
    for code in sorted({one.unit for one in (*ACCOUNTS, *GROUPS)}):
        if found := await hub.directory.by_code(code):
            units[code] = found.id
    async with hub.work(system) as work:
        known = work.rows(Account, col(Account.id), permission=accounts.register.read).limit(1)
        done = (await work.session.execute(known)).first() is not None
        if not done:
            await _accounts(accounts, work, units)
            await _groups(groups, work, units)
    if not done:
        await groups.close_over(system)
    for line in range(1, total + 1):
        yield ImportReport(line=line, outcome="present" if done else "added", total=total)


async def _accounts(accounts: Accounts, work: Work, units: Mapping[str, UUID]) -> None:
    today = local_day(work.now)
    for one in ACCOUNTS:
        if one.unit not in units:
            continue
        form = validate(
            AccountForm,
            {
                "name": one.name,
                "platform": one.platform,
                "code": one.code,
                "followers": one.followers,
                "last_post": None if one.posted is None else today - timedelta(days=one.posted),
                "starts_on": today - timedelta(days=1500),
            },
        )
        row = await accounts.add(work, form, organization_id=units[one.unit])
        if one.outcome:
            await work.session.flush()
            ended = _ended(AccountEnd, today - timedelta(days=25), one.outcome, one.target)
            await accounts.end(work, row.id, ended)


async def _groups(groups: Groups, work: Work, units: Mapping[str, UUID]) -> None:
    today = local_day(work.now)
    codes: dict[str, str] = {}
    for one in GROUPS:
        if one.unit not in units:
            continue
        form = validate(GroupForm, _said(one, today))
        row = await groups.record(work, form, organization_id=units[one.unit])
        codes[one.name] = row.code
        if one.outcome:
            await work.session.flush()
            target = codes[one.target] if one.target else None
            ended = _ended(GroupEnd, today - timedelta(days=12), one.outcome, target)
            await groups.end(work, row.id, ended)


def _said(one: AGroup, today: Any) -> dict[str, Any]:
    begun = -45 if one.ends is None else one.ends - 60
    return {
        "name": one.name,
        "platform": one.platform,
        "kind": "permanent" if one.ends is None else "temporary",
        "starts_on": today + timedelta(days=min(begun, -1)),
        "ends_on": None if one.ends is None else today + timedelta(days=one.ends),
        "purpose": one.purpose,
        "members": one.members,
        "village_heads": one.approver is not None,
        "approver": one.approver,
        "approved_on": today - timedelta(days=80) if one.approver else None,
        "kept_on": None if one.kept is None else today - timedelta(days=one.kept),
    }


def _ended(form: Any, on: Any, outcome: str, target: str | None) -> Any:
    values = {"version": 1, "ends_on": on, "reason": "清理整合（示例）"}
    ended: RecordForm = validate(form, {**values, "outcome": outcome, "target": target})
    return ended
