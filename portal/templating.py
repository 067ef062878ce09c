"""Pages from templates: one environment, the frame's contract (`Page`), hashed assets.

A template is given `page` (below) and `view` (what it is about). `t(key, …)` and the filters
speak the language of the page being rendered; escaping is always on, an undefined name raises.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import jinja2
import msgspec
import segno
from markupsafe import Markup

import plugin_sdk
from portal import formats
from portal.texts import Catalogue

HERE: Final = Path(__file__).parent
STATIC: Final = HERE / "static"
LOCALE: Final = HERE / "locale"
_SDK = Path(plugin_sdk.__file__).parent
WORDS: Final = (LOCALE, _SDK / "locale.toml", *sorted(_SDK.glob("*/locale.toml")))
"""The words of the shell, of the SDK and of each of its kits."""

Lang = Literal["zh-CN", "en"]
Mode = Literal["standard", "elder"]
TextSize = Literal["standard", "large", "huge"]
Slot = Literal["home", "work", "apps", "messages", "me"]


class PostChoice(msgspec.Struct, frozen=True):
    """One post of the person; `label` says unit and post."""

    id: str
    label: str
    current: bool = False


class PagePerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, as the header says it. A resident has no unit and no post."""

    name_masked: str
    unit: str = ""
    post: str = ""
    post_id: str = ""
    posts: tuple[PostChoice, ...] = ()


class Link(msgspec.Struct, frozen=True):
    """A link of a menu or a breadcrumb."""

    label: str
    href: str
    current: bool = False


class PageApp(msgspec.Struct, frozen=True):
    """The app one is in, with its section links (six at most)."""

    id: str
    name: str
    sections: tuple[Link, ...] = ()


class Banner(msgspec.Struct, frozen=True, kw_only=True):
    """A band above the page. `on_behalf` is always on top; of the others two at most."""

    kind: Literal[
        "on_behalf", "quarantined", "maintenance", "read_only", "sunset", "offline", "notice"
    ]
    title: str
    text: str = ""
    href: str | None = None
    link: str = ""


class Flash(msgspec.Struct, frozen=True):
    """What was just done, and the address that undoes it (POST)."""

    text: str
    undo: str | None = None


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What the frame needs to know of every page."""

    title: str
    lang: Lang = "zh-CN"
    mode: Mode = "standard"
    text_size: TextSize = "standard"
    compact: bool = False
    """Rows of lists are 36 px high on a desktop, instead of 48."""
    county: str = ""
    person: PagePerson | None = None
    current: Slot | None = None
    app: PageApp | None = None
    breadcrumb: tuple[Link, ...] = ()
    banners: tuple[Banner, ...] = ()
    csrf: str = ""
    keeps: str = ""
    """Under whose name this device may keep forms until they are sent; '' for nobody's."""
    form_key: str | Callable[[], str] = ""
    path: str = "/"
    site: str = ""
    """The public address of this hub, before every path."""
    address: str = "/"
    """The path with its query: where a switch of language or mode comes back to."""
    may: frozenset[str] = frozenset()
    unread: int = 0
    pins: tuple[Link, ...] = ()
    """The lists that the person pinned; `current` is this very one."""
    flash: Flash | None = None
    printed_at: datetime | None = None
    fragment: bool = False
    """Only the part inside the frame is wanted (htmx)."""


class Assets:
    """The files of `portal/static` under addresses that change with their content."""

    prefix: Final = "/assets/"

    def __init__(self, folder: Path = STATIC) -> None:
        self._urls: dict[str, str] = {}
        self._files: dict[str, Path] = {}
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
            name = path.relative_to(folder).as_posix()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:10]
            stem, dot, ending = name.rpartition(".")
            hashed = f"{stem}.{digest}.{ending}" if dot else f"{name}.{digest}"
            self._urls[name] = self.prefix + hashed
            self._files[hashed] = path

    def url(self, name: str) -> str:
        """Return the address of a file by its name (`css/yimen.css`). Raises `KeyError`."""
        return self._urls[name]

    def path(self, hashed: str) -> Path | None:
        """Return the file behind an address (without the prefix), or None."""
        return self._files.get(hashed)


_PAGE: ContextVar[Page] = ContextVar("yimen_page")


def here() -> Page:
    """Return the page being rendered (macros are imported without context)."""
    return _PAGE.get()


def make_environment(
    catalogue: Catalogue,
    extra_template_dirs: Iterable[Path] = (),
    *,
    assets: Assets | None = None,
    compiled: Path | None = None,
) -> jinja2.Environment:
    """Return the environment of all pages; an app's own templates come after the portal's.
    What is compiled is kept in the folder `compiled`, for other workers and the next start."""
    env = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.FileSystemLoader([HERE / "templates", *extra_template_dirs]),
                jinja2.PrefixLoader({"components": jinja2.FileSystemLoader(HERE / "components")}),
            ]
        ),
        bytecode_cache=_kept(compiled) if compiled else None,
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    files = assets or Assets()

    def t(key: str, **params: Any) -> str:
        return catalogue.text(here().lang, key, **params)

    env.globals.update(t=t, here=here, asset=files.url, icon=partial(_icon, files))
    env.filters["words"] = lambda value: catalogue.shown(here().lang, value)
    env.filters["shown"] = lambda value: _shown(catalogue, value)
    for name in ("day", "full_day", "month", "moment", "weekday", "due_day", "left", "card_number"):
        env.filters[name] = _in_page_language(getattr(formats, name))
    for name in ("money", "money_prose", "value_or_words", "small_sample"):
        env.filters[name] = _in_page_language(getattr(formats, name))
    for name in ("table_day", "table_moment", "clock", "iso", "number", "shape", "tone"):
        env.filters[name] = getattr(formats, name)
    for name in ("number_groups", "case_number"):
        env.filters[name] = getattr(formats, name)
    env.filters["quantity"] = lambda value, unit: formats.quantity(value, unit, here().lang)
    env.filters["percent"] = lambda value, n=None: formats.percent(value, n, here().lang)
    env.filters["ago"] = lambda value, now: formats.relative(value, now, here().lang)
    env.globals["day_range"] = lambda a, b: formats.day_range(a, b, here().lang)
    env.globals["unknown"] = lambda: formats.unknown(here().lang)
    env.globals["not_applicable"] = lambda: formats.not_applicable(here().lang)
    env.globals["suppressed"] = lambda: formats.suppressed(here().lang)
    env.globals["form_key"] = _form_key
    env.globals["qr_code"] = _qr_code
    env.globals["spark_path"] = _spark_path
    for name in ("mask_name", "mask_phone", "mask_identity_number", "mask_credit_code"):
        env.filters[name] = partial(_mask, name)
    return env


def _kept(folder: Path) -> jinja2.FileSystemBytecodeCache:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return jinja2.FileSystemBytecodeCache(str(folder))


def render(env: jinja2.Environment, template: str, page: Page, **view: Any) -> str:
    """Return the page as HTML. Raises for an undefined name or a missing text."""
    token = _PAGE.set(page)
    try:
        return env.get_template(template).render(page=page, **view)
    finally:
        _PAGE.reset(token)


def _in_page_language(function: Callable[..., str]) -> Callable[[Any], str]:
    return lambda value: function(value, lang=here().lang)


def _form_key() -> str:
    key = here().form_key
    return key() if callable(key) else key


def _icon(files: Assets, name: str) -> Markup:
    return Markup(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>'
    ).format(files.url("icons.svg"), name)


def _qr_code(text: str) -> Markup:
    """Return a QR code (ISO/IEC 18004) with error correction M and a quiet zone of 4 modules."""
    code = segno.make(text, error="m", boost_error=False, micro=False)
    return Markup(code.svg_inline(border=4, light="#fff", omitsize=True, svgclass="qr-code"))  # noqa: S704  (segno's own drawing: no text in it)


def _spark_path(values: Sequence[float | None]) -> str:
    """Return the line of a small trend, ten units a step and 24 high; None is a gap in it."""
    most = max([1, *(value for value in values if value is not None)])
    path, pen = [], "M"
    for at, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        path.append(f"{pen}{at * 10} {22 - 20 * value / most:.1f}")
        pen = "L"
    return "".join(path)


def _shown(catalogue: Catalogue, value: Any) -> str | Markup:
    """Return a fact of a summary list; a moment as `<time>`."""
    lang = here().lang
    if isinstance(value, datetime | date):
        text = (
            formats.moment(value, lang) if isinstance(value, datetime) else formats.day(value, lang)
        )
        return Markup('<time datetime="{}">{}</time>').format(formats.iso(value), text)
    return catalogue.shown(lang, value)


def _mask(name: str, value: str) -> str:
    from plugin_sdk import identifiers

    masked: str = getattr(identifiers, name)(value)
    return masked
