"""The rules of a provider above: written, tried against what it says of somebody, kept.

Whoever keeps them answers for them: they give posts only where that person may manage people,
then and whenever somebody comes.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from pydantic import Field

from core.access.granting import reaches
from core.access.upstreams import MANAGING
from core.database import Transaction
from core.identity import organizations, people
from core.identity.upstream import service
from core.identity.upstream.applying import Plan
from core.identity.upstream.rules import MOST_CHARACTERS, check, parse
from core.identity.upstream.service import UpstreamError, UpstreamFacts
from plugin_sdk.forms import Form, field_views, read_form, typed
from plugin_sdk.identifiers import mask_name
from plugin_sdk.ports import Actor
from plugin_sdk.problems import Conflict, Invalid, field_error
from plugin_sdk.routes import actor_of, needs
from plugin_sdk.text import Text
from plugin_sdk.views import FieldView, Phrase, Words
from portal.pages.admin.reach import need_everything
from portal.pages.admin.upstreams import PAGE, PERMISSION, WORDS, the
from portal.pages.context import AnyRequest, Portal

MOST_SHOWN: Final = 60
OF_THE_TOKEN: Final = frozenset(
    (
        "iss",
        "aud",
        "azp",
        "exp",
        "iat",
        "nbf",
        "jti",
        "nonce",
        "at_hash",
        "c_hash",
        "auth_time",
        "sid",
    )
)
"""Claims about a token rather than about somebody: no rule is made of them."""


class RulesForm(Form):
    """Rules, whether they are used, and claims to try them with."""

    rules: str = Field(default="", max_length=MOST_CHARACTERS)
    provides: bool = False
    gives_posts: bool = False
    claims: str = Field(default="", max_length=MOST_CHARACTERS)
    version: int = Field(ge=1, le=2**31)

    kinds: ClassVar[Any] = {"rules": "textarea", "claims": "textarea", "version": "hidden"}


class Flaw(msgspec.Struct, frozen=True):
    """A fault of rules: in which line, what, and what to do."""

    line: int
    field: str
    message: Text
    remedy: Text


def routes(portal: Portal) -> list[HTTPRouteHandler]:
    """Return the routes."""
    services = portal.services

    async def show(
        request: AnyRequest,
        upstream: UpstreamFacts,
        values: Mapping[str, Any],
        *,
        errors: Any = (),
        flaws: list[Flaw] | None = None,
        tried: dict[str, Any] | None = None,
    ) -> Response[Any]:
        async with portal.read() as tx:
            last = await services.upstreams.said(tx, upstream)
            author = (
                await people.person(tx, upstream.rules_by)
                if upstream.rules_by is not None
                else None
            )
        fields: list[FieldView] = field_views(
            RulesForm,
            f"{WORDS}.rules",
            values=values,
            errors=errors,
            hints=frozenset({"rules", "provides", "gives_posts", "claims"}),
        )
        view = {
            "key": upstream.key,
            "name": upstream.name,
            "fields": [field for field in fields if field.name != "claims"],
            "claims": next(field for field in fields if field.name == "claims"),
            "flaws": flaws or [],
            "tried": tried,
            "last": {"at": upstream.said_at, "claims": masked(last[0])} if last else None,
            "author": author.name if author else None,
        }
        status = 422 if errors or flaws else 200
        title = f"{WORDS}.rules.title"
        return await portal.show(request, "admin_upstream_rules.html", title, view, status=status)

    @get(f"{PAGE}/{{key:str}}/rules", opt=needs(PERMISSION))
    async def page(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Show the rules of a provider."""
        async with portal.read() as tx:
            upstream = await the(tx, key)
        return await show(request, upstream, _values(upstream))

    @post(f"{PAGE}/{{key:str}}/rules/try", opt=needs(PERMISSION, body=RulesForm))
    async def dry_run(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Say what rules would do with claims that were pasted, or with the last that came;
        nothing is written."""
        actor = actor_of(request)
        async with portal.read() as tx:
            upstream = await the(tx, key)
        try:
            form = (await read_form(request, RulesForm, actor)).form
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await show(request, upstream, await typed(request), errors=wrong.errors)
        async with portal.read() as tx:
            flaws = await _flaws(tx, actor, form.rules)
            claims, whose, error = await _claims(portal, tx, upstream, form.claims)
            plan = None
            who = None
            if claims is not None and not flaws:
                plan = await services.upstreams.plan(
                    tx, upstream, parse(form.rules), claims, whose, actor
                )
                who = await people.person(tx, whose) if whose else None
        values = form.model_dump()
        if error is not None:
            if not portal.renderer.wants_page(request.scope):
                raise Invalid(error)
            return await show(request, upstream, values, errors=(error,), flaws=flaws)
        tried = _told(plan, who.name if who else None, form) if plan else None
        if flaws and not portal.renderer.wants_page(request.scope):
            raise Invalid(*(field_error("rules", "upstream-rules", line=f.line) for f in flaws))
        return await show(request, upstream, values, flaws=flaws, tried=tried)

    @post(f"{PAGE}/{{key:str}}/rules", opt=needs(PERMISSION, body=RulesForm))
    async def keep(request: AnyRequest, key: FromPath[str]) -> Response[Any]:
        """Keep the rules of a provider; who does so answers for them."""
        actor = actor_of(request)
        async with portal.read() as tx:
            upstream = await the(tx, key)
        try:
            form = (await read_form(request, RulesForm, actor)).form
        except Invalid as wrong:
            if not portal.renderer.wants_page(request.scope):
                raise
            return await show(request, upstream, await typed(request), errors=wrong.errors)
        facts = {"provides": form.provides, "gives_posts": form.gives_posts}
        try:
            async with portal.change(
                request, "upstream-rules-kept", f"upstream:{key}", **facts
            ) as tx:
                need_everything(tx, request)
                actor = actor_of(request)
                flaws = await _flaws(tx, actor, form.rules)
                if flaws:
                    raise Invalid(
                        *(field_error("rules", "upstream-rules", line=flaw.line) for flaw in flaws)
                    )
                if actor.delegation is not None:  # they would outlive what was handed over
                    raise Conflict("upstream-delegated")
                await service.set_rules(
                    tx,
                    upstream,
                    form.rules,
                    provides=form.provides,
                    gives_posts=form.gives_posts,
                    by=actor.real_person_id,
                    post_id=actor.post_id,
                    version=form.version,
                )
        except UpstreamError:
            raise Conflict("upstream-stale") from None
        except Invalid:
            if not portal.renderer.wants_page(request.scope):
                raise
            async with portal.read() as tx:
                flaws = await _flaws(tx, actor, form.rules)
            return await show(request, upstream, form.model_dump(), flaws=flaws)
        return portal.done(request, f"{PAGE}/{key}", f"{WORDS}.rules.kept")

    return [page, dry_run, keep]


def _values(upstream: UpstreamFacts) -> dict[str, Any]:
    return {
        "rules": upstream.rules,
        "provides": upstream.provides,
        "gives_posts": upstream.gives_posts,
        "version": upstream.version,
    }


async def _flaws(tx: Transaction, actor: Actor, text: str) -> list[Flaw]:
    """Return what is wrong with rules: as a text, and with the units that they name."""
    found = [Flaw(f.line, f.field, f.message, f.remedy) for f in check(text)]
    if found:
        return found
    lines = text.split("\n")
    for number, rule in enumerate(parse(text).posts):
        code = rule.organization
        if "{" in code:
            continue
        line = next((at for at, said in enumerate(lines, 1) if f'"{code}"' in said), 1)
        field = f"post[{number}].organization"
        unit = await organizations.by_code(tx, code)
        if unit is None:
            message = Text(f"没有代码为 {code} 的单位", f"there is no organization {code}")
            remedy = Text("查一下组织机构里的代码", "look its code up under organizations")
            found.append(Flaw(line, field, message, remedy))
        elif not await reaches(tx, actor, MANAGING, [unit.id]):
            message = Text(
                f"{unit.name} 不在您能管理人员的范围内",
                f"{unit.name} is beyond where you may manage people",
            )
            remedy = Text("删去这一条，或请管得到的人来写", "remove it, or ask somebody who may")
            found.append(Flaw(line, field, message, remedy))
    return found


async def _claims(
    portal: Portal, tx: Transaction, upstream: UpstreamFacts, text: str
) -> tuple[dict[str, Any] | None, UUID | None, Any]:
    """Return the claims to try rules with, of whom they are, and what is wrong with them."""
    if not text:
        last = await portal.services.upstreams.said(tx, upstream)
        if last is None:
            return None, None, field_error("claims", "upstream-claims-none")
        return last[0], last[1], None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return None, None, field_error("claims", "upstream-claims")
    return found, await portal.services.upstreams.whose(tx, upstream, found), None


def _told(plan: Plan, name: str | None, form: RulesForm) -> dict[str, Any]:
    said = f"{WORDS}.plan"
    who: Words
    if name is not None:
        who = Phrase(f"{said}.known", {"name": mask_name(name)})
    elif plan.refused is not None:
        who = Phrase(f"{said}.{plan.refused}")
    else:
        made = {"name": mask_name(plan.name or "")}
        if plan.username:
            who = Phrase(f"{said}.made", {**made, "username": plan.username})
        else:
            who = Phrase(f"{said}.made_unnamed", made)
    lines = [
        *(
            Phrase(f"{said}.gives", {"unit": post.organization, "title": post.title})
            for post in plan.gives
        ),
        *(
            Phrase(f"{said}.ends", {"unit": post.organization, "title": post.title})
            for post in plan.ends
        ),
        *(
            Phrase(f"{said}.{kept.code}", {"unit": kept.organization, "title": kept.title})
            for kept in plan.keeps
        ),
    ]
    if plan.name is not None and not form.provides:
        lines.append(Phrase(f"{said}.provides_off"))
    if (plan.gives or plan.ends) and not form.gives_posts:
        lines.append(Phrase(f"{said}.posts_off"))
    return {"who": who, "lines": lines}


def masked(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return claims as they are shown: what is said of whom stays hidden but for its beginning."""
    return [
        (str(name)[:100], _mask(value))
        for name, value in sorted(claims.items())
        if name not in OF_THE_TOKEN
    ][:MOST_SHOWN]


def _mask(value: Any) -> str:
    match value:
        case bool() | None:
            return json.dumps(value)
        case str():
            return f"“{value[:1]}***”"
        case list():
            return f"[{', '.join(_mask(one) for one in value[:5])}]"
        case dict():
            return (
                f"{{{', '.join(f'{key}: {_mask(one)}' for key, one in list(value.items())[:5])}}}"
            )
        case _:
            return "***"
