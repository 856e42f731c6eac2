"""Bold cells of a table of text: marked by the report, rendered by the writer in each format's own way."""

BOLD = "\ue000"
"""First character of a cell in bold; of Unicode's private use, so no label starts with it."""


def bold(text: str, when: bool = True) -> str:
    """Returns the cell's text, marked as bold `when` it is; an empty cell stays empty."""
    return BOLD + text if text and when else text


def is_bold(cell: object) -> bool:
    """Returns whether a cell is marked as bold."""
    return str(cell).startswith(BOLD)


def plain(cell: object) -> str:
    """Returns a cell's text without the mark."""
    return str(cell).removeprefix(BOLD)
