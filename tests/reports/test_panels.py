"""Small multiples: their width, and a legend that leaves them their room."""

import pytest

from reports.core.panels import LONGEST, Panels
from reports.core.style import column_width, style, text_width


def test_a_single_panel_is_a_column_wide() -> None:
    assert [Panels(n, 3, 1.5).figure.get_figwidth() for n in (1, 2, 3)] == [column_width(), text_width(), text_width()]


@pytest.mark.parametrize("name", ["short", "a name that is too long for the empty place of a panel" * 3])
def test_a_long_name_does_not_take_the_panels_room(name: str) -> None:
    with style():
        panels = Panels(5, 3, 1.75, sharex=True)
        panels.axes[0].plot([0, 1], [0, 1], label=name)
        panels.label("x", "y")
        panels.figure.draw_without_rendering()
    assert all(axis.get_position().width > 0.2 for axis in panels.axes)
    legends = [*panels.figure.legends, *(a.get_legend() for a in panels.figure.axes if a.get_legend())]
    ((text,),) = (legend.get_texts() for legend in legends)
    assert len(text.get_text()) <= LONGEST and bool(panels.figure.legends) == (name != "short")
