from pathlib import Path
from types import SimpleNamespace

import plugin_sdk
import plugins.supervision
from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import Form, field_views
from plugin_sdk.views import Phrase
from plugins.supervision.desk import FindingDesk, ProjectDesk, TaskDesk
from plugins.supervision.flows import finding_flow, project_flow, task_flow
from portal.texts import Catalogue

SDK = Path(plugin_sdk.__file__).parent
APP = Path(plugins.supervision.__file__).parent
FLOWS = ((finding_flow, FindingDesk), (task_flow, TaskDesk), (project_flow, ProjectDesk))


def test_every_word_of_the_flows_and_forms_is_there():
    found = Catalogue.merge({"": SDK / "locale.toml", "supervision": APP / "locale.toml"})
    assert found.check() == []
    used: set[str] = {"supervision.health.nobody"}
    for make, desk in FLOWS:
        flow = make(SimpleNamespace(settings={}, app="supervision"))
        used |= words_of(flow, "supervision")
        forms: list[type[Form]] = [desk.form, *(t.form for t in flow.transitions)]
        for form in forms:
            for view in field_views(form, f"supervision.{flow.name}", hints=desk.hints):
                if view.name != "version":
                    words = [view.label, view.hint, *(option.label for option in view.options)]
                    used |= {word.key for word in words if isinstance(word, Phrase)}
    assert sorted(key for key in used if key not in found) == []
