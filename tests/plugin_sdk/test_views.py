"""Words with a secret in them: hidden by default, whole for the one reader."""

import msgspec
import pytest

from plugin_sdk.views import Phrase, Secret, revealed
from plugin_sdk.words import HIDDEN


def test_a_secret_is_hidden_wherever_it_is_written():
    secret = Secret("482913")
    said = Phrase("x", {"code": secret})
    for text in (str(secret), repr(secret), f"{secret}", repr(said), str(said)):
        assert HIDDEN in text
        assert "482913" not in text


def test_a_secret_is_not_stored_with_its_words():
    with pytest.raises(TypeError):
        msgspec.to_builtins(Phrase("x", {"code": Secret("482913")}))


def test_revealed_words_are_whole_however_deep():
    inner = Phrase("y", {"code": Secret("482913"), "n": 3})
    assert revealed(Phrase("x", {"inner": inner, "a": "b"})) == Phrase(
        "x", {"inner": Phrase("y", {"code": "482913", "n": 3}), "a": "b"}
    )
    assert revealed("as it stands") == "as it stands"
    assert str(inner.params["code"]) == HIDDEN
