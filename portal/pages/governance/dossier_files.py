"""A dossier to send on: its findings in words, then the very tables of the page."""

from collections.abc import Callable
from typing import Any

from plugin_sdk.documents import Document, Part, Table
from plugin_sdk.tables import Cell
from plugin_sdk.views import ChartView, FactView, FigureCard, Money, Phrase
from portal import formats
from portal.pages.governance.dossier import DossierView, FindingView
from portal.pages.governance.places import PlaceRow

Say = Callable[[Any], str]


def document(view: DossierView, say: Say, language: str) -> Document:
    """Return a dossier as a document in a language; `say` gives words in it."""
    period = formats.day_range(view.since, view.until, language)
    findings = [
        Part(say(Phrase("page.governance.findings")), [say(view.next)]),
        *(Part(say(finding.label), _finding(finding, say)) for finding in view.findings),
    ]
    return Document(
        title=say(view.name),
        about=[
            f"{view.owner} · {say(view.state_label)}",
            f"{period} · {say(Phrase('page.dossier.gaps', {'missing': view.missing}))}",
            say(view.evaluated),
        ],
        parts=[
            *findings,
            _measures(view.cards, say, language),
            *(_chart(chart, say, language) for chart in view.charts),
            *_places(view, say, language),
            _facts(view.facts, say, language),
        ],
    )


def _chart(chart: ChartView, say: Say, language: str) -> Part | Table:
    """Return the table of a chart with its sentence; the sentence alone where nothing is known."""
    if all(value is None for row in chart.rows for value in row[1:]):
        return Part(say(chart.title), [say(chart.sentence)])
    return Table(
        say(chart.title),
        [say(column) for column in chart.columns],
        [[_cell(value, say, language) for value in row] for row in chart.rows],
        note=say(chart.sentence),
    )


def _finding(finding: FindingView, say: Say) -> list[str]:
    return [
        *(
            f"{say(one.said)} {say(one.window) if one.window else ''}".strip()
            for one in finding.evidence
        ),
        say(Phrase("page.dossier.change")) + say(finding.change),
        say(Phrase("page.dossier.basis", {"basis": finding.basis})),
    ]


def _measures(cards: list[FigureCard], say: Say, language: str) -> Table:
    names = ("measure", "value", "n", "what", "numerator", "denominator", "window", "missing")
    return Table(
        say(Phrase("page.figures.cards")),
        [say(Phrase(f"page.dossier.column.{name}")) for name in names],
        [
            [
                say(card.label),
                card_value(card, language),
                card.n,
                *(
                    say(words) if words else ""
                    for words in (
                        card.what,
                        card.numerator,
                        card.denominator,
                        card.window,
                        card.missing,
                    )
                ),
            ]
            for card in cards
        ],
        wide=(2, 2, 2, 4, 3, 3, 3, 2),
    )


def card_value(card: FigureCard, language: str) -> str:
    """Return what a card says, in words where there is no figure."""
    if card.suppressed:
        return formats.suppressed(language)
    if card.not_applicable:
        return formats.not_applicable(language)
    return formats.quantity(card.value, card.unit, language)


def _places(view: DossierView, say: Say, language: str) -> list[Table]:
    if view.reach is None:
        return []
    names = ("place", "people_opened", "people_completed")

    def people(count: int | None) -> Cell:
        return formats.suppressed(language) if count is None else count

    def row(place: PlaceRow) -> list[Cell]:
        indent = "　" * place.depth
        return [indent + place.name, people(place.opened), people(place.completed)]

    return [
        Table(
            say(Phrase("page.dossier.reach")),
            [say(Phrase(f"page.dossier.{name}")) for name in names],
            [row(place) for place in (*view.reach.rows, *view.reach.villages)],
        )
    ]


def _facts(facts: list[FactView], say: Say, language: str) -> Table:
    def cell(value: Any) -> str:
        if value is None or value == "":
            return say(Phrase("ui.not_filled"))
        return formats.money(value.fen, language) if isinstance(value, Money) else say(value)

    return Table(
        say(Phrase("page.dossier.register")),
        [say(Phrase("page.dossier.column.fact")), say(Phrase("page.dossier.column.said"))],
        [[say(fact.label), cell(fact.value)] for fact in facts],
        wide=(1, 3),
    )


def _cell(value: Any, say: Say, language: str) -> Cell:
    """Return a cell of a chart's table: a number stays one, what is unknown is said."""
    if value is None:
        return formats.unknown(language)
    return value if isinstance(value, int | float) else say(value)
