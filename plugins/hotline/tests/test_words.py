import re
from pathlib import Path
from types import SimpleNamespace

import plugin_sdk
import plugins.hotline
from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import Form, field_views
from plugin_sdk.views import Phrase
from plugins.hotline import terms
from plugins.hotline.desk import OrderDesk
from plugins.hotline.figures import CHANNELS
from plugins.hotline.flow import order_flow
from plugins.hotline.forms import FileForm, IntakeForm, SnapForm
from plugins.hotline.naming import PATTERNS
from plugins.hotline.open311.applications import RefuseForm
from plugins.hotline.open311.keys import KeyForm
from plugins.hotline.open311.moderation import HINTS
from plugins.hotline.open311.publishing import FORBIDDEN, PublishForm
from portal.texts import Catalogue, words_of_app

SDK = Path(plugin_sdk.__file__).parent
APP = Path(plugins.hotline.__file__).parent


def catalogue():
    return Catalogue.merge({"": SDK / "locale.toml", "hotline": words_of_app(APP)})


def test_the_words_are_complete():
    assert catalogue().check() == []


def test_every_word_of_the_flow_is_there():
    found = catalogue()
    flow = order_flow(SimpleNamespace(settings={}))
    words = words_of(flow, "hotline") | {"hotline.health.nobody"}
    assert sorted(word for word in words if word not in found) == []


def test_every_word_of_the_forms_is_there():
    found = catalogue()
    used: set[str] = set()
    flow = order_flow(SimpleNamespace(settings={}))
    forms: list[type[Form]] = [FileForm, SnapForm, IntakeForm, *(t.form for t in flow.transitions)]
    for form in forms:
        for view in field_views(form, "hotline.order", hints=OrderDesk.hints):
            if view.name != "version":
                words = [view.label, view.hint, *(option.label for option in view.options)]
                used |= {word.key for word in words if isinstance(word, Phrase)}
    assert sorted(key for key in used if key not in found) == []


def test_every_channel_has_a_word():
    found = catalogue()
    assert [one for one in CHANNELS if f"hotline.figures.channel.{one}" not in found] == []


def test_every_word_of_open311_is_there():
    found = catalogue()
    said = re.compile(r'"(hotline\.(?:open311|publishing)\.[\w.-]+)"')
    named = re.compile(r'refused\(\s*\d+, "([\w-]+)"')
    used: set[str] = set()
    for file in (APP / "open311").glob("*.py"):
        text = file.read_text("utf-8")
        used |= set(said.findall(text))
        used |= {f"hotline.open311.error.{name}" for name in named.findall(text)}
    forms: list[tuple[type[Form], str, frozenset[str]]] = [
        (PublishForm, "publishing", HINTS),
        (KeyForm, "open311.keys", KeyForm.hints),
        (RefuseForm, "open311.filings", frozenset()),
    ]
    for form, prefix, hints in forms:
        for view in field_views(form, f"hotline.{prefix}", hints=hints):
            if view.kind != "hidden":
                words = [view.label, view.hint, *(option.label for option in view.options)]
                used |= {word.key for word in words if isinstance(word, Phrase)}
    used -= {f"hotline.{prefix}" for _, prefix, _ in forms}
    used |= {f"hotline.publishing.find.{kind}" for kind in (*FORBIDDEN, *PATTERNS)}
    used |= {f"hotline.publishing.wrong.{kind}" for kind in FORBIDDEN}
    assert len(used) > 50
    assert sorted(key for key in used if key not in found) == []


def test_the_settings_of_the_app_are_those_that_its_document_names():
    code = "\n".join(path.read_text() for path in APP.rglob("*.py") if "tests" not in path.parts)
    found = set(re.findall(r'settings\.get\("([a-z_0-9]+)"', code))
    found |= {*terms.WORKING, *terms.CALENDAR, "receiver"}  # the kit's own
    text = (APP.parent.parent / "docs" / "hotline.md").read_text(encoding="utf-8")
    named = {
        name
        for row in re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
        for name in re.findall(r"`([a-z_0-9]+)`", row)
    }
    assert {name for name in found if not name.startswith("open311_")} == named
