from pathlib import Path
from types import SimpleNamespace

import plugin_sdk
from core.governance import oversight
from core.governance.oversight.desk import ReviewDesk
from core.governance.oversight.flows import VERDICTS, review_flow
from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import Form, field_views
from plugin_sdk.views import Phrase
from portal.testing.hub import ROOT
from portal.texts import Catalogue

SDK = Path(plugin_sdk.__file__).parent
APP = Path(oversight.__file__).parent


def test_every_word_of_the_flow_and_its_forms_is_there():
    found = Catalogue.merge({"": SDK / "locale.toml", "oversight": APP / "locale.toml"})
    assert found.check() == []
    services = SimpleNamespace(database=None, settings=SimpleNamespace(grants=ROOT / "manifests"))
    flow = review_flow(SimpleNamespace(settings={}, app="oversight", services=services))
    assert flow.remind == 5, "as the policy in force says"
    used = {"oversight.health.nobody", *words_of(flow, "oversight")}
    used |= {f"oversight.review.verdict.{verdict}" for verdict in VERDICTS}
    forms: list[type[Form]] = [ReviewDesk.form, *(t.form for t in flow.transitions)]
    for form in forms:
        for view in field_views(form, "oversight.review", hints=ReviewDesk.hints):
            if view.name != "version":
                words = [view.label, view.hint, *(option.label for option in view.options)]
                used |= {word.key for word in words if isinstance(word, Phrase)}
    assert sorted(key for key in used if key not in found) == []
