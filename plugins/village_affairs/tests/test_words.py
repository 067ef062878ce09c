"""No page, notice or form of the app lacks its words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import Form
from plugin_sdk.questions import AskForm
from plugins.village_affairs.catalogue import AssetForm, ItemForm
from plugins.village_affairs.desk import desk_of
from plugins.village_affairs.meetings import GROUPS
from plugins.village_affairs.publications import LINKS, PublicationForm
from plugins.village_affairs.subsidies import SubsidyForm
from portal.templating import WORDS
from portal.texts import Catalogue

APP = Path(__file__).parent.parent
NAMES = {
    "health": "nobody",
    "publication": "title table unit supervisor owed to_review refused urged late some_late remind",
    "item": "list new",
    "asset": "list new",
    "meeting": "list new notice",
    "public": "ask subsidies",
    "subsidy": "own record save said",
}


def test_every_word_is_there():
    found = Catalogue.merge({"": WORDS, "village-affairs": APP / "locale.toml"})
    assert [line for line in found.check() if "village" in line] == []
    hub = cast("Any", SimpleNamespace(app="village-affairs", settings={}))
    desk = desk_of(hub)
    words = words_of(desk.questions.flow, "village-affairs")
    forms: dict[str, type[Form]] = {
        "item": ItemForm,
        "asset": AssetForm,
        "publication": PublicationForm,
    }
    forms |= {"question": AskForm, "subsidy": SubsidyForm}
    for name, form in forms.items():
        words |= {f"village-affairs.{name}.field.{field}" for field in form.model_fields}
    for name, keys in NAMES.items():
        words |= {f"village-affairs.{name}.{key}" for key in keys.split()}
    words |= {f"village-affairs.meeting.group.{group}" for group in GROUPS}
    words |= {f"village-affairs.links.{name}" for name, _, _ in LINKS}
    for name, hints in (
        ("publication", desk.publications.hints),
        ("asset", desk.assets.hints),
        ("question", desk.questions.hints),
    ):
        words |= {f"village-affairs.{name}.hint.{hint}" for hint in hints}
    assert sorted(key for key in words if key not in found) == []
