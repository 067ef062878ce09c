"""The proof of a merge to print and to send on: the tables of the page."""

from collections.abc import Callable
from typing import Any

from plugin_sdk.documents import Document, Part, Table
from plugin_sdk.tables import Cell
from plugin_sdk.views import Phrase
from portal.pages.governance.merge import DataRow, MergeView, ProofView

Say = Callable[[Any], str]


def document(view: MergeView, say: Say) -> Document:
    """Return the proof of a merge as a document; `say` gives words in the reader's language."""
    into = Phrase("merge.into", {"successor": view.successor_name})
    missing = [say(one.said) for one in view.obstacles]
    return Document(
        title=f"{say(Phrase('merge.print'))} · {say(view.name)}",
        about=[
            f"{view.owner} · {say(view.state_label)} · {say(into)}",
            say(view.gate),
            say(view.counted),
            *([say(view.live)] if view.live else []),
        ],
        parts=[
            *([Part(say(Phrase("merge.missing")), missing)] if missing else []),
            _table(
                "functions",
                ("old", "new", "proof"),
                [
                    [
                        say(row.name),
                        row.route or say(Phrase("merge.functions.unplaced")),
                        _proof(row.proof, say),
                    ]
                    for row in view.functions
                ],
                say,
            ),
            _table(
                "data",
                ("kind", "old", "new", "state"),
                [[say(row.label), *_sides(row, say), _proof(row.proof, say)] for row in view.data],
                say,
            ),
            _table(
                "links",
                ("path", "target", "tested"),
                [[row.path, row.target, _proof(row.proof, say)] for row in view.links],
                say,
            ),
        ],
    )


def _table(name: str, columns: tuple[str, ...], rows: list[list[Cell]], say: Say) -> Table | Part:
    title = say(Phrase(f"merge.{name}.title"))
    if not rows:
        return Part(title, [say(Phrase(f"merge.{name}.none"))])
    heads = [say(Phrase(f"merge.{name}.{column}")) for column in columns]
    return Table(title, heads, rows, wide=(3, 3, 4) if len(columns) == 3 else (2, 3, 3, 4))


def _proof(proof: ProofView, say: Say) -> str:
    return say(proof.said) + (f" · {say(proof.by)}" if proof.by else "")


def _sides(row: DataRow, say: Say) -> list[Cell]:
    def side(rows: int | None, digest: str | None) -> str:
        if rows is None:
            return say(Phrase("merge.data.absent"))
        counted = say(Phrase("merge.data.rows", {"n": rows}))
        return f"{counted} · {say(Phrase('merge.data.digest', {'digest': digest}))}"

    return [side(row.old_rows, row.old_digest), side(row.new_rows, row.new_digest)]
