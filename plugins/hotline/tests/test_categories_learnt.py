"""Categories learnt from the county's own dispatched orders: how well is measured, not claimed."""

import io
import pickle
import subprocess
import sys
from datetime import timedelta
from uuid import uuid4

import numpy as np
import pytest

from plugins.hotline.dispatching.categorizing import Categorizer, trained_apart
from plugins.hotline.dispatching.learning import Learnt
from plugins.hotline.dispatching.training import LEAST, _pipeline, enough, learn, train
from plugins.hotline.models import Order
from plugins.hotline.tests.conftest import HERE, LIGHTS

NOISE = "环境保护/环境污染/噪音污染"
BUS = "交通运输/客货运输/旅客运输"
SAID = {
    LIGHTS: ("路灯不亮", "井盖松了", "路灯坏了", "盲道断了"),
    NOISE: ("工地打桩", "广场舞吵", "夜里施工", "喇叭声大"),
    BUS: ("公交晚点", "班车停运", "公交不停", "站牌没了"),
}
PLACES = ("富国路", "金海路", "菜市场", "学校门口", "小区里", "桥头", "村口", "医院旁", "车站")


def examples(each=4):
    return [
        (f"{place}{said}，请看看{n}", category)
        for category, all_said in SAID.items()
        for said in all_said
        for n, place in enumerate(PLACES * each)
    ][: 3 * 4 * 9 * each]


def test_what_was_learnt_says_how_well_and_weighs_as_its_teacher():
    found = examples(1)
    assert enough(found)
    trained = train(found)
    assert trained is not None
    assert (trained.examples, trained.classes) == (108, 3)
    assert trained.level1 > 0.9
    assert 0.3 < trained.baseline < 0.4  # three as frequent first levels
    model = _pipeline(3).fit(*zip(*found, strict=True))
    kept = Learnt.of(learn(found).to_bytes())
    text = "桥头的路灯  又不亮了"
    scores, _ = kept.scores(text)
    assert np.allclose(scores, model.decision_function([text])[0], atol=0.01)
    first = kept.weigh(text)[0]
    assert first.category == LIGHTS
    assert "路灯" in first.words
    assert kept.weigh("zzz") == []  # of what it knows nothing it says nothing


def test_two_categories_are_weighed_both_ways():
    kept = learn([one for one in examples(1) if one[1] != BUS])
    assert kept.weigh("路灯不亮")[0].category == LIGHTS
    assert kept.weigh("工地打桩")[0].category == NOISE


def test_too_few_or_all_alike_teach_nothing():
    found = examples(1)
    assert train(found[: LEAST - 1]) is None
    assert not enough([(text, LIGHTS) for text, _ in found])
    assert not enough([(text, f"{category}{n}") for n, (text, category) in enumerate(found)])


def test_a_file_with_an_object_in_it_is_refused():
    file = io.BytesIO()
    np.savez(file, classes=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        Learnt.of(file.getvalue())
    with pytest.raises(ValueError):  # noqa: PT011  numpy's words differ by version
        Learnt.of(pickle.dumps({"classes": []}))


def test_a_start_does_not_load_what_training_needs():
    assert "plugins.hotline.dispatching.categorizing" in sys.modules
    source = subprocess.run(
        [sys.executable, "-c", "import plugins.hotline, sys; print('sklearn' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert source.stdout.strip() == "False"


async def test_a_process_of_its_own_learns():
    trained = await trained_apart(examples(1))
    assert trained is not None
    assert trained.classes == 3


async def test_the_county_learns_from_what_it_dispatched(desk):
    hub = desk.hub.hub.apps.hubs["hotline"]
    unit, centre = uuid4(), (await desk.hub.actor("dispatcher")).organization_id
    categorizer, job = Categorizer(hub), hub.system("job categories")
    number = (await desk.file(text="桥头的路灯又不亮了"))["number"]
    await categorizer.learn(job)
    dispatcher = await desk.client("dispatcher")
    order = (await dispatcher.get(f"{HERE}/dispatch/{number}")).json()["order"]
    assert (order["categories"], order["model"]["key"].rpartition(".")[2]) == ([], "none")
    async with hub.work(job) as work:
        for n, (text, category) in enumerate(examples(1)):
            row = Order(
                number=f"X{n}",
                code="1",
                title=text,
                state="closed",
                stage_entered_at=work.now,
                opened_at=work.now - timedelta(days=50),
                held_at=work.now,
                organization_id=unit,
                origin_organization_id=centre,
                channel="web",
                text=text,
                category_code=category,
            )
            await work.add(row, placed=True)
    for version in (1, 2):
        await categorizer.learn(job)
        order = (await dispatcher.get(f"{HERE}/dispatch/{number}")).json()["order"]
        first = order["categories"][0]
        assert (first["label"], first["taken"]) == (LIGHTS, False)
        assert "路灯" in first["reasons"][0]["params"]["words"]
        said = order["model"]["params"]
        assert (said["version"], said["n"]) == (version, 108)
        baseline, level1 = (float(said[name].rstrip("%")) for name in ("baseline", "level1"))
        assert baseline < 34 < level1
    page = (await dispatcher.page(f"{HERE}/dispatch/{number}")).text
    assert "交叉验证一级分类准确率" in page
