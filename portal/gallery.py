"""The page `/_components` (development only): every component in every state.

`gallery_html` is what the tests of layout and accessibility look at too.
"""

from types import SimpleNamespace as Sample
from typing import Any

import jinja2

from plugin_sdk.cases.answers import answers
from plugin_sdk.extension import Card
from plugin_sdk.views import ActionView, FormView
from portal import samples_appointments as appointments
from portal import samples_kits as kits
from portal import samples_payments
from portal.samples import (
    NOW,
    banner_samples,
    both,
    case_items,
    charts,
    deadlines,
    drafts,
    entries,
    facts,
    fields,
    figures,
    filters,
    parts,
    tiles,
    uploads,
    work_rows,
)
from portal.templating import (
    Flash,
    Lang,
    Link,
    Mode,
    Page,
    PageApp,
    PagePerson,
    PostChoice,
    TextSize,
    render,
)


def gallery_html(
    env: jinja2.Environment, lang: Lang, mode: Mode, text_size: TextSize = "standard"
) -> str:
    """Return the page of all components in a language and a mode."""
    page = sample_page("Components", lang, mode, text_size=text_size)
    return render(env, "gallery.html", page, view=gallery_view())


def sample_page(title: str, lang: Lang, mode: Mode, **more: Any) -> Page:
    """Return a frame as a staff member with two posts sees it."""
    given: dict[str, Any] = {
        "person": PagePerson(
            name_masked="李*兰",
            unit="城市管理局",
            post="签收员",
            post_id="1",
            posts=(
                PostChoice("1", "城市管理局 · 签收员", True),
                PostChoice("2", "望城坡街道 · 办事员"),
            ),
        ),
        "current": "work",
        "app": PageApp(
            "hotline",
            "12345热线" if lang == "zh-CN" else "12345 hotline",
            (
                Link("工单" if lang == "zh-CN" else "Orders", "/apps/hotline/orders", True),
                Link("统计" if lang == "zh-CN" else "Figures", "/apps/hotline/figures"),
            ),
        ),
        "breadcrumb": (
            Link("首页" if lang == "zh-CN" else "Home", "/"),
            Link("12345热线" if lang == "zh-CN" else "12345 hotline", "/apps/hotline/", True),
        ),
        "may": frozenset({"admin", "governance"}),
        "unread": 3,
    }
    return Page(
        title=title,
        lang=lang,
        mode=mode,
        county="岳麓区",
        csrf="token",
        form_key="sample-key-0001",
        path="/_components",
        site="https://yimen.example",
        printed_at=NOW,
        **(given | more),
    )


def gallery_view() -> dict[str, Any]:
    """Return what `gallery.html` shows."""
    label = both("提交诉求", "File the request")

    def form(*, wrong: bool) -> FormView:
        return FormView(
            title=label,
            action="/x",
            verb=label,
            fields=fields(wrong=wrong),
            multipart=True,
            cancel="/",
            hidden={"version": "3"},
        )

    return {
        "tiles": tiles(),
        "deadlines": deadlines(),
        "rows": work_rows(),
        "cases": case_items(),
        "entries": entries(),
        "parts": parts(),
        "clean": form(wrong=False),
        "wrong": form(wrong=True),
        "figures": figures(),
        "charts": charts(),
        "filters": filters(),
        "chosen": filters("sign"),
        "banners": banner_samples(),
        "facts": facts(),
        "drafts": drafts(),
        "pins": [Link("超期的", "/x?late=1", True), Link("待签收", "/x?state=dispatched")],
        "answers": answers(fields(wrong=False)),
        "uploads": uploads(),
        "flash": Flash("已催办", "/undo"),
        "cards": [Card(title="12345热线", text="3 件办件超期", href="/x", count=3)],
        "confirm": Sample(
            title=both("销毁归档", "Purge the archive"),
            action="/x",
            cancel="/",
            consequences=[both("归档文件永久删除", "The bundle is destroyed")],
            verb=both("销毁归档", "Purge"),
            typed="hotline",
            error=None,
        ),
        "job": Sample(
            label=both("导入工单", "Importing"), done=430, total=1204, running=False, href="/x"
        ),
        "records": kits.records(),
        "versions": kits.versions(),
        "duties": kits.duty_groups(),
        "standings": ["on_time", "late", "nil", "missing", "open", "released", "none"],
        "filed": kits.filing_versions(),
        "published": kits.public_items(),
        "meetings": kits.meetings(),
        "payments": samples_payments.payments(),
        "bookings": appointments.bookings(),
        "days": appointments.days(),
        "hours": appointments.hours(),
        "act": ActionView(verb="sign", label=both("签收", "Sign"), href="/x", primary=True),
    }
