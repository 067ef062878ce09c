"""Catalogues: merging, parameters, what the check refuses; and our own are clean."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plugin_sdk.text import Text
from plugin_sdk.views import Phrase
from portal.templating import WORDS
from portal.texts import Catalogue, MissingText, words_of_app

HOUSE = Path(__file__).parents[2]


def catalogue(tmp_path, text, prefix=""):
    path = tmp_path / "locale.toml"
    path.write_text(text, encoding="utf-8")
    return Catalogue.merge({prefix: path})


def test_the_shell_and_the_sdk_are_clean():
    merged = Catalogue.merge({"": WORDS})
    assert merged.check() == []
    assert len(merged) > 300


APPS = {
    path.parent.name.replace("_", "-"): words_of_app(path.parent)
    for path in sorted(HOUSE.glob("plugins/*/locale.toml"))
}


@pytest.mark.parametrize("app", APPS)
def test_apps_are_clean(app):
    assert Catalogue.merge({app: APPS[app]}).check() == []


def test_the_words_of_a_room_stand_beside_its_code(tmp_path):
    (tmp_path / "desk").mkdir()
    (tmp_path / "locale.toml").write_text('a = { zh = "甲", en = "A" }', "utf-8")
    (tmp_path / "desk/locale.toml").write_text('a = { zh = "乙", en = "B" }', "utf-8")
    merged = Catalogue.merge({"clinic": words_of_app(tmp_path)})
    assert merged.text("en", "clinic.a") == "A"
    assert merged.check() == [
        f"desk/locale.toml: clinic.a: stands in {tmp_path.name}/locale.toml too"
    ]


def test_every_key_in_a_template_has_words():
    merged = Catalogue.merge({"": WORDS, **APPS})
    missing = {
        key
        for folder in ("portal/templates", "portal/components", "plugins/*/templates")
        for path in HOUSE.glob(f"{folder}/*.html")
        for key, built in re.findall(r"\bt\([\"']([\w.-]+)[\"'](\s*~)?", path.read_text("utf-8"))
        if not built and key not in merged
    }
    assert not missing


def test_an_app_stands_under_its_prefix(tmp_path):
    merged = catalogue(tmp_path, '[state]\nopen = { zh = "待办", en = "Open" }', "hotline")
    assert merged.text("zh-CN", "hotline.state.open") == "待办"
    assert merged.text("en", "hotline.state.open") == "Open"


def test_one_is_the_english_singular(tmp_path):
    merged = catalogue(tmp_path, 'c = { zh = "{n} 件", en = "{n} cases", one = "{n} case" }')
    assert merged.text("en", "c", n=1) == "1 case"
    assert merged.text("en", "c", n=2) == "2 cases"
    assert merged.text("zh-CN", "c", n=1) == "1 件"


def test_parameters_are_plain_text_and_may_be_words(tmp_path):
    merged = catalogue(
        tmp_path, 'a = { zh = "{x}", en = "{x}" }\nb = { zh = "签收", en = "signed" }'
    )
    assert merged.text("en", "a", x="{b} <i>") == "{b} <i>"
    assert merged.text("en", "a", x=Phrase("b")) == "signed"
    assert merged.text("en", "a", x=Text(zh="甲", en="A")) == "A"
    at = datetime(2024, 3, 5, 9, 30, tzinfo=UTC)
    assert merged.text("zh-CN", "a", x=at) == "2024年3月5日 17:30"
    assert merged.text("zh-CN", "a", x=None) == "未知"


def test_what_is_missing_raises(tmp_path):
    merged = catalogue(tmp_path, 'a = { zh = "{x}", en = "{x}" }\nb = { zh = "只有中文" }')
    with pytest.raises(MissingText):
        merged.text("en", "none")
    with pytest.raises(MissingText):
        merged.text("en", "a")
    with pytest.raises(MissingText):
        merged.text("en", "b")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('a = { zh = "甲" }', "no en"),
        ('a = { zh = "{x} 甲", en = "A {y}" }', "zh has"),
        ('a = { zh = "甲", en = "A", one = "B" }', "one without"),
        ('a = { zh = "操作成功", en = "Done" }', "成功"),
        ('a = { zh = "提交失败", en = "Not sent" }', "失败"),
        ('a = { zh = "亲，已提交", en = "Sent" }', "亲"),
        ('a = { zh = "确定", en = "OK" }', "确定"),
        ('a = { zh = "已提交！", en = "Sent" }', "exclamation"),
        ('a = { zh = "填写", en = "Please enter" }', "please"),
        ('a = { zh = "填写", en = "Invalid input" }', "invalid"),
        ('a = "plain"', "neither"),
    ],
)
def test_the_check_names_what_is_wrong(tmp_path, line, said):
    (fault,) = catalogue(tmp_path, line).check()
    assert said in fault


@pytest.mark.parametrize(
    "line",
    [
        'a = { zh = "父亲的亲属", en = "A relative" }',
        'a = { zh = "期限待确定", en = "To be set" }',
        'a = { zh = "本人亲自办理", en = "In person" }',
    ],
)
def test_the_check_knows_words_that_only_look_alike(tmp_path, line):
    assert catalogue(tmp_path, line).check() == []


def test_a_key_stands_once(tmp_path):
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text('x = { zh = "甲", en = "A" }', encoding="utf-8")
    (fault,) = Catalogue.merge({"": tmp_path}).check()
    assert "stands in" in fault


def test_a_source_that_is_not_there_is_empty(tmp_path):
    assert len(Catalogue.merge({"": tmp_path / "none.toml"})) == 0
