"""What holds of every report's figure: its width, its signs, no cut text, and a caption that says what bars are."""

import re
from collections.abc import Callable
from functools import cache

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import FillBetweenPolyCollection, LineCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.core.report import Report
from reports.core.style import at_venue, column_width, style, text_width
from study.plan.contracts.made_up import correct, members, population, race, table, trials
from study.registry.lookup import find, names

DRAWN = [name for name in names("report") if find("report", name).draw]
STUDIES = {r: s for s in reversed(names("study")) for r in find("study", s).reports}
MADE: dict[str, Callable[[str, pd.DataFrame], pd.DataFrame]] = {
    "correct": lambda _, rows: correct(rows),
    "race": lambda study, _: race(trials(study, seeds=2)),
}


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], pd.DataFrame]:
    """Report -> the rows that it reads, of a study that has it."""

    @cache
    def made(study: str) -> pd.DataFrame:
        place = tmp_path_factory.mktemp(study)
        return population(members(8), place) if study == "population" else table(trials(study, seeds=2), place)

    def of(name: str) -> pd.DataFrame:
        reads = find("report", name).reads
        study = reads if reads == "population" else STUDIES.get(name, "sigma_sweep")
        return MADE.get(reads, lambda _, rows: rows)(study, made(study))

    return of


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_right_for_a_paper(name: str, rows: Callable[[str], pd.DataFrame]) -> None:
    report: Report = find("report", name)
    assert report.draw is not None
    points = report.points(rows(name))
    with at_venue("icml"), style():
        figure = report.draw(points)
        FigureCanvasAgg(figure).draw()
        assert figure.get_figwidth() in (column_width(), text_width())
    assert not [text for text in _texts(figure) if re.search(r"\b(sigmas?|epsilon)\b", text.get_text())]
    cut = [text.get_text() for text in _texts(figure) if not _inside(text, figure)]
    assert not cut, f"{cut} are cut"
    caption = report.caption(points)
    if _has_bars(figure):
        assert re.search(r"(standard deviation|interval|quartile)s? ?\([^)]*\bbars\b", caption), caption
    if any(isinstance(c, FillBetweenPolyCollection) for axis in figure.axes for c in axis.collections):
        assert re.search(r"(standard deviation|interval)s? ?\([^)]*\bbands\b", caption), caption


def _texts(figure: Figure) -> list[Text]:
    """The texts that are drawn: without those of ticks beyond the limits of their axis."""
    beyond = set[Text]()
    for axis in (a for axes in figure.axes for a in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        margin = 1e-6 * (high - low)
        ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        out = [tick for tick in ticks if not low - margin <= tick.get_loc() <= high + margin]
        beyond |= {label for tick in out for label in (tick.label1, tick.label2)}
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip() and t not in beyond]


def _inside(text: Text, figure: Figure) -> bool:
    box, paper = text.get_window_extent(), figure.bbox.padded(2)
    return bool(paper.contains(box.x0, box.y0) and paper.contains(box.x1, box.y1))


def _has_bars(figure: Figure) -> bool:
    """Whether there are error bars, or lines that stand for intervals."""
    axes = [axis for axis in figure.axes if axis.get_label() != "<colorbar>"]
    errors = any(isinstance(c, ErrorbarContainer) for axis in axes for c in axis.containers)
    return errors or any(type(c) is LineCollection for axis in axes for c in axis.collections)
