"""Tables that fit the width of the terminal without destroying a value."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

GAP = 2
"""Columns of the terminal between two of the table."""
FOLDED = 18
"""Columns of the terminal below which a text is not folded; what is shorter stands on one line."""


def fitted(columns: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> tuple[Table, list[str]]:
    """Returns the table in `width` columns of the terminal, and the names of the columns that have no room, from the
    right. Texts are folded where they must be; numbers never are. The first column always stays."""
    texts = [[row[i] for row in rows] for i in range(len(columns))]
    natural = [
        max([cell_len(name), *(cell_len(text.plain) for text in each)])
        for name, each in zip(columns, texts, strict=True)
    ]
    widths = [_least(name, each) for name, each in zip(columns, texts, strict=True)]
    while len(widths) > 1 and sum(widths) + GAP * len(widths) > width:
        widths.pop()
    free = width - sum(widths) - GAP * len(widths)
    for i, least in enumerate(widths):
        more = max(0, min(free, natural[i] - least))
        widths[i], free = least + more, free - more
    table = Table(box=None, padding=(0, GAP, 0, 0), header_style="bold")
    for name, room in zip(columns, widths, strict=False):
        table.add_column(Text(name), width=min(room, max(1, width - GAP)), overflow="fold")
    for row in rows:
        table.add_row(*row[: len(widths)])
    return table, list(columns[len(widths) :])


def _least(name: str, texts: Sequence[Text]) -> int:
    """Returns the least width of a column in which no number is folded and no word of its name."""
    words = max((cell_len(word) for word in name.split()), default=0)
    return max([words, *(_unfolded(text.plain) for text in texts)])


def _unfolded(text: str) -> int:
    """Returns the columns that a cell needs: all of a number, of a text no more than FOLDED."""
    return cell_len(text) if text[:1].isdigit() or text[:1] in "+-" else min(cell_len(text), FOLDED)
