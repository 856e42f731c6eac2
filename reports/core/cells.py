"""Marked cells of a table of text: marked by the report, rendered by the writer in each format's own way."""

BOLD = "\ue000"
"""First character of a cell in bold; of Unicode's private use, so no label starts with it."""
DAGGER = "†"
"""Last character of a cell that is significantly worse than the best of its column."""


def cell(text: str, best: bool = False, worse: bool = False) -> str:
    """Returns the cell's text with its mark: bold for the best, a dagger for a worse one; an empty cell has none."""
    return f"{BOLD * best}{text}{DAGGER * worse}" if text else text


def is_bold(cell: object) -> bool:
    """Returns whether a cell is marked as bold."""
    return str(cell).startswith(BOLD)


def is_worse(cell: object) -> bool:
    """Returns whether a cell is marked as significantly worse."""
    return str(cell).endswith(DAGGER)


def plain(cell: object) -> str:
    """Returns a cell's text without its marks."""
    return str(cell).removeprefix(BOLD).removesuffix(DAGGER)
