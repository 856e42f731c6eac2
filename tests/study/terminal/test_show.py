"""What is printed of reports and of what a study says."""

import io

import pandas as pd
import pytest
from rich.console import Console

from reports.core.cells import cell
from reports.core.study_conclusion import Findings
from reports.core.write import Section
from study.terminal.show import _duration, findings, section


def _printed(show, *arguments) -> str:  # type: ignore[no-untyped-def]
    console = Console(file=io.StringIO(), width=120)
    show(*arguments, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_cells_are_printed_without_the_signs_that_mark_them() -> None:
    table = pd.DataFrame({"Training": ["[a] b", "GNT"], "All": [cell("80.1", best=True), cell("76.0", worse=True)]})
    text = _printed(section, Section("a", "A title", "A caption.", table))
    assert "80.1" in text and "76.0†" in text and "[a] b" in text and "\ue000" not in text


def test_what_a_study_says_is_printed_with_its_dataset_where_there_are_several() -> None:
    one = Findings("GNT wins.", "All is settled.", "")
    assert _printed(findings, {"digits": one}).startswith("GNT wins.\nAll is settled.")
    assert "mnist: GNT wins." in _printed(findings, {"digits": one, "mnist": one})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89.4, "89 s"), (90, "1.5 min"), (5000, "83.3 min"), (5400, "1.5 h"), (2.1e6, "24.3 days")],
)
def test_durations_have_a_unit_that_fits(seconds: float, text: str) -> None:
    assert _duration(seconds) == text
