"""A table of text as booktabs tables that fit a width: split by columns, wrapped or transposed, never scaled.

Widths are estimates from above (`reports.core.tex.pieces`), so that what is said to fit does.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pandas as pd

from reports.core.cells import is_bold, is_worse, plain
from reports.core.tex import flowing, pieces

SIZES = {"normalsize": 10.0, "small": 9.3, "footnotesize": 8.6}
"""Size of letters -> points of an em that holds for the widths of 10 pt (smaller letters are relatively wider)."""
GAP, BOLD, DAGGER = 8.0, 1.2, 5.0
"""Points between columns, how much wider bold is, and points of the mark that stands beside a cell."""
LINES = 42
"""Most lines of tables in one float."""
POINTS = 72.27


class Block(NamedTuple):
    """Columns that stand together in one tabular: where cells are broken into lines, and the size of letters."""

    table: pd.DataFrame
    caps: list[float]
    size: str


def fitted(table: pd.DataFrame, caption: str, label: str, inches: float, align: Callable[..., str]) -> str:
    """Returns a table as floats that fit a width of `inches`, the first with a label; needs booktabs alone.

    The first sentence of the caption is the caption; what follows, such as the test, is a note below. align: column ->
    LaTeX's letter.
    """
    first, _, note = caption.partition(". ")
    width = inches * POINTS - 2
    groups: list[list[str]] = [[]]
    lines = 0
    for block in blocks(table, width):
        for start in range(0, max(1, len(block.table)), LINES):
            text, height = _tabular(block._replace(table=block.table.iloc[start : start + LINES]), align)
            if groups[-1] and lines + height > LINES:
                groups.append([])
                lines = 0
            groups[-1].append(text)
            lines += height
    floats = []
    for number, texts in enumerate(groups):
        head = flowing(first.rstrip(".") + (" (continued)." if number else "."))
        name = f"\\label{{tab:{label}}}" if not number else ""
        below = f"\\par\\smallskip\n{{\\footnotesize\\raggedright {flowing(note)}\\par}}\n" if note else ""
        body = "\n\\par\\medskip\n".join(texts)
        floats.append(
            f"\\begin{{table}}[tp]\n\\centering\\sloppy\\setlength{{\\tabcolsep}}{{{GAP / 2:g}pt}}\n"
            f"\\caption{{{head}}}{name}\n{body}\n{below if number == len(groups) - 1 else ''}\\end{{table}}\n"
        )
    return "".join(floats)


def blocks(table: pd.DataFrame, width: float) -> list[Block]:
    """Returns the tables, one under another, that fit `width` points: with the fewest parts and the largest letters."""
    options = []
    for form in (table, *([_transposed(table)] if table.shape[1] > len(table) + 1 or table.shape[1] > 9 else [])):
        for size in SIZES:
            parts = _split(form, width / SIZES[size])
            options.append([Block(form.iloc[:, list(c)], caps, size) for c, caps in parts])
    return min(options, key=len)


def _keys(table: pd.DataFrame) -> int:
    """Returns how many columns name a row: the fewest first ones by which rows differ, without numbers of seeds."""
    names = list(table.columns)
    most = names.index("n") if "n" in names[1:] else len(names) - 1
    unique = (k for k in range(1, most + 1) if not table.iloc[:, :k].map(plain).duplicated().any())
    return max(1, next(unique, 1))


def _transposed(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a table with a row a column; its columns are called by what names a row."""
    keys = _keys(table)
    names = [", ".join(filter(None, map(plain, row))) for row in table.iloc[:, :keys].to_numpy()]
    turned = table.iloc[:, keys:].T
    turned.columns = pd.Index(names)
    turned.insert(0, ", ".join(table.columns[:keys]), [str(name) for name in turned.index], allow_duplicates=True)
    return turned


def _split(table: pd.DataFrame, ems: float) -> list[tuple[list[int], list[float]]]:
    """Returns the parts of a table that fit: the numbers of its columns, and the most ems that each takes."""
    gap = GAP / 8.6
    widths = [_needs(table, column, ems) for column in range(table.shape[1])]
    keys = _keys(table)
    if sum(widths[:keys]) + gap * keys > 0.6 * ems:
        keys = 1
    head = list(range(keys))
    parts: list[list[int]] = [[]]
    for column in range(keys, table.shape[1]):
        together = [*head, *parts[-1], column]
        if parts[-1] and sum(widths[c] for c in together) + gap * (len(together) - 1) > ems:
            parts.append([])
        parts[-1].append(column)
    return [([*head, *part], [widths[c] for c in (*head, *part)]) for part in parts]


def _needs(table: pd.DataFrame, column: int, ems: float) -> float:
    """Returns the ems that a column takes: its longest cell or word of its name, less where that would be too much."""
    cells = max((_ems(str(cell)) for cell in table.iloc[:, column]), default=0.0)
    name = max(_ems(word) for word in str(table.columns[column]).split(" "))
    return min(max(cells, name), (0.42 if column == 0 else 0.5) * (ems - 2))


def _ems(cell: str) -> float:
    marks = DAGGER / 8.6 if is_worse(cell) else 0.0
    return sum(width for _, width in pieces(plain(cell))) * (BOLD if is_bold(cell) else 1) + marks


def _tabular(block: Block, align: Callable[..., str]) -> tuple[str, int]:
    """Returns a tabular, and the lines that it takes."""
    letters = "".join(align(block.table.iloc[:, c]) for c in range(block.table.shape[1]))
    head = _row([str(name) for name in block.table.columns], block.caps)
    rows = [_row(row, block.caps) for row in block.table.to_numpy().tolist()]
    lines = ["\\toprule", *head, "\\midrule", *(line for row in rows for line in row), "\\bottomrule"]
    body = "\n".join(lines)
    text = f"{{\\{block.size}\n\\begin{{tabular}}{{@{{}}{letters}@{{}}}}\n{body}\n\\end{{tabular}}\\par}}"
    return text, len(lines)


def _row(cells: Sequence[str], caps: Sequence[float]) -> list[str]:
    """Returns the lines of a row of cells, each of which is broken where it is wider than its column."""
    broken = [_lines(cell, cap) for cell, cap in zip(cells, caps, strict=True)]
    height = max(map(len, broken))
    return [" & ".join(lines[i] if i < len(lines) else "" for lines in broken) + " \\\\" for i in range(height)]


def _lines(cell: str, cap: float) -> list[str]:
    """Returns a cell's lines as LaTeX, its marks kept: bold on each, the dagger on the last."""
    scale = BOLD if is_bold(cell) else 1.0
    room = cap + 0.01 - (DAGGER / 8.6 if is_worse(cell) else 0.0)
    lines, width = [""], 0.0
    for word in plain(cell).split(" "):
        parts = [(tex, w * scale) for tex, w in pieces(word)]
        space = 0.34 * scale if lines[-1] else 0.0
        if lines[-1] and width + space + sum(w for _, w in parts) > room:
            lines.append("")
            width = space = 0.0
        lines[-1] += " " * bool(space)
        width += space
        for tex, w in parts:
            if lines[-1] and width + w > room:
                lines.append("")
                width = 0.0
            lines[-1] += tex
            width += w
    lines = [f"{{}}{line}" if line[:1] in ("[", "*") else line for line in lines]
    lines[-1] += "$^\\dagger$" * is_worse(cell)
    return [f"\\textbf{{{line}}}" if is_bold(cell) and line else line for line in lines]
