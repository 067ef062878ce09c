"""What a text is about, by what was learnt: linear weights of character n-grams.

Chinese needs no segmenter for it. Training is `training`'s, in a process of its own; here a text is
weighed with arrays alone, so that nobody waits for a library to load, and arrays are all that is
kept: no object, no code.
"""

import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec

N_GRAMS: Final = (1, 2)
LONGEST: Final = 2_000
"""How many characters of a text are looked at."""
NAMED: Final = 3
"""How many categories are proposed at most."""
WORDS: Final = 4
"""How many parts of the text are shown that weighed."""
_SPACE: Final = re.compile(r"\s\s+")


class Weighed(msgspec.Struct, frozen=True):
    """A category that a text may be about: how strongly it is said, and which parts weighed."""

    category: str
    score: float
    words: tuple[str, ...]


def plain(text: str) -> str:
    """Return a text as it is learnt and weighed."""
    return _SPACE.sub(" ", text.strip()[:LONGEST].lower())


def n_grams(text: str) -> Counter[str]:
    """Return how often each n-gram stands in a plain text."""
    low, high = N_GRAMS
    return Counter(
        text[at : at + n] for n in range(low, high + 1) for at in range(len(text) - n + 1)
    )


class Learnt:
    """Weights that were kept: classes, n-grams, their idf, a row of weights a class."""

    def __init__(
        self, classes: Sequence[str], terms: Sequence[str], idf: Any, weights: Any, bias: Any
    ) -> None:
        self.classes = list(classes)
        self.terms = list(terms)
        self.at = {term: at for at, term in enumerate(self.terms)}
        self.idf, self.weights, self.bias = idf, weights, bias

    def to_bytes(self) -> bytes:
        """Return the weights as a file of arrays."""
        import numpy as np

        file = io.BytesIO()
        np.savez_compressed(
            file,
            classes=np.array(self.classes, dtype=np.str_),
            terms=np.array(self.terms, dtype=np.str_),
            idf=np.asarray(self.idf, dtype=np.float32),
            weights=np.asarray(self.weights, dtype=np.float16),
            bias=np.asarray(self.bias, dtype=np.float32),
        )
        return file.getvalue()

    @classmethod
    def of(cls, content: bytes) -> "Learnt":
        """Return the weights of a file of arrays; one that holds anything else is refused
        (`ValueError`)."""
        import numpy as np

        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return cls(
                file["classes"].tolist(),
                file["terms"].tolist(),
                file["idf"],
                file["weights"].astype(np.float32),
                file["bias"],
            )

    def scores(self, text: str) -> tuple[Any, list[tuple[str, int, float]]]:
        """Return the score of each class for a text, and its n-grams: where each stands among the
        terms, and its share (tf-idf, sublinear, of length 1)."""
        import numpy as np

        counts = n_grams(plain(text))
        known = [(term, self.at[term], n) for term, n in counts.items() if term in self.at]
        values = [(1 + math.log(n)) * float(self.idf[at]) for _, at, n in known]
        norm = math.sqrt(sum(value * value for value in values)) or 1.0
        shares = [
            (term, at, value / norm) for (term, at, _), value in zip(known, values, strict=True)
        ]
        columns = self.weights[:, [at for _, at, _ in shares]]
        return columns @ np.array([share for *_, share in shares]) + self.bias, shares

    def weigh(self, text: str) -> list[Weighed]:
        """Return what a text may be about, most likely first: nothing for one of which nothing is
        known, and only what is not far behind the first."""
        scores, shares = self.scores(text)
        if not shares:
            return []
        order = sorted(range(len(self.classes)), key=lambda at: -float(scores[at]))[:NAMED]
        first = float(scores[order[0]])
        return [
            Weighed(
                self.classes[at],
                round(float(scores[at]), 3),
                self._words(self.weights[at], shares),
            )
            for at in order
            if float(scores[at]) > first - 0.5
        ]

    def _words(self, weights: Any, shares: list[tuple[str, int, float]]) -> tuple[str, ...]:
        """Return the parts of the text that spoke most for a class, words before letters."""
        spoke = sorted(
            (-float(weights[at]) * share, term)
            for term, at, share in shares
            if len(term) > 1 and term.strip() == term and float(weights[at]) > 0
        )
        return tuple(term for _, term in spoke[:WORDS])
