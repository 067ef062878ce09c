from pathlib import Path
from types import SimpleNamespace

import plugin_sdk
import plugins.hotline
from plugin_sdk.cases.flow import words_of
from plugin_sdk.forms import Form, field_views
from plugin_sdk.views import Phrase
from plugins.hotline.checking import figures, following, forms, judged, showing, supervising
from plugins.hotline.checking.routes import HINTS
from plugins.hotline.checking.showing import CHECK_HINTS
from portal.texts import Catalogue, words_of_app

SDK = Path(plugin_sdk.__file__).parent
APP = Path(plugins.hotline.__file__).parent


def words_of_forms() -> set[str]:
    used: set[str] = set()
    flow = supervising.supervision_flow(SimpleNamespace(settings={}, app="hotline"))
    asked: list[tuple[type[Form], str, frozenset[str]]] = [
        *((t.form, "hotline.supervision", frozenset()) for t in flow.transitions),
        (forms.QuestionForm, "hotline.question", frozenset({"name"})),
        (forms.CallForm, "hotline.checking.call", frozenset({"rating", "note"})),
        (forms.DrawForm, "hotline.checking.draw", HINTS),
        (forms.JudgeForm, "hotline.checking.check", CHECK_HINTS),
        (forms.CorrectForm, "hotline.checking.correct", CHECK_HINTS),
    ]
    for form, prefix, hints in asked:
        for view in field_views(form, prefix, hints=hints):
            if view.name != "version":
                words = [view.label, view.hint, *(option.label for option in view.options)]
                used |= {word.key for word in words if isinstance(word, Phrase)}
    return used | words_of(flow, "hotline")


def test_every_word_of_the_room_is_there():
    found = Catalogue.merge({"": SDK / "locale.toml", "hotline": words_of_app(APP)})
    used = words_of_forms()
    used |= {f"hotline.supervision.cause.{cause}" for cause in supervising.CAUSES}
    used |= {
        f"hotline.supervision.grade.{grade}"
        for grade in (1, supervising.LETTER, supervising.LEADER)
    }
    used |= {f"hotline.checking.outcome.{outcome}" for outcome in following.OUTCOMES}
    used |= {f"hotline.checking.rank.{rank}" for rank in (1, 2, 3)}
    used |= {f"hotline.checking.check.state.{state}" for state in showing.TONES}
    used |= {
        f"hotline.checking.check.{name}.{yes}" for name in judged.ASKED for yes in ("yes", "no")
    }
    used |= {f"{figures.WORDS}.{name}.title" for name in ("ratings", "checks", "points", "calls")}
    used.add("hotline.checking.card")
    said = {*following.OUTCOMES, "again", "drawn"} - {"overtaken"}
    used |= {f"hotline.checking.said.{name}" for name in said}
    assert sorted(key for key in used if key not in found) == []
