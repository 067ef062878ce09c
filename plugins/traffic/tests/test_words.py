"""No page, notice or form of the app lacks its words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from plugin_sdk.cases.flow import words_of
from plugins.traffic.accidents import evidence, papers
from plugins.traffic.accidents.desk import OPEN, AccidentDesk
from plugins.traffic.accidents.flow import TOLD, accident_flow
from plugins.traffic.accidents.forms import (
    AccidentForm,
    Collision,
    JoinForm,
    Outcome,
    PhotoForm,
    Road,
    Share,
    Stop,
    Weather,
)
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


ACCIDENT_REFUSALS = (
    "accident-in-person accident-own-side accident-tries invitation-used invitation-expired "
    "accident-open accident-too-often invitations-too-often accident-not-there "
    "accident-joined accident-changed accident-agreed photos-missing photos-closed "
    "photo-too-often"
)
ACCIDENT_CODES = (
    "call-122 move-and-call same-plate not-the-other invitation happens-later happened-long-ago"
)
FACTS = (
    "happened_at name car liability agreed_at side kind number issued_on issued_at happened_on "
    "paper_code standing"
)


def test_every_word_of_accidents_is_there():
    found = Catalogue.merge({"": WORDS, "traffic": APP / "locale.toml"})
    hub = cast("Any", SimpleNamespace(app="traffic", settings={}))
    asked = evidence.Evidence(hub)
    flow = accident_flow(hub, asked, papers.Papers(hub))
    words = words_of(flow, "traffic")
    words |= {f"traffic.accident.notice.{verb}" for verb in TOLD}
    words |= {f"traffic.accident.hint.{name}" for name in AccidentDesk.hints}
    forms = (AccidentForm, JoinForm, PhotoForm)
    names = [*FACTS.split(), *(name for form in forms for name in form.model_fields)]
    words |= {f"traffic.accident.field.{name}" for name in names}
    choices = (Stop, Collision, Weather, Road, Share, Outcome)
    words |= {f"traffic.accident.{kind.__name__.lower()}.{one}" for kind in choices for one in kind}
    words |= {
        f"traffic.accident.{kind}.{view}" for view in asked.views for kind in ("view", "shot")
    }
    seen = ("plate_a", "plate_b", "licence_a", "licence_b")
    words |= {f"traffic.accident.seen.{name}" for name in seen}
    states = [state.key for state in flow.states]
    more = ["photos", "agreed_waits"]
    words |= {f"traffic.accident.now.{state}" for state in [*states, *more]}
    assert set(states) >= OPEN
    words |= {f"traffic.accident.doubt.{name}" for name in ("time", "place", "time_and_place")}
    for kind in ("agreement", "decision"):
        words |= {f"traffic.accident.paper.{part}.{kind}" for part in ("kind", "basis")}
    words |= {f"traffic.wrong.{code}" for code in ACCIDENT_CODES.split()}
    for code in ACCIDENT_REFUSALS.split():
        words |= {f"traffic.problem.{code}.{part}" for part in ("title", "detail")}
    ended = [f"traffic.accident.figure.{state}" for state in ("agreed", "decided")]
    words |= {f"{one}.{part}" for one in ended for part in ("label", "what")}
    checks = ("good", "expired", "withdrawn", "unknown")
    words |= {f"traffic.verify.paper.{state}" for state in checks}
    assert sorted(key for key in words if key not in found) == []
