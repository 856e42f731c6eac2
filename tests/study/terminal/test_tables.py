"""Tables in a narrow terminal."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from study.terminal.tables import fitted

COLUMNS = ["Training", "Clean", *(f"Corruption {i}" for i in range(16))]
ROWS = [["GNT [a], a set of sigmas with a long name", "91.25 ± 0.13", *(f"{i + 10}.5†" for i in range(16))]] * 2


def _printed(width: int) -> tuple[str, list[str]]:
    table, hidden = fitted(COLUMNS, [[Text(cell) for cell in row] for row in ROWS], width)
    console = Console(file=io.StringIO(), width=width)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue(), hidden


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_numbers_are_whole_and_columns_without_room_are_named(width: int) -> None:
    text, hidden = _printed(width)
    assert "…" not in text and text.count("91.25 ± 0.13") == 2 and "GNT [a]" in text
    shown = 18 - len(hidden)
    assert hidden == COLUMNS[shown:] and all(text.count(cell) == 2 for cell in ROWS[0][2:shown])
    assert all(len(line) <= width for line in text.splitlines())


def test_all_columns_stand_where_there_is_room() -> None:
    text, hidden = _printed(400)
    assert not hidden and all(cell in text for cell in ROWS[0]) and len(text.splitlines()) == 3


def test_the_first_column_stays_where_nothing_fits() -> None:
    assert _printed(10)[1] == COLUMNS[1:]
