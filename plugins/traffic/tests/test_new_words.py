"""No page, notice or form of reports, roads and study lacks its words."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from plugin_sdk.cases.flow import words_of
from plugins.traffic.reports.desk import ReportDesk
from plugins.traffic.reports.flow import report_flow
from plugins.traffic.reports.forms import Kind, ReportForm
from plugins.traffic.roads.forms import FollowForm, RoadForm
from plugins.traffic.roads.forms import Kind as RoadKind
from plugins.traffic.roads.notices import RoadDesk
from plugins.traffic.simulated_taking import KNOWN
from plugins.traffic.study.routes import TONES
from plugins.traffic.study.studying import WHYS
from portal.templating import WORDS
from portal.texts import Catalogue

APP = Path(__file__).parent.parent
WRONG = "report-old photo-old photo-time photo-place photos-apart photo-twice not-same not-decided"
REFUSALS = (
    "report-twice report-photo-used report-too-often road-over road-followed "
    "study-licence study-full study-nothing study-over study-probation study-open "
    "study-inspection study-period study-pending study-learning study-none study-expired "
    "study-lessons study-early"
)


def test_every_word_of_reports_roads_and_study_is_there():
    found = Catalogue.merge({"": WORDS, "traffic": APP / "locale.toml"})
    words = words_of(report_flow(cast("Any", SimpleNamespace(app="traffic"))), "traffic")
    shown = ("happened_at", "same_as", "recorded_as", "remark", "reporter")
    words |= {f"traffic.report.field.{name}" for name in (*ReportForm.model_fields, *shown)}
    words |= {f"traffic.report.hint.{name}" for name in ReportDesk.hints}
    words |= {f"traffic.report.kind.{kind}" for kind in Kind}
    words |= {f"traffic.report.remark.{one}" for one in ("bare", "no-time", "no-place", "seen")}
    assert set(KNOWN) == {str(kind) for kind in Kind}, "the simulated police know every kind"
    words |= {f"traffic.road_notice.field.{name}" for name in RoadForm.model_fields}
    words |= {f"traffic.road_notice.hint.{name}" for name in RoadDesk.hints}
    words |= {f"traffic.road_notice.kind.{kind}" for kind in RoadKind}
    words |= {f"traffic.road.field.{name}" for name in FollowForm.model_fields}
    words |= {f"traffic.road.state.{one}" for one in ("future", "in_force", "ending", "over")}
    words |= {f"traffic.road.said.{verb}" for verb in ("add", "change", "end")}
    words |= {f"traffic.road.notice.{name}" for name in ("published", "changed", "over")}
    words |= {f"traffic.study.state.{state}" for state in TONES if state != "learning"}
    words |= {f"traffic.study.said.{state}" for state in ("learning", "pending", "failed")}
    words |= {f"traffic.study.why.{why}" for why in WHYS}
    words |= {f"traffic.study.notice.{state}" for state in ("credited", "refused")}
    words |= {f"traffic.wrong.{code}" for code in WRONG.split()}
    for code in REFUSALS.split():
        words |= {f"traffic.problem.{code}.{part}" for part in ("title", "detail")}
    assert sorted(key for key in words if key not in found) == []
