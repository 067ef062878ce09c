"""The gallery and the pages: they render in both languages and modes, look right, and are
accessible (axe-core, and the geometry script of the portal's checklist)."""

import functools
import http.server
import os
import re
import threading
from datetime import date
from pathlib import Path
from types import SimpleNamespace as S
from urllib.parse import parse_qs, urlsplit

import pytest

from plugin_sdk.cases.answers import answers
from plugin_sdk.text import Text
from plugin_sdk.views import (
    ActionView,
    ActView,
    AttachmentView,
    CaseDetailView,
    CaseListView,
    CheckView,
    FactView,
    FieldView,
    FiguresView,
    FormView,
    Option,
    Phrase,
    Rule,
    SubmittedView,
    TrackView,
)
from portal import gallery, samples, samples_kits
from portal.pages.about import AboutView, FunctionView, NextApp
from portal.pages.admin.change import ChangeView
from portal.pages.groups import Act, Group, Line, groups_view
from portal.pages.transparency import Collected, Column, Stored, TransparencyView
from portal.pages.ways import SignInView, Way
from portal.sending import sent_view
from portal.templating import WORDS, Assets, Flash, Link, Page, PageApp, make_environment, render
from portal.texts import Catalogue
from tests.portal import governed, merged, registered
from tests.portal.oidc import samples as oidc_samples

HOUSE = Path(__file__).parents[2]
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
CHROMIUM = os.environ.get("YIMEN_CHROMIUM", "/usr/bin/chromium")
LANGS = ("zh-CN", "en")
MODES = ("standard", "elder")
WIDTHS = (390, 1280)
NOW = samples.NOW
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; form-action 'self'"
)

# The script of the checklist in portal.md.
GEOMETRY = """() => {
  const elder = document.documentElement.dataset.mode === 'elder';
  const t = elder ? 48 : 44, f = elder ? 18 : 14, bad = [], $ = q => document.querySelectorAll(q);
  if (document.documentElement.scrollWidth > innerWidth) bad.push('page scrolls sideways');
  if ($('h1').length !== 1) bad.push('h1 count');
  for (const e of $('a[href],button,input:not([type=hidden]),select,textarea,summary')) {
    const b = (e.matches('[type=checkbox],[type=radio]') && e.labels?.[0]) || e;
    const r = b.getBoundingClientRect(), m = elder && e.closest('[data-main]') ? 60 : t;
    if (r.width > 1 && !e.closest('p,td,.dense,.visually-hidden')
        && (r.height < m || r.width < m))
      bad.push(`target ${r.width | 0}x${r.height | 0} ${e.outerHTML.slice(0, 60)}`);
  }
  for (const e of $('body *'))
    if ([...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
        && e.getClientRects().length && !e.closest('svg,.visually-hidden')
        && parseFloat(getComputedStyle(e).fontSize) < f)
      bad.push(`small text ${e.textContent.slice(0, 20)}`);
  return bad; }"""
RUN_AXE = """() => axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: {'target-size': {enabled: true}},
  }).then(found => found.violations.map(v => v.id + ': ' + v.nodes.slice(0, 4).map(
    n => n.target + ' ' + n.failureSummary.slice(0, 160)).join(' | ')))"""


@pytest.fixture(scope="module")
def catalogue():
    return Catalogue.merge({"": WORDS})


@pytest.fixture(scope="module")
def assets():
    return Assets()


@pytest.fixture(scope="module")
def env(catalogue, assets):
    return make_environment(catalogue, assets=assets)


# ---- samples of every page -------------------------------------------------------------


def fields(*, wrong=False):
    return samples.fields(wrong=wrong)


def side_form():
    return S(title="授权", action="/x", verb="授权", fields=fields()[:1], hidden={})


def detail():
    return CaseDetailView(
        id="1",
        number="202611240001",
        title="社区门口的路灯不亮已经一周",
        state="dispatched",
        state_label="待签收",
        version=3,
        deadline=samples.deadlines()[0],
        summary=samples.facts(),
        timeline=samples.entries(),
        actions=[
            ActionView(verb="sign", label="签收", href="/x/sign", primary=True, needs_form=False),
            ActionView(verb="return", label="退回", href="/x/return"),
            ActionView(verb="urge", label="催办", href="/x/urge", missing="hotline.order.urge"),
        ],
        attachments=[AttachmentView(href="/assets/none.png", name="路灯.jpg")],
        unit="城市管理局",
        holder=Phrase("case.holder.now", {"unit": "城市管理局"}),
        list_href="/apps/hotline/orders",
        notice=Phrase("case.notice.due-pending"),
    )


def form(cls=FormView, *, wrong=False, **more):
    return cls(
        title="签收",
        action="/x",
        verb="签收",
        fields=fields(wrong=wrong),
        intro="签收后 5 个工作日内答复。",
        hidden={"version": "3"},
        multipart=True,
        conflict=Phrase("problem.case.urged-today.detail", {"post": "签收员"}) if wrong else None,
        cancel="/x",
        about=samples.facts(),
        **more,
    )


def tracked(*, found, number="202611240001", asked=True):
    return TrackView(
        number=number,
        code="7F3K",
        found=found,
        asked=asked,
        title="市政设施",
        state_label="办理中",
        deadline=samples.deadlines()[0],
        timeline=samples.entries() if found else [],
        rate_href="/rate" if found else None,
    )


def notice(**more):
    return S(title="五一放假安排", href="/x", at=NOW, **more)


def count(n):
    return S(n=n, href="/work")


def admin(section):
    return {
        "app": PageApp(
            "admin",
            "管理",
            tuple(
                Link(label, f"/admin/{label}", label == section)
                for label in ("人员", "组织机构", "授权", "应用运行", "审计", "短信")
            ),
        ),
        "current": None,
        "breadcrumb": (),
    }


PLAIN = {"app": None, "breadcrumb": ()}
DESK = {
    "app": PageApp(
        "governance", "治理", (Link("应用总览", "/governance", True), Link("规则与试算", "/x"))
    ),
    "current": None,
    "breadcrumb": (),
}
VISITOR: dict = {**PLAIN, "person": None, "current": "home", "may": frozenset(), "unread": 0}
HOME = {
    "tiles": samples.tiles(),
    "cards": gallery.gallery_view()["cards"],
    "notices": [notice()],
    "unavailable": ["随手拍"],
}
AUDITED = S(
    at=NOW,
    who="王*",
    app="hotline",
    act="signed",
    subject="order:1",
    outcome="done",
    permission="hotline.order.sign",
    granted_by="grant 1",
    href="/x",
)
HELD = S(
    name="王*",
    organization="城市管理局",
    post="签收员",
    role="handler",
    scope="subtree",
    ends_at=None,
    last_day=None,
)
RULES = [
    Rule("length", Phrase("password.rule.length", {"n": 15}), 15),
    Rule("kinds", Phrase("password.rule.kinds", {"n": 3}), 3),
    Rule("other", Phrase("password.rule.common")),
]
WAYS = [Way(Phrase("ways.code"), "/x"), Way(Phrase("ways.recover"), "/y")]
GRANTED = S(
    id="1",
    person="王*",
    organization="城市管理局",
    post="签收员",
    role="handler",
    scope="subtree",
    starts_at=NOW,
    ends_at=NOW,
    last_day=NOW.date(),
    soon=True,
    withdraw="/x",
)

PAGES = {
    "home_guest": (
        "home_guest.html",
        VISITOR,
        {
            "request_href": "/x",
            "open_sections": [Link("扫码看村务", "/x")],
            "apps": samples.tiles(),
            "notices": [notice()],
        },
    ),
    "home_resident": (
        "home_resident.html",
        {**PLAIN, "current": "home"},
        dict(
            HOME,
            request_href="/x",
            help_href="/x",
            drafts=samples.drafts(),
            cases_href="/x",
            cases=samples.work_rows(),
        ),
    ),
    "home_resident_empty": (
        "home_resident.html",
        {**PLAIN, "current": "home"},
        {
            "request_href": None,
            "help_href": None,
            "drafts": [],
            "cases_href": "/x",
            "cases": [],
            "tiles": [],
            "cards": [],
            "notices": [],
            "unavailable": [],
        },
    ),
    "home_staff": (
        "home_staff.html",
        {**PLAIN, "current": "home"},
        dict(
            HOME,
            counts={"late": count(2), "today": count(1), "unsigned": count(0)},
            rows=samples.work_rows(),
            next_href="/x",
            drafts=samples.drafts(),
            delegations=[S(text="王* 委托，至 3月31日", href="/x")],
        ),
    ),
    "home_staff_empty": (
        "home_staff.html",
        {**PLAIN, "current": "home"},
        {
            "counts": {"late": count(0), "today": count(0), "unsigned": count(0)},
            "rows": [],
            "next_href": None,
            "drafts": [],
            "delegations": [],
            "cards": [],
            "notices": [],
            "tiles": [],
            "unavailable": [],
        },
    ),
    "apps": (
        "apps.html",
        {**PLAIN, "current": "apps"},
        {
            "groups": [S(title="诉求", tiles=samples.tiles())],
            "why_href": "/why",
        },
    ),
    "apps_empty": (
        "apps.html",
        {**PLAIN, "current": "apps"},
        {"groups": [], "why_href": "/why"},
    ),
    "work": (
        "work.html",
        PLAIN,
        {
            "tabs": [
                S(label="待我办", href="/work", current=True, n=4),
                S(label="已办", href="/work?tab=done", current=False, n=None),
            ],
            "rows": samples.work_rows(),
            "next_href": "/work?cursor=1",
            "next_due": None,
            "cases": samples.work_rows()[:1],
            "cases_href": "/apps/hotline/orders?mine=1",
            "unavailable": [],
        },
    ),
    "messages": (
        "messages.html",
        {**PLAIN, "current": "messages", "flash": Flash("已标为已读")},
        {
            "days": [
                S(
                    day=date(2026, 3, 5),
                    notices=[
                        S(
                            id="1",
                            text="您的诉求已答复",
                            app="12345热线",
                            href="/x",
                            at=NOW,
                            read=False,
                        ),
                        S(id="2", text="已受理", app="12345热线", href="/x", at=NOW, read=True),
                    ],
                )
            ],
            "read_all": "/x",
            "next_href": None,
            "now": NOW,
        },
    ),
    "me": (
        "me.html",
        {**PLAIN, "current": "me"},
        {
            "facts": samples.facts(),
            "posts": [S(label="城市管理局 · 签收员", since=date(2025, 1, 2), current=True)],
            "delegations": [S(text="王*", href="/x")],
            "consents": [],
            "security": [S(text="登录中的设备：2 台", href="/x")],
            "sections": [S(label="管理", href="/admin")],
            "recorded_href": "/transparency",
        },
    ),
    "groups": (
        "groups.html",
        {**PLAIN, "current": "me"},
        groups_view(
            "职务委托",
            "不在岗时，把岗位委托给同事一段时间。",
            [
                Group(
                    "我委托的",
                    "没有。",
                    [
                        Line(
                            title="王副局 · 城市管理局 局长",
                            facts=["3月2日 至 3月9日", "全部角色", "出差"],
                            badge="当前",
                            acts=[Act("/x", "开始代办"), Act("/x", "结束委托", danger=True)],
                        ),
                        Line(title="李*兰", facts=["至 3月31日"], badge="已结束", over=True),
                    ],
                ),
                Group("委托给我的", "没有委托给您的岗位。", []),
            ],
            [side_form()],
        ),
    ),
    "sign_in": (
        "sign_in.html",
        VISITOR,
        {
            "fields": [],
            "next": "/",
            "asked_by": None,
            "problem": None,
            "username": "",
            "passkeys": True,
            "passkey_problem": None,
            "above": [S(name=Text("省统一认证", "Province sign-in"), href="/x")],
            "ways": WAYS,
        },
    ),
    "through_stopped": (
        "through_stopped.html",
        VISITOR,
        {
            "name": Text("省统一认证", "Province sign-in"),
            "why": "unknown",
            "signed_in": False,
            "again": "/x",
            "link": "/x",
            "register": True,
            "ways": WAYS,
        },
    ),
    "through_left": (
        "through_left.html",
        VISITOR,
        {"name": Text("省统一认证", "Province sign-in"), "out": "/x"},
    ),
    "identities": (
        "identities.html",
        {**PLAIN, "current": "me"},
        {
            "links": [
                S(
                    id="1",
                    name=Text("省统一认证", "Province sign-in"),
                    open=False,
                    facts=[
                        FactView(Phrase("identities.account"), "u-***ng"),
                        FactView(Phrase("identities.used"), Phrase("security.unused")),
                    ],
                )
            ],
            "others": [S(name=Text("市统一认证", "City sign-in"), href="/x")],
        },
    ),
    "admin_clients": (
        "admin_clients.html",
        PLAIN,
        {
            "clients": [
                S(
                    id="diary",
                    name=Text("工作日志", "Work diary"),
                    app="diary",
                    disabled=False,
                    used_at=NOW,
                    href="/admin/clients/diary",
                )
            ]
        },
    ),
    "admin_client": (
        "admin_client.html",
        PLAIN,
        {
            "id": "diary",
            "name": Text("工作日志", "Work diary"),
            "issuer": "https://yimen.county.example",
            "disabled": False,
            "facts": [
                FactView(
                    Phrase("page.clients.field.redirect_uris"),
                    "https://diary.county.example/login/oauth2/code/yimen",
                )
            ],
            "secret": "yimen_cs_0123456789abcdefghijklmnopqrstuvwxyz012345",
            "confidential": True,
            "secrets": [S(id="1", hint="2345", created_at=NOW, expires_at=NOW)],
            "stacks": [("Spring Security", "client-id: diary\n" * 20), ("PHP", "<?php")],
            "href": "/admin/clients/diary",
        },
    ),
    "admin_client_trace": (
        "admin_client_trace.html",
        PLAIN,
        {
            "title": Phrase("page.client_trace.title"),
            "name": Text("工作日志", "Work diary"),
            "back": "/admin/clients/diary",
            "steps": [
                S(
                    at=NOW,
                    step=Phrase("page.client_trace.step.authorize"),
                    done=False,
                    error="invalid_request",
                    why=Phrase("oidc.why.redirect-unknown"),
                    facts=[
                        FactView(
                            Phrase("page.client_trace.fact.given"),
                            "https://diary.county.example/callback",
                        )
                    ],
                )
            ],
        },
    ),
    "identity_confirm": (
        "identity_confirm.html",
        {**PLAIN, "current": "me"},
        {
            "name": Text("省统一认证", "Province sign-in"),
            "facts": [FactView(Phrase("identities.account"), "u-***ng")],
            "action": "/x",
        },
    ),
    "through_sent": (
        "sent_on.html",
        PLAIN,
        sent_view("/x", Text("省统一认证", "Province sign-in"), "through.sent"),
    ),
    "admin_upstreams": (
        "admin_upstreams.html",
        PLAIN,
        {
            "upstreams": [
                S(
                    key="province",
                    name=Text("省统一认证", "Province sign-in"),
                    issuer="https://id.province.example/realms/government",
                    disabled=False,
                    linked=1203,
                    provides=True,
                    gives_posts=True,
                )
            ]
        },
    ),
    "admin_upstream": (
        "admin_upstream.html",
        PLAIN,
        {
            "key": "province",
            "name": Text("省统一认证", "Province sign-in"),
            "disabled": True,
            "facts": [
                FactView(
                    Phrase("page.upstreams.field.issuer"),
                    "https://id.province.example/realms/government",
                ),
                FactView(
                    Phrase("page.upstreams.field.secret"), Phrase("page.upstreams.secret_set")
                ),
            ],
            "redirect_uri": "https://yimen.county.example/sign-in/with/province/back",
            "after": "https://yimen.county.example/",
            "tried": {"problem": Phrase("upstream.error.issuer-other")},
            "does": [Phrase("page.upstreams.provides_not"), Phrase("page.upstreams.gives_posts")],
        },
    ),
    "admin_upstream_rules": (
        "admin_upstream_rules.html",
        PLAIN,
        {
            "key": "province",
            "name": Text("省统一认证", "Province sign-in"),
            "fields": [
                FieldView(
                    name="rules", kind="textarea", label="规则", value='[person]\nname = "x"'
                ),
                FieldView(name="provides", kind="checkbox", label="开通账号", value=True),
                FieldView(name="version", kind="hidden", label="版本", value=1),
            ],
            "claims": FieldView(name="claims", kind="textarea", label="声明"),
            "flaws": [
                S(
                    line=2,
                    field="person.name",
                    message=Text("花括号里只写一个声明的名字", "braces hold one claim"),
                    remedy=Text("例如 {name}", "such as {name}"),
                )
            ],
            "tried": {
                "who": Phrase("page.upstreams.plan.made", {"name": "张*", "username": "zhang"}),
                "lines": [
                    Phrase("page.upstreams.plan.gives", {"unit": "城市管理局", "title": "科员"})
                ],
            },
            "last": {
                "at": NOW,
                "claims": [("preferred_username", "“z***”"), ("groups", "[“n***”]")],
            },
            "author": "蒋管理",
        },
    ),
    "sign_in_step": (
        "sign_in_step.html",
        VISITOR,
        SignInView(
            title="重设密码",
            intro="手机已验证。",
            action="/x",
            verb="重设密码",
            fields=[FieldView(name="password", kind="password", label="新密码", rules=RULES)],
            ways=WAYS,
        ),
    ),
    "password": (
        "password.html",
        PLAIN,
        FormView(
            title="修改密码",
            action="/x",
            verb="修改密码",
            fields=[
                FieldView(
                    name="password",
                    kind="password",
                    label="新密码",
                    rules=RULES,
                    error=Phrase("problem.field.password-short", {"least": 15}),
                )
            ],
        ),
    ),
    "own_sessions": (
        "own_sessions.html",
        PLAIN,
        {
            "sessions": [
                S(
                    handle=str(n),
                    title=f"Windows 电脑上的 Edge 浏览器 {n}",
                    current=n == 0,
                    public=n == 1,
                    facts=[FactView("登录时间", NOW), FactView("登录方式", "密码")],
                )
                for n in range(3)
            ]
        },
    ),
    "token_made": (
        "token_made.html",
        PLAIN,
        {"token": "ymt_" + "Ab3" * 15 + "z", "name": "月报", "until": NOW.date(), "back": "/x"},
    ),
    "known": (
        "known.html",
        PLAIN,
        {
            "typed": [
                S(
                    element="person.phone",
                    title=Phrase("element.name.person.phone"),
                    facts=[FactView(Phrase("known.value"), "138****8000")],
                )
            ],
            "known": [
                S(
                    element=element,
                    title=Phrase(f"element.name.{element}"),
                    facts=[FactView(Phrase("known.source"), Phrase("element.from.account"))],
                )
                for element in ("person.name", "person.phone")
            ],
        },
    ),
    "language": ("language.html", VISITOR, {"back": "/"}),
    "sign_in_refused": (
        "sign_in.html",
        VISITOR,
        {
            "fields": [],
            "next": "/",
            "asked_by": None,
            "problem": "sign-in-refused",
            "username": "li",
            "passkeys": True,
            "passkey_problem": None,
            "above": [],
            "ways": WAYS,
        },
    ),
    "second_factor": (
        "second_factor.html",
        VISITOR,
        {
            "offered": {"totp": True, "passkey": True, "recovery": True},
            "next": "/",
            "errors": {"code": Phrase("problem.field.second-code")},
        },
    ),
    "again": (
        "again.html",
        PLAIN,
        {
            "offered": {
                "totp": False,
                "passkey": False,
                "recovery": False,
                "password": True,
                "sms": False,
            },
            "username": "li",
            "next": "/",
            "kept": "[]",
            "action": "/admin/grants",
            "above": [S(name=Text("省统一认证", "Province sign-in"), href="/x")],
            "errors": {"password": Phrase("problem.field.password-wrong")},
        },
    ),
    "again_done": (
        "again_done.html",
        PLAIN,
        {"action": "/admin/grants", "fields": [("role", "yimen.owner")], "back": "/admin/grants"},
    ),
    "security": (
        "security.html",
        PLAIN,
        {
            "totp": S(created_at=NOW, used_at=NOW),
            "passkeys": [S(id="1", name="办公室电脑", created_at=NOW, used_at=None)],
            "codes": 9,
            "any": True,
            "possible": True,
            "asked": True,
            "errors": {"passkey": Phrase("problem.field.passkey-origin")},
            "name": "手机",
        },
    ),
    "security_totp": (
        "security_totp.html",
        PLAIN,
        {
            "address": "otpauth://totp/x:li?secret=" + "A" * 32 + "&issuer=x",
            "key": "ABCD EFGH " * 4,
            "errors": {},
        },
    ),
    "security_codes": (
        "security_codes.html",
        PLAIN,
        {
            "codes": ["abcd-efgh-jkmn"] * 10,
            "said": Phrase("security.totp.added"),
            "csrf": "",
        },
    ),
    "search": (
        "search.html",
        PLAIN,
        {
            "query": "路灯",
            "kinds": [
                S(
                    kind="apps",
                    hits=[S(title="12345热线", text="提诉求", href="/x")],
                    more_href="/x",
                ),
                S(kind="help", hits=[], more_href=None),
            ],
            "unavailable": [],
        },
    ),
    "search_empty": (
        "search.html",
        PLAIN,
        {"query": "路灯", "kinds": [], "unavailable": ["随手拍"]},
    ),
    "track_ask": ("track.html", VISITOR, tracked(found=False, number="", asked=False)),
    "track_wrong": ("track.html", VISITOR, tracked(found=False)),
    "track_found": ("track.html", VISITOR, tracked(found=True)),
    "feedback": (
        "feedback.html",
        VISITOR,
        {
            "app": "hotline",
            "app_name": "12345热线",
            "fields": fields(wrong=True)[:2],
            "hidden": {"app": "hotline"},
            "action": "/feedback",
            "number": None,
        },
    ),
    "feedback_sent": (
        "feedback.html",
        VISITOR,
        {
            "app": "",
            "app_name": "",
            "fields": [],
            "hidden": {},
            "action": "/feedback",
            "number": "202611240001",
        },
    ),
    "about": (
        "about.html",
        PLAIN,
        AboutView(
            name=Text("旧信访系统", "Old petitions"),
            summary=Text("信访登记与查询", "Petitions filed and found"),
            state="disabled",
            mode="closed",
            reason="并入 12345 热线。",
            until=NOW,
            stage="archived",
            said=Phrase("page.about.stage.archived", {"day": NOW.date()}),
            kept=Phrase("page.about.kept.archived_plain", {"owner": "信访局"}),
            successor=NextApp(name=Text("12345热线", "Hotline"), href="/x"),
            owner="信访局",
            contact="12345",
            filing="BA-2026-0001",
            legal_basis="",
            collected=["姓名", "电话"],
            functions=[
                FunctionView(old="登记", new="提诉求", href="/x"),
                FunctionView(old="积分", new="取消：不再需要"),
            ],
            open_href=None,
            feedback_href="/feedback",
            version="1.0.0",
        ),
    ),
    "decision_check": ("decision_check.html", PLAIN, governed.checked_view()),
    "life": ("life.html", DESK, governed.life_view()),
    "life_step": ("life_step.html", DESK, governed.step_view()),
    "why_not": (
        "why.html",
        PLAIN,
        {
            "permission": "hotline.order.sign",
            "title": "签收",
            "allowed": False,
            "missing": "out-of-scope",
            "role": "",
            "scope": "",
            "grantor": "",
            "starts": None,
            "ends": None,
            "roles": ["签收员"],
            "granters": [],
            "request_href": "/x",
        },
    ),
    "why": (
        "why.html",
        PLAIN,
        {
            "permission": "hotline.order.sign",
            "title": "签收",
            "allowed": True,
            "missing": "",
            "role": "签收员",
            "scope": "本单位",
            "grantor": "王*",
            "starts": NOW,
            "ends": NOW,
            "roles": [],
            "granters": [],
            "request_href": None,
        },
    ),
    "why_general": (
        "why.html",
        VISITOR,
        {
            "permission": "",
            "title": "",
            "allowed": False,
            "missing": "",
            "role": "",
            "scope": "",
            "grantor": "",
            "starts": None,
            "ends": None,
            "roles": [],
            "granters": [],
            "request_href": None,
        },
    ),
    "transparency": (
        "transparency.html",
        VISITOR,
        TransparencyView(
            sentences=(Phrase("page.transparency.s1"), Phrase("page.transparency.s2")),
            stored=(
                Stored(
                    "usage_day",
                    Phrase("stored.day.row"),
                    (Column("app", Phrase("stored.any.app")),),
                ),
            ),
            apps=(
                Collected(
                    app="hotline",
                    name="12345热线",
                    href="/x",
                    collected=(Phrase("page.personal.phone"), Phrase("page.personal.name")),
                    retention=Phrase("page.transparency.months", {"n": 36}),
                ),
            ),
        ),
    ),
    "portfolio": ("portfolio.html", DESK, governed.portfolio_view()),
    "owner": ("owner.html", DESK, governed.portfolio_view()),
    "dossier": ("dossier.html", DESK, governed.dossier_view()),
    "policy": ("policy.html", DESK, governed.policy_view()),
    "merge": ("merge.html", DESK, merged.merge_view()),
    "merge_data": ("merge_data.html", DESK, merged.data_view()),
    "register_apps": ("register_apps.html", DESK, registered.apps_view()),
    "register_changes": ("register_changes.html", DESK, registered.changes_view()),
    "reports": ("governance_reports.html", DESK, registered.reports_view()),
    "admin_people": (
        "admin_people.html",
        admin("人员"),
        {
            "query": "",
            "people": [
                S(
                    id="1",
                    name="王*",
                    username="wang",
                    posts=["城市管理局 · 签收员"],
                    active=True,
                    href="/x",
                ),
                S(id="2", name="李*", username="li", posts=[], active=False, href=None),
            ],
            "forms": [side_form()],
            "next_href": "/x",
            "import_href": "/x",
        },
    ),
    "admin_organizations": (
        "admin_organizations.html",
        admin("组织机构"),
        {
            "organizations": [
                S(
                    depth=0,
                    code="430104",
                    name="岳麓区",
                    level="county",
                    posts=1,
                    closed=False,
                    href="/x",
                ),
                S(
                    depth=1,
                    code="430104001",
                    name="望岳街道",
                    level="township",
                    posts=12,
                    closed=True,
                    href=None,
                ),
            ],
            "may_change": True,
            "forms": [],
            "calendar_unknown": 2027,
        },
    ),
    "admin_grants": (
        "admin_grants.html",
        admin("授权"),
        {
            "permission": "hotline.order.sign",
            "permissions": [Option("hotline.order.sign", "签收")],
            "holders": [HELD],
            "asked": True,
            "grants": [GRANTED],
            "expiring": 1,
            "forms": [side_form()],
        },
    ),
    "admin_apps": (
        "admin_apps.html",
        admin("应用运行"),
        {
            "apps": [
                S(
                    id="hotline",
                    name="12345热线",
                    version="1.0.0",
                    level="native",
                    state="enabled",
                    mode="open",
                    reason="",
                    error=None,
                    applied=3,
                    workers=3,
                    breaker=None,
                    href="/x",
                    acts=[S(verb="disable", action="/x"), S(verb="drain", action="/y")],
                ),
                S(
                    id="old",
                    name="旧系统",
                    version="0.9",
                    level="linked",
                    state="quarantined",
                    mode="read_only",
                    reason="启动时出错",
                    error="第 12 行：没有权限声明",
                    applied=2,
                    workers=3,
                    breaker="已断开",
                    href=None,
                    acts=[],
                ),
            ],
            "history": [S(at=NOW, app="hotline", what="启用", who="王*")],
        },
    ),
    "admin_audit": (
        "admin_audit.html",
        admin("审计"),
        {
            "seal": S(
                ok=False,
                sentence="已核验至第 1,204 条（3月5日 17:00），发现 21 处改动：",
                waiting="另有 3 条等待封存",
                warning="封存停下了",
                faults=[
                    S(text="第 7 条：内容与封存时不同", id="0192"),
                    S(text="结尾缺失", id=None),
                ],
                more=19,
            ),
            "job": S(label="正在核验", done=400, total=1204, running=True, href="/x"),
            "verify": "/x",
            "filters": samples.filters("sign"),
            "query": "",
            "entries": [AUDITED, S(**{**vars(AUDITED), "outcome": "refused", "permission": ""})],
            "next_href": "/x",
            "exports": [S(format="csv", href="/x")],
        },
    ),
    "admin_audit_entry": (
        "admin_audit_entry.html",
        admin("审计"),
        {"facts": [S(label="谁", value="王兰"), S(label="时间", value=NOW)], "back": "/x"},
    ),
    "admin_outbox": (
        "admin_outbox.html",
        admin("短信"),
        {
            "messages": [
                S(at=NOW, channel="sms", address="138****5678", text="您的诉求 202611240001 已受理")
            ],
            "simulated": True,
            "next_href": None,
        },
    ),
    "owner_feedback": (
        "owner_feedback.html",
        PLAIN,
        {
            "may_answer": True,
            "names": {"hotline": "12345热线"},
            "complaints": [
                S(
                    id="1",
                    number="202611240001",
                    app="hotline",
                    place="首页",
                    text="字太小，看不清",
                    anonymous=True,
                    at=NOW,
                    reply=None,
                ),
                S(
                    id="2",
                    number="202611240002",
                    app="hotline",
                    place="",
                    text="很好用",
                    anonymous=False,
                    at=NOW,
                    reply="谢谢",
                ),
            ],
        },
    ),
    "admin_person": (
        "admin_person.html",
        admin("人员"),
        {
            "person": S(id="1", name="王*", username="wang", disabled=False),
            "posts": [
                S(id="1", organization="城市管理局", title="签收员", starts_at=NOW, ends_at=None)
            ],
            "number": "3****************X",
            "unmasked": False,
            "may_unmask": True,
            "may_give_password": True,
            "may_remove_factors": True,
            "password": None,
            "may_grant": True,
            "may_erase": True,
            "may_explain": True,
            "roles": {GRANTED.role: "签收员"},
            "wrong": S(form="enter", errors={"number": Phrase("problem.field.missing")}, typed={}),
            "legacy": [S(system="oa", id="100002")],
            "enterprises": [S(name="沾化区某合作社", code="N2370000000000000X")],
            "grants": [GRANTED],
        },
    ),
    "own_record": (
        "own_record.html",
        PLAIN,
        {
            "holdings": [
                S(table="t", title="诉求与工单", app="12345热线", rows=12_000, own=3),
                S(table="work_item", title="work_item", app="一门", rows=1, own=0),
            ],
            "export_href": "/x",
        },
    ),
    "admin_change": (
        "admin_change.html",
        admin("人员"),
        ChangeView(
            title=Phrase("posts.leave_of", {"name": "王*"}),
            intro=Phrase("posts.leave_intro"),
            action="/x",
            verb=Phrase("posts.leave"),
            fields=fields()[:1],
            cancel="/x",
            about=[
                FactView(Phrase("posts.ends"), "城市管理局 · 签收员"),
                FactView(Phrase("posts.work"), Phrase("posts.goes_to", {"n": 3, "unit": "局"})),
            ],
        ),
    ),
    "admin_people_imports": (
        "admin_people_imports.html",
        admin("人员"),
        {
            "action": "/admin/people/import",
            "error": Phrase("problem.field.columns-missing", {"columns": "姓名、岗位"}),
            "imports": [
                S(name="人员.xlsx", href="/x", state="已导入", total=14_293, at=NOW, who="王*"),
                S(name="村两委.csv", href="/x", state="正在导入", total=903, at=NOW, who=""),
            ],
        },
    ),
    "admin_people_import": (
        "admin_people_import.html",
        admin("人员"),
        {
            "name": "人员.xlsx",
            "state": "正在导入",
            "job": S(label="正在导入", done=4_250, total=14_293, running=True, href="/x"),
            "counts": [
                S(outcome="refused", label="不能导入", n=2, href="/x", does=[]),
                S(outcome="ok", label="可以", n=3, href="/x", does=[S(label="新增人员", n=3)]),
            ],
            "filters": samples.filters(),
            "rows": [
                S(line=2, username="li.lan", outcome="ok", does="add", reasons=[]),
                S(
                    line=3,
                    username="",
                    outcome="refused",
                    does="nothing",
                    reasons=[Phrase("people_import.reason.username-form")],
                ),
            ],
            "next_href": "/x",
            "report_href": "/x",
            "start": "/x",
            "takes": 3,
            "roll_back": "/x",
            "again": "/x",
        },
    ),
    "problem": (
        "problem.html",
        PLAIN,
        {
            "code": "not-found",
            "status": 404,
            "title": Phrase("problem.not-found.title"),
            "detail": Phrase("problem.not-found.detail"),
            "errors": ["填写理由"],
            "back": "/admin/people",
            "reference": "7F3K-21",
            "again": "/x",
            "resend": [("text", "<b>"), ("_key", "a-key")],
            "why": "/why",
            "about": "/about/x",
        },
    ),
    "case_list": (
        "case_list.html",
        {},
        CaseListView(
            title="工单",
            items=samples.case_items(),
            filters=samples.filters("sign"),
            query="路灯",
            next_href="/x",
            create=ActionView(verb="file", label="提诉求", href="/x", primary=True),
            export_href="/x",
        ),
    ),
    "case_list_empty": (
        "case_list.html",
        {},
        CaseListView(title="工单", items=[], filters=samples.filters(), ever_any=False),
    ),
    "case_detail": ("case_detail.html", {}, detail()),
    "case_act": (
        "case_act.html",
        {},
        form(
            ActView,
            number="202611240001",
            case_title="路灯不亮",
            state_label="待签收",
            outcome=Phrase("case.card.open", {"n": 3}),
        ),
    ),
    "form": ("form.html", {}, form()),
    "form_wrong": ("form.html", {}, form(wrong=True)),
    "case_check": (
        "case_check.html",
        {},
        CheckView(
            title="核对后提交",
            intro="第 2 步，共 2 步",
            action="/x",
            verb="提交诉求",
            fields=[field for field in fields() if field.kind == "photo"],
            hidden={"text": "路灯不亮"},
            key="a-key-of-a-filing",
            multipart=True,
            answers=answers(fields()),
            change="/y",
        ),
    ),
    "submitted": (
        "submitted.html",
        {},
        SubmittedView(
            number="202611240001",
            code="7F3K21",
            due_at=NOW,
            due_unknown=False,
            case_href="/x",
            next="受理后派给承办单位",
            track_href="/track",
            calendar_href="/x.ics",
            notices=[Phrase("case.notice.due-pending")],
        ),
    ),
    "submitted_within": (
        "submitted.html",
        {},
        SubmittedView(
            number="202611240001",
            code="7F3K21",
            due_at=NOW,
            due_unknown=False,
            case_href="/x",
            next="牵头单位收到任务",
            calendar_href="/x.ics",
        ),
    ),
    "case_figures": (
        "case_figures.html",
        {},
        FiguresView(
            title="统计",
            since=date(2026, 3, 1),
            until=date(2026, 3, 31),
            cards=samples.figures(),
            charts=samples.charts()[:2],
            export_href="/x",
            filters=samples.filters(),
        ),
    ),
}
PAGES |= {name: (view.template, {}, view) for name, view in samples_kits.pages().items()}
PAGES |= oidc_samples.pages()

MAIN = {  # looked at in every run; the others before a release
    *("home_guest", "home_resident", "home_staff", "sign_in_refused", "track_ask"),
    *(
        "case_list",
        "case_detail",
        "form_wrong",
        "case_check",
        "submitted",
        "case_figures",
        "admin_apps",
    ),
}


def html_of(env, name, lang, mode, **more):
    if name == "_components":
        return gallery.gallery_html(env, lang, mode, **more)
    template, frame, view = PAGES[name]
    page = gallery.sample_page(name, lang, mode, **{**frame, **more})
    return render(env, template, page, view=view)


# ---- without a browser -----------------------------------------------------------------


def test_every_template_of_a_page_has_a_sample():
    skipped = {"base.html", "layout_aside.html", "layout_list.html", "gallery.html"}
    folder = HOUSE / "portal" / "templates"
    written = {path.name for path in folder.glob("*.html") if path.name not in skipped}
    assert written <= {template for template, _, _ in PAGES.values()}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("name", ["_components", *PAGES])
def test_page_renders_without_inline_script_or_style(env, name, lang, mode):
    html = html_of(env, name, lang, mode)
    assert html.lstrip().startswith("<!doctype html>")
    assert html.count("<h1") == 1
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style|<script(?![^>]*\ssrc=)", html)
    if lang == "en":
        assert 'lang="en"' in html


def test_a_fragment_is_the_page_without_its_frame(env):
    html = html_of(env, "case_list", "en", "standard", fragment=True)
    assert "<html" not in html
    assert "<header" not in html
    assert 'id="page"' in html
    assert "<title>" in html


def test_what_people_wrote_is_escaped(env):
    page = gallery.sample_page("<b>", "en", "standard", flash=Flash("<script>x</script>"))
    view = PAGES["problem"][2] | {"detail": Phrase("case.card.open", {"n": "<i>"})}
    html = render(env, "problem.html", page, view=view)
    assert "<script>x" not in html
    assert "<i>" not in html


def test_a_page_without_a_word_for_its_key_is_refused(env):
    from portal.texts import MissingText

    view = PAGES["problem"][2] | {"detail": Phrase("problem.none.detail")}
    with pytest.raises(MissingText):
        render(env, "problem.html", Page(title="x"), view=view)


def test_assets_change_their_address_with_their_content(assets):
    url = assets.url("css/yimen.css")
    assert re.fullmatch(r"/assets/css/yimen\.[0-9a-f]{10}\.css", url)
    assert assets.path(url.removeprefix("/assets/")).name == "yimen.css"
    assert assets.path("../texts.py") is None


# ---- in Chromium -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(env, assets):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            url = urlsplit(self.path)
            asked = {key: values[0] for key, values in parse_qs(url.query).items()}
            name = url.path.strip("/")
            kind = "text/html; charset=utf-8"
            if url.path.startswith("/assets/"):
                path = assets.path(url.path.removeprefix("/assets/"))
                body = path.read_bytes() if path else b""
                ending = url.path.rpartition(".")[2]
                kind = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}.get(
                    ending, "image/png"
                )
            elif name in PAGES or name == "_components":
                body = html_of(
                    env,
                    name,
                    asked.get("lang", "zh-CN"),
                    asked.get("mode", "standard"),
                    **({"text_size": asked["size"]} if "size" in asked else {}),
                ).encode()
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=functools.partial(httpd.serve_forever, 0.05), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser():
    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}; YIMEN_CHROMIUM names another")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield chromium
        chromium.close()


def look(browser, url, width):
    """Open a page; return it and what its console complained of."""
    context = browser.new_context(
        viewport={"width": width, "height": 844 if width < 600 else 800}, bypass_csp=False
    )
    tab = context.new_page()
    said = []
    tab.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.goto(url)
    return context, tab, said


def faults(tab):
    found = tab.evaluate(GEOMETRY)
    size = tab.viewport_size  # the bar at the bottom covers nothing on a screen as tall as the page
    tall = tab.evaluate("Math.max(innerHeight, document.documentElement.scrollHeight)")
    tab.set_viewport_size({"width": size["width"], "height": tall})
    tab.evaluate(f"() => {{ {AXE.read_text(encoding='utf-8')} }}")  # past the page's own policy
    return found + tab.evaluate(RUN_AXE)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("width", WIDTHS)
def test_components_are_accessible_and_fit(browser, server, width, lang, mode):
    url = f"{server}/_components?lang={lang}&mode={mode}"
    context, tab, said = look(browser, url, width)
    for chart in tab.query_selector_all("[data-chart]"):
        chart.scroll_into_view_if_needed()
        tab.wait_for_function("figure => figure.classList.contains('drawn')", arg=chart)
    assert [*faults(tab), *said] == []
    context.close()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "name",
    [name if name in MAIN else pytest.param(name, marks=pytest.mark.pages) for name in PAGES],
)
def test_pages_are_accessible_and_fit(browser, server, name, mode):
    for width, lang in ((390, "en"), (1280, "zh-CN")):
        context, tab, said = look(browser, f"{server}/{name}?lang={lang}&mode={mode}", width)
        assert [*faults(tab), *said] == [], (width, lang)
        context.close()


@pytest.mark.parametrize("lang", LANGS)
def test_components_reflow_at_320_with_the_largest_text(browser, server, lang):
    context, tab, _ = look(browser, f"{server}/_components?lang={lang}&size=huge", 320)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_number_copies_and_a_wrong_form_takes_the_focus(browser, server):
    context, tab, _ = look(browser, f"{server}/form_wrong?lang=en", 390)
    assert tab.evaluate("document.activeElement.className") == "error-summary"
    context.close()
    context, tab, _ = look(browser, f"{server}/submitted?lang=en", 390)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.click("[data-copy]")
    tab.wait_for_function("() => document.getElementById('live').textContent === 'Copied'")
    assert tab.evaluate("navigator.clipboard.readText()") == "202611240001"
    context.close()


def test_pages_work_without_script(browser, server):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    tab = context.new_page()
    tab.goto(f"{server}/case_figures?lang=en")
    assert tab.is_visible("[data-chart] table")
    tab.goto(f"{server}/case_list?lang=en")
    tab.click("#filters summary")
    assert tab.is_visible("#filters button")
    context.close()


SEATLESS = {
    "again_done.html",  # the form that is sent again names its own
    "fields.html",  # the guard itself
    "sign_in.html",
    "switches.html",  # what one chooses for the display stays with oneself
    "banner.html",  # to act on behalf no longer is right in any seat
    "upload.html",
}


def test_a_form_says_in_which_seat_it_was_opened():
    pages = (*HOUSE.glob("portal/components/*.html"), *HOUSE.glob("portal/templates/*.html"))
    by_hand = {page.name for page in pages if 'name="_csrf"' in page.read_text("utf-8")}
    assert by_hand == SEATLESS
