"""Categories from the text: how often what the hotline learns names the right one.

The texts are real messages of citizens with their first-level category, beside the repository and
never in it (`../shared/data/messages_labelled.csv`); only figures come out of here.
"""

import csv
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

from bench.site import ROOT, Site
from plugins.hotline.dispatching.learning import Learnt
from plugins.hotline.dispatching.training import Example, learn, measure

LABELLED: Final = ROOT.parent / "shared" / "data" / "messages_labelled.csv"
HEAD: Final = (
    *("texts", "categories", "accuracy at level 1", "always the most frequent"),
    *("folds", "training s", "weights KiB", "a proposal, ms"),
)


def examples(path: Path) -> list[Example]:
    """Return subject and text of each message with its category."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [
            (f"{row['留言主题'].strip()} {' '.join(row['留言详情'].split())}", row["一级分类"])
            for row in csv.DictReader(file)
        ]


def run(site: Site, report: Any, *, quick: bool) -> None:
    """Measure, unless the texts are not there."""
    if not LABELLED.exists():
        print(f"{LABELLED.name} is not beside the repository: categories are not measured")
        return
    found = examples(LABELLED)
    rounds = 1 if quick else 10
    _, level1, baseline = measure(found, rounds=rounds)
    began = time.perf_counter()
    learnt = learn(found)
    spent = time.perf_counter() - began
    content = learnt.to_bytes()
    kept = Learnt.of(content)
    began = time.perf_counter()
    for text, _ in found:
        kept.weigh(text)
    each = (time.perf_counter() - began) / len(found)
    report.table(
        "categories",
        "Categories from the text, cross-validated (characters' n-grams, linear SVM)",
        HEAD,
        [
            [
                f"{len(found)}",
                f"{len(Counter(category for _, category in found))}",
                f"{level1:.3f}",
                f"{baseline:.3f}",
                f"5, {rounds} times",
                f"{spent:.2f}",
                f"{len(content) / 1024:.0f}",
                f"{each * 1e3:.2f}",
            ]
        ],
    )
