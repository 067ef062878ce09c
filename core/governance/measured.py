"""Measures as people read them: a card with its definition, a cell of a table."""

from functools import reduce

from core.usage.measures import Measure, Missing
from plugin_sdk.views import FigureCard, Phrase, Words


def share(measure: Measure | None) -> float | None:
    """Return a measure as it is drawn: a share from 0 to 100; None where it is not known."""
    if measure is None or measure.value is None:
        return None
    return round(measure.value * 100, 1) if measure.unit == "share" else measure.value


def card(measure: Measure) -> FigureCard:
    """Return a measure as a card: value or why there is none, n, and what it is."""
    key = f"measure.{measure.key}"
    return FigureCard(
        label=Phrase(f"{key}.name"),
        value=share(measure),
        unit="percent" if measure.unit == "share" else measure.unit,
        n=measure.n,
        suppressed=measure.state == "few",
        not_applicable=measure.state == "not_applicable",
        what=Phrase(f"{key}.what"),
        numerator=_part(f"{key}.numerator", measure.numerator),
        denominator=_part(f"{key}.denominator", measure.denominator),
        window=Phrase(
            "page.governance.window",
            {"since": measure.window.since, "until": measure.window.until},
        ),
        missing=missing(measure.missing),
    )


def missing(gaps: Missing) -> Phrase:
    """Return in words what is unknown of a window."""
    parts = {"days": gaps.days, "minutes": gaps.minutes, "lost": gaps.lost}
    said = [Phrase(f"page.governance.missing_{key}", {"n": n}) for key, n in parts.items() if n]
    if not said:
        return Phrase("page.governance.nothing_missing")
    return reduce(
        lambda first, rest: Phrase(
            "page.governance.missing_joined", {"first": first, "rest": rest}
        ),
        said,
    )


def _part(key: str, number: int | None) -> Words:
    if number is None:
        return Phrase(key)
    return Phrase("page.governance.part", {"what": Phrase(key), "n": number})
