"""How well findings fit what is true of a county: precision and recall, of each kind and of all."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from bench.county_year import CountyYear, Key, Parameters, county_year
from core.governance.findings import KINDS, Finding
from core.governance.policy import Policy, load
from core.governance.rules import evaluate

POLICY = Path(__file__).parent.parent / "manifests" / "policy.toml"


class Score(msgspec.Struct):
    """How many findings were right, wrong, and missing."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    @property
    def precision(self) -> float:
        """Return the share of what was found that is true."""
        found = self.right + self.wrong
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """Return the share of what is true that was found."""
        true = self.right + self.missed
        return self.right / true if true else 1.0

    def add(self, found: set[Key], true: set[Key]) -> None:
        """Count what was found against what is true."""
        self.right += len(found & true)
        self.wrong += len(found - true)
        self.missed += len(true - found)


def policy() -> Policy:
    """Return the policy of the house."""
    return load(POLICY.read_bytes(), POLICY.name)


def keys(findings: Iterable[Finding]) -> set[Key]:
    """Return findings as truth names them."""
    return {(finding.kind, finding.app, finding.about) for finding in findings}


def score(scores: dict[str, Score], found: set[Key], true: set[Key]) -> None:
    """Add what was found of one county to the scores of each kind, and of all."""
    for kind in KINDS:
        of = scores.setdefault(kind, Score())
        of.add({key for key in found if key[0] == kind}, {key for key in true if key[0] == kind})
    scores.setdefault("all", Score()).add(found, true)


def judged(year: CountyYear) -> set[Key]:
    """Return what the policy of the house finds in a county."""
    return keys(evaluate(policy(), year.observed.values(), year.register, year.today))


def scores_of(seeds: Sequence[int], parameters: Sequence[Parameters]) -> dict[str, Score]:
    """Return the scores over counties of all these seeds and parameters."""
    scores: dict[str, Score] = {}
    for of in parameters:
        for seed in seeds:
            year = county_year(seed, of)
            score(scores, judged(year), year.truth)
    return scores
