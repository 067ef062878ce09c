"""The register of public accounts (政务公众账号): kept up, idle, merged or cancelled."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Final
from uuid import UUID

from pydantic import Field
from sqlalchemy import Select
from sqlmodel import col

from core.governance.oversight.known import policy_of
from core.governance.oversight.models import Account
from core.governance.oversight.units import UnitDesk, check_past
from plugin_sdk.deadlines import local_day
from plugin_sdk.ports import Actor, Hub, Read, To, Work
from plugin_sdk.problems import Conflict, Invalid, Problem, field_error
from plugin_sdk.registers import EndForm, RecordForm, Register, RegisterEngine
from plugin_sdk.views import FieldKind, FilterView, Option, Phrase, Words

FLAGS: Final = ("idle", "unknown", "merged", "cancelled")
BATCH: Final = 200


class Platform(StrEnum):
    """Where an account stands."""

    WECHAT = "wechat"
    CHANNELS = "channels"
    WEIBO = "weibo"
    DOUYIN = "douyin"
    KUAISHOU = "kuaishou"
    TOUTIAO = "toutiao"
    OTHER = "other"


class AccountOutcome(StrEnum):
    """What became of an account that is no longer kept up."""

    MERGED = "merged"
    CANCELLED = "cancelled"


class AccountForm(RecordForm):
    """A public account. It ends by what became of it, not by a day that is entered."""

    kinds: ClassVar[Mapping[str, FieldKind]] = {
        "ends_on": "hidden",
        "organization": "select",
        "platform": "select",
    }

    platform: Platform
    code: str = Field(min_length=1, max_length=40, pattern=r"^\S+$")
    organization: UUID | None = None
    last_post: date | None = None
    followers: int | None = Field(default=None, ge=0, le=2_000_000_000)


class AccountEnd(EndForm):
    """What became of an account: merged into another, or cancelled."""

    kinds: ClassVar[dict[str, FieldKind]] = {**EndForm.kinds, "target": "select"}

    outcome: AccountOutcome
    target: str | None = Field(default=None, max_length=40)


ACCOUNTS: Final = Register(
    name="account",
    path="/accounts",
    read="account.read",
    edit="account.edit",
    form=AccountForm,
    end_form=AccountEnd,
    imports="register.import",
)


class Accounts(RegisterEngine[Account]):
    """The public accounts."""

    def key(self, owner: UUID, code: str | None, form: RecordForm) -> str:
        """Return the account on its platform: no two units have the same."""
        return f"{getattr(form, 'platform', '')}:{code}"

    async def add(self, work: Work, form: RecordForm, **more: Any) -> Account:
        """Enter an account (`RegisterEngine.add`). Raises `Invalid` for a day still to come."""
        check_past(work, form, "last_post", "starts_on")
        return await super().add(work, form, **more)

    async def change(
        self, work: Work, id: UUID, form: RecordForm, version: int, reason: str | None = None
    ) -> Account:
        """Change an account (`RegisterEngine.change`) that is still kept up."""
        check_past(work, form, "last_post", "starts_on")
        _check_open(await self.find(work, id))
        return await super().change(work, id, form, version, reason)

    async def end(self, work: Work, id: UUID, form: EndForm) -> Account:
        """End an account with what became of it, once. Raises `Conflict`, `Invalid`."""
        row = await self.find(work, id)
        _check_open(row)
        check_past(work, form, "ends_on")
        if getattr(form, "outcome", None) == AccountOutcome.MERGED:
            target = getattr(form, "target", None)
            into = await self.by_code(work, target, on=local_day(work.now)) if target else None
            if into is None or into.id == row.id or into.outcome is not None:
                raise Invalid(field_error("target", "merge-target"))
        elif getattr(form, "target", None):
            raise Invalid(field_error("target", "no-target"))
        return await super().end(work, id, form)

    def idle_before(self, today: date) -> date:
        """Return the day before which the last post makes an account idle."""
        return today - timedelta(days=policy_of(self.hub).accounts.idle_days)

    async def tell(self, actor: Actor) -> None:
        """Tell the units of accounts that are idle, each once for each last post."""
        last: UUID | None = None
        while True:
            async with self.hub.work(actor) as work:
                before, row = self.idle_before(local_day(work.now)), self.row
                statement = work.rows(row, permission=self.register.read).where(
                    col(row.outcome).is_(None), col(row.last_post) < before
                )
                if last is not None:
                    statement = statement.where(col(row.id) > last)
                found = (
                    await work.session.execute(statement.order_by(col(row.id)).limit(BATCH))
                ).scalars()
                told = [self._tell(work, one) for one in found]
            if len(told) < BATCH:
                return
            last = told[-1]

    def _tell(self, work: Work, row: Account) -> UUID:
        work.notify(
            To(organization_id=row.organization_id, permission=self.register.edit),
            Phrase(f"{self.prefix}.idle_notice", {"name": row.name, "date": row.last_post}),
            self.href(row.id),
            dedupe=f"{self.subject(row.id)}:idle:{row.last_post}",
        )
        return row.id


def _check_open(row: Account) -> None:
    if row.outcome is not None:
        raise Conflict("registers.ended", date=row.ends_on)


class AccountDesk(UnitDesk[Account]):
    """The desk of public accounts."""

    hints = frozenset({"code", "last_post", "target", "organization"})
    asks = ("flag", "unit", "since", "until")

    def __init__(self, accounts: Accounts) -> None:
        super().__init__(accounts)
        self.accounts = accounts

    def note(self, row: Account) -> Words:
        """Return its platform, and what became of it or whether it is idle."""
        said = self.engine.words(f"platform.{row.platform}")
        if row.outcome is not None:
            return self.engine.words(f"noted.{row.outcome}", platform=said, target=row.target)
        if row.last_post is None:
            return self.engine.words("noted.unknown", platform=said)
        idle = row.last_post < self.accounts.idle_before(local_day(self.hub.now()))
        key = "noted.idle" if idle else "noted.kept_up"
        return self.engine.words(key, platform=said, date=row.last_post)

    async def filters(self, read: Read, asked: Mapping[str, str]) -> list[FilterView]:
        """Return the filters: what became of accounts, and of whom; within days, where asked."""
        options = [Option(flag, self.engine.words(f"flag.{flag}")) for flag in FLAGS]
        flag = FilterView(
            name="flag",
            label=self.engine.words("flag_label"),
            options=options,
            value=asked.get("flag", ""),
        )
        return [flag, *await self.unit_filters(read, asked)]

    async def narrow(
        self, read: Read, statement: Select[Any], asked: Mapping[str, str]
    ) -> Select[Any]:
        """Return the accounts that were asked for."""
        row, flag = self.engine.row, asked.get("flag", "")
        statement = self.of_unit(statement, asked)
        if not flag:
            return statement
        if flag == "idle":
            before = self.accounts.idle_before(local_day(read.now))
            return statement.where(col(row.outcome).is_(None), col(row.last_post) < before)
        if flag == "unknown":
            return statement.where(col(row.outcome).is_(None), col(row.last_post).is_(None))
        if flag not in FLAGS:
            raise Problem("unknown-choice", status=422)
        return self.within(statement.where(col(row.outcome) == flag), col(row.ends_on), asked)


def accounts_of(hub: Hub) -> AccountDesk:
    """Return the register of public accounts of a hub."""
    return AccountDesk(Accounts(hub, ACCOUNTS, Account))
