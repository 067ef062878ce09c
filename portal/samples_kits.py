"""Samples for the gallery and its tests: what the kits beside the cases show."""

from datetime import date

from plugin_sdk.registers.views import RecordItem, RecordView, RegisterView, State, VersionView
from plugin_sdk.views import ActionView, FactView, Money, Phrase, View
from portal.samples import NOW, both, facts, filters


def records() -> list[RecordItem]:
    """Return a record of a register in each state."""
    states: tuple[State, ...] = ("in_force", "ending", "future", "ended")
    return [
        RecordItem(
            id=str(n),
            code=f"HT-{n}",
            name="村东机动地承包合同",
            state=state,
            state_label=Phrase(f"registers.state.{state}"),
            starts_on=date(2025, 1, 1),
            ends_on=None if state == "in_force" else date(2026, 3, 31),
            unit="富国街道",
            href="/x",
            note=both("承包合同", "Lease") if n else None,
        )
        for n, state in enumerate(states)
    ]


def versions() -> list[VersionView]:
    """Return a record as it stands, and as it was entered."""
    return [
        VersionView(
            version=version,
            label=Phrase(f"registers.said.{verb}"),
            at=NOW,
            role="报账员",
            unit="富国街道",
            reason="合同续签" if verb == "change" else None,
            facts=[FactView(both("金额", "Amount"), Money(123450))],
        )
        for version, verb in ((2, "change"), (1, "add"))
    ]


def pages() -> dict[str, View]:
    """Return the pages of the kits, by name."""
    act = ActionView(verb="change", label=both("更改", "Change"), href="/x", primary=True)
    return {
        "register_list": RegisterView(
            title=both("合同台账", "Contracts"),
            items=records(),
            filters=filters(),
            next_href="/x",
            create=act,
            export_href="/x",
        ),
        "register_record": RecordView(
            id="1",
            code="HT-1",
            name="村东机动地承包合同",
            register=both("合同台账", "Contracts"),
            state="ending",
            state_label=Phrase("registers.state.ending"),
            version=2,
            unit="富国街道",
            facts=[*facts(), FactView(both("金额", "Amount"), Money(123450))],
            versions=versions(),
            actions=[act],
            list_href="/x",
        ),
    }
