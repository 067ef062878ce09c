"""No page, notice or form of the app lacks its words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from plugin_sdk.cases.flow import words_of
from plugins.traffic.forms import LicenceForm, ObjectionForm, ReleaseForm, VehicleForm
from plugins.traffic.objections import ObjectionDesk, objection_flow
from plugins.traffic.overview import TONES
from plugins.traffic.own_routes import HINTS
from portal.templating import WORDS
from portal.texts import Catalogue

APP = Path(__file__).parent.parent
CODES = "plate-region plate-format file-number not-yours not-your-licence not-bound"
REFUSALS = (
    "source-away number-unknown bound-already claimed too-many licence-bound licence-needed "
    "objection-late is-others is-handled is-elsewhere is-accepted is-objected is-cancelled "
    "is-upheld"
)
PAGES = "bind-vehicle bind-licence unbind-vehicle unbind-licence release accept"


def test_every_word_is_there():
    found = Catalogue.merge({"": WORDS, "traffic": APP / "locale.toml"})
    assert [line for line in found.check() if "traffic" in line] == []
    hub = cast("Any", SimpleNamespace(app="traffic", settings={}))
    words = words_of(objection_flow(hub, cast("Any", SimpleNamespace())), "traffic")
    words |= {f"traffic.objection.field.{name}" for name in ObjectionForm.model_fields}
    words |= {f"traffic.objection.hint.{name}" for name in ObjectionDesk.hints}
    forms = (VehicleForm, LicenceForm, ReleaseForm)
    words |= {f"traffic.field.{name}" for form in forms for name in form.model_fields}
    words |= {f"traffic.hint.{name}" for name in HINTS}
    words |= {f"traffic.wrong.{code}" for code in CODES.split()}
    for code in REFUSALS.split():
        words |= {f"traffic.problem.{code}.{part}" for part in ("title", "detail")}
    for page in PAGES.split():
        words |= {f"traffic.{page}.{part}" for part in ("title", "intro", "verb", "said")}
    for state in TONES:
        words |= {f"traffic.violation.{kind}.{state}" for kind in ("state", "said")}
    words |= {f"traffic.verify.state.{state}" for state in ("good", "expired", "unknown")}
    assert sorted(key for key in words if key not in found) == []
