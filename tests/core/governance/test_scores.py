"""Findings against a county whose truth is known, of a seed and parameters that no limit was ever
looked at with: through the tables of both engines, and without them."""

from datetime import UTC, datetime, time

import msgspec
import pytest
from msgspec.structs import replace

from bench.county_tables import write
from bench.county_year import (
    HELD_OUT,
    HELD_OUT_SEEDS,
    RETIRED_SEEDS,
    TUNING,
    TUNING_SEEDS,
    county_year,
)
from bench.findings import Score, judged, keys, policy, score
from core.database import Database
from core.governance.evaluation import look_at
from core.governance.findings import KINDS, restored
from core.governance.rules import evaluate
from portal.assembly import catalogue_of

LEAST = 0.95
SMALLER = replace(HELD_OUT[1], apps=240, people=6000)


@pytest.fixture(scope="module")
def year():
    return county_year(HELD_OUT_SEEDS[0], SMALLER)


def test_what_was_tuned_with_is_not_scored_with():
    assert not {*TUNING_SEEDS, *RETIRED_SEEDS} & set(HELD_OUT_SEEDS)
    assert all(one not in TUNING for one in HELD_OUT[1:])


async def test_findings_fit_the_truth_through_the_tables(year, fresh_database_url):
    now = datetime.combine(year.today, time(3), UTC)
    database = Database(fresh_database_url, clock=lambda: now)
    try:
        await write(database, year)
        async with database.transaction() as tx:
            seen = await look_at(tx, policy(), year.register)
    finally:
        await database.close()
    found = keys(seen.findings(policy()))
    assert found == judged(year), "tables say what the model says"
    scores: dict[str, Score] = {}
    score(scores, found, year.truth)
    assert {kind for kind in KINDS if scores[kind].right} == set(KINDS), "each kind is there"
    low = {kind: of for kind, of in scores.items() if not good(of)}
    assert not low


def good(score):
    """Whether 95 of 100 are right and 95 of 100 are found; of a few, all but one."""
    found, true = score.right + score.wrong, score.right + score.missed
    return score.wrong <= max(1, (1 - LEAST) * found) and score.missed <= max(1, (1 - LEAST) * true)


def test_every_finding_is_said_in_both_languages(year):
    catalogue = catalogue_of({})
    found = evaluate(policy(), year.observed.values(), year.register, year.today)
    for lang in ("zh", "en"):
        for finding in found:
            stored = restored(msgspec.json.decode(msgspec.json.encode(finding)))
            assert stored == finding
            assert catalogue.text(lang, f"finding.{finding.kind}.name")
            assert catalogue.shown(lang, stored.change)
            for evidence in stored.evidence:
                said = catalogue.shown(lang, evidence.said)
                assert said
                assert "Text(" not in said
                assert "Phrase(" not in said
