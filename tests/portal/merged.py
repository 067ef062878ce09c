"""Samples of the pages of a merge, with something in each state."""

from datetime import UTC, datetime

from core.governance.lifecycle.obstacles import Obstacle
from plugin_sdk.forms import field_views
from plugin_sdk.text import Text
from plugin_sdk.views import Option, Phrase
from portal.pages.governance.merge import (
    TONES,
    DataRow,
    FunctionRow,
    LinkRow,
    MergeView,
    ProofView,
)
from portal.pages.governance.merge_acts import DataView
from portal.pages.governance.merge_forms import ChooseForm, DataForm

AT = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
WHO = {"at": AT, "who": "沈治理"}


def proof(state, key, *, signed=False, **params):
    by = Phrase("merge.proof.signed" if signed else "merge.proof.by", WHO)
    return ProofView(state=state, tone=TONES[state], said=Phrase(f"merge.{key}", params), by=by)


def function(name, route, of):
    return FunctionRow(
        function=name,
        name=Text(name, name),
        listed=name != "来信月报",
        was="GET /letters/{number}",
        route=route,
        example="/orders/L202603050001" if "{" in route else "",
        proof=of,
    )


def merge_view():
    """A merge under way: one function in each state, data that are not equal, a link that fails."""
    digests = {"old_digest": "9f86d081884c", "new_digest": "60303ae22b99"}
    return MergeView(
        app="mailbox",
        name=Text("领导信箱", "Leaders' mailbox"),
        owner="城市管理局",
        state_label=Phrase("stage.merge"),
        successor="hotline",
        successor_name=Text("12345热线", "12345 hotline"),
        open=False,
        gate=Phrase("merge.closed", {"n": 2}),
        obstacles=[
            Obstacle(
                key="function:x",
                said=Phrase("merge.obstacle.open", {"function": "答复来信", "route": "POST /x"}),
            ),
            Obstacle(key="data", said=Phrase("merge.obstacle.no_data")),
        ],
        counted=Phrase("merge.counted", {"n": 5, "proven": 1, "waived": 1}),
        live=Phrase("merge.before", {"at": AT}),
        functions=[
            function(
                "查看来信与办理经过",
                "GET /orders/{number}",
                proof("proven", "proof.probe", status=200),
            ),
            function("居民网上提交来信", "POST /orders", proof("old", "proof.old")),
            function("来信列表", "GET /orders", proof("open", "proof.forbidden", status=403)),
            function("来信月报", "", proof("unplaced", "functions.unplaced")),
            function(
                "选择收信领导",
                "",
                proof("waived", "proof.waived", signed=True, reason="统一受理，不再分设信箱"),
            ),
        ],
        data=[
            DataRow(
                kind="cases",
                label=Phrase("merge.kind.cases"),
                old_rows=12_480,
                new_rows=12_479,
                proof=proof("unequal", "data.unequal"),
                **digests,
            ),
            DataRow(
                kind="知识库",
                label="知识库",
                old_rows=310,
                old_digest="9f86d081884c",
                new_rows=None,
                new_digest=None,
                proof=proof("waived", "proof.waived", signed=True, reason="随旧应用归档"),
            ),
        ],
        links=[
            LinkRow(
                path="/letters/{number}",
                target="/apps/hotline/orders/L{number}",
                example="/letters/202603050001",
                offered="",
                proof=proof("open", "links.failed", status=404, at=AT),
            ),
            LinkRow(
                path="/letters",
                target="",
                example="",
                offered="/apps/hotline/orders",
                proof=proof("unplaced", "functions.unplaced"),
            ),
        ],
        behind_door=True,
        acts=True,
        choose=field_views(
            ChooseForm,
            "merge.choose",
            values={"successor": "hotline"},
            options={"successor": [Option("hotline", "12345热线")]},
        ),
        exports={"pdf": "/x", "xlsx": "/x"},
        here="/governance/apps/mailbox/merge",
        back="/governance/apps/mailbox",
        life_href="/governance/apps/mailbox/life",
    )


def data_view():
    """The form of what an app elsewhere holds."""
    return DataView(
        title=Phrase("merge.data.enter"),
        intro=Phrase("merge.data.enter_intro"),
        action="/x",
        verb=Phrase("merge.data.compare"),
        fields=field_views(DataForm, "merge.data", hints=frozenset({"kind", "digest"})),
        multipart=True,
        cancel="/x",
    )
