"""Samples of the pages of the register and of the reports."""

from datetime import date

from core.governance.reports import Figure, Period
from plugin_sdk.text import Text
from plugin_sdk.views import FilterView, Phrase
from portal.pages.governance.changes import ChangesView, ChangeView
from portal.pages.governance.register import AppLineView, RegisterView, Tab
from portal.pages.governance.reports import view_of
from portal.samples import NOW

TABS = [
    Tab(label=Phrase("app_register.apps"), href="/x", current=True),
    Tab(label=Phrase("app_register.changes"), href="/x"),
]


def apps_view():
    """The register with an app behind the door, and one beyond it that was merged."""
    lines = [
        AppLineView(
            app=app,
            name=Text(zh="网格巡查", en="Patrols"),
            href="/x",
            owner="城市管理局",
            stage="closed" if beyond else "active",
            stage_label=Phrase("stage.closed" if beyond else "stage.active"),
            since=date(2026, 1, 1),
            behind_door=not beyond,
            filing_number=None if beyond else "BA-1",
            closed_on=date(2026, 1, 1) if beyond else None,
            successor="hotline" if beyond else None,
            successor_name=Text("12345热线", "12345 hotline") if beyond else None,
            relying=() if beyond else (Text("随手拍", "Snap"), Text("网格", "Grid")),
            change="/x" if beyond else None,
        )
        for app, beyond in (("a", False), ("b", True))
    ]
    return RegisterView(
        title=Phrase("app_register.apps"),
        tabs=TABS,
        said=None,
        rows=lines,
        total=2,
        filters=[FilterView(name="since", label=Phrase("report.since"), options=[])],
        query="",
        action="/x",
        next_href="/x",
        exports={"csv": "/x"},
        create="/x",
        imports="/x",
    )


def changes_view():
    """A change of an entry, and a new one."""
    differs = (Phrase("app_register.field.filing_number"), Phrase("app_register.nothing"), "BA-1")
    rows = [
        ChangeView(
            app="b",
            name=Text("网格巡查", "Patrols"),
            href="/x",
            at=NOW,
            who=who,
            label=Phrase(f"app_register.{label}"),
            differences=differences,
        )
        for who, label, differences in (
            ("沈治理", "changed", [differs]),
            (Phrase("app_register.console"), "entered", []),
        )
    ]
    return ChangesView(
        title=Phrase("app_register.changes"),
        tabs=TABS,
        rows=rows,
        query="",
        action="/x",
        next_href="/x",
    )


def reports_view():
    """A figure of apps, and of groups with their chart."""
    found = [
        Figure(register="app", key="beyond", n=14, href="/x", dated=False),
        Figure(register="group", key="merged", n=3, href="/x", dated=True),
        Figure(register="group", key="kept", n=0, href="/x", dated=True),
    ]
    return view_of(found, Period(date(2026, 1, 1), date(2026, 11, 26)))
