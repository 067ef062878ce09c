"""What the register holds of an app, in words."""

from collections.abc import Sequence
from functools import reduce
from typing import Final

from core.governance.register import RegisterEntry
from core.governance.rules_forced import CHECK_IN, feature_words
from plugin_sdk.views import FactView, Money, Phrase

OURS: Final = "/feedback"
"""Where people complain of an app whose pages the hub frames."""
LEVELS: Final = frozenset({"city", "county", "township", "village", "community"})
"""Levels of organizations that have words; a manifest may name others."""


def facts_of(entry: RegisterEntry) -> list[FactView]:
    """Return the facts of the register, one a row; None was not stated."""
    facts: dict[str, Phrase | Money | str | int | None] = {
        "owner": entry.owner.name,
        "stage": Phrase(
            "page.dossier.stage_since",
            {"stage": Phrase(f"stage.{entry.stage}"), "day": entry.since},
        ),
        "level": Phrase(
            f"page.dossier.level.{entry.level}" if entry.behind_door else "page.dossier.outside"
        ),
        "filing": entry.filing_number,
        "cadence": Phrase(f"page.dossier.cadence.{entry.cadence}"),
        "entitled": entry.entitled,
        "complaints": Phrase("frame.feedback") if entry.complaints == OURS else entry.complaints,
        "required_of": _levels(entry),
        "exemption": _exemption(entry),
        "sign_in": Phrase(f"page.dossier.sign_in_{'again' if entry.own_sign_in else 'once'}"),
        "features": _features(entry),
        "functions": _functions(entry),
        "yearly_cost": None if entry.yearly_cost is None else Money(entry.yearly_cost),
    }
    return [FactView(Phrase(f"page.dossier.fact.{key}"), value) for key, value in facts.items()]


def _levels(entry: RegisterEntry) -> Phrase:
    """Return the levels of organizations that are told to use an app, as one list."""
    levels = [
        Phrase(f"page.dossier.of_level.{level}")
        if level in LEVELS
        else Phrase("text", {"text": level})
        for level in sorted(entry.required_of)
    ]
    return joined(levels) if levels else Phrase("page.dossier.of_nobody")


def _features(entry: RegisterEntry) -> Phrase:
    """Return what the rules forbid and the app has by the register."""
    checks_in = [CHECK_IN] if entry.checks_in else []
    features = [feature_words(key) for key in dict.fromkeys([*checks_in, *entry.forbidden])]
    return joined(features) if features else Phrase("page.dossier.no_features")


def _functions(entry: RegisterEntry) -> Phrase:
    """Return the inventory that duplicates are found by: how many functions, and which."""
    if not entry.functions:
        return Phrase("page.dossier.no_functions")
    names = [Phrase("text", {"text": function.name}) for function in entry.functions]
    return Phrase("page.dossier.functions", {"n": len(names), "named": joined(names)})


def joined(words: Sequence[Phrase]) -> Phrase:
    """Return words as one list."""
    comma = Phrase("ui.list_comma")
    return reduce(
        lambda first, rest: Phrase(
            "page.dossier.joined", {"first": first, "comma": comma, "rest": rest}
        ),
        words,
    )


def _exemption(entry: RegisterEntry) -> Phrase:
    if entry.exemption is None:
        return Phrase("page.dossier.not_exempt")
    return Phrase(
        "page.dossier.exempt",
        {
            "kind": Phrase(f"page.dossier.exemption_kind.{entry.exemption.kind}"),
            "basis": entry.exemption.basis,
            "until": entry.exemption.expires,
        },
    )
