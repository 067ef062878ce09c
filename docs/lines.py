"""Write the table of lines per app into `docs/apps.md`: python docs/lines.py"""

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "apps.md"
BEGIN, END = "<!-- lines: written by docs/lines.py -->\n", "<!-- end of lines -->\n"
HEAD = "| app | code | Python | manifest | words | tables |\n|---|" + "---:|" * 5 + "\n"
SILENT = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)


def code_lines(text: str) -> int:
    """Return how many lines of Python say something: no blank line, comment or docstring."""
    said: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in SILENT and token.type != tokenize.ENDMARKER:
            said.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                said.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(said)


def lines(*paths: Path) -> int:
    """Return how many lines files have together."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def row(folder: Path) -> str:
    """Return the row of an app."""
    parts = (path.relative_to(folder) for path in folder.rglob("*.py"))
    python = sorted(folder / path for path in parts if path.parts[0] not in ("tests", "migrations"))
    code = sum(code_lines(path.read_text(encoding="utf-8")) for path in python)
    counts = (
        lines(*python),
        lines(folder / "manifest.toml"),
        lines(folder / "locale.toml", *folder.glob("*/locale.toml")),
        lines(*folder.glob("migrations/versions/*.py")),
    )
    shown = " | ".join(f"{count:,}" for count in counts)
    return f"| {folder.name.replace('_', '-')} | **{code:,}** | {shown} |\n"


def table() -> str:
    """Return the table of every app in `plugins/`."""
    folders = sorted(path.parent for path in (ROOT / "plugins").glob("*/manifest.toml"))
    return HEAD + "".join(row(folder) for folder in folders)


def written(text: str) -> str:
    """Return a guide with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    GUIDE.write_text(written(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    print(table(), end="")
