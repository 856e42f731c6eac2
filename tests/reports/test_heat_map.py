"""Heat maps: the number that colours a cell, the text that is written in it, and that it can be read."""

import numpy as np
from matplotlib.figure import Figure

from reports.core.heat_map import heat_map


def test_cells_have_colours_texts_and_names() -> None:
    axis = Figure().subplots()
    values = np.array([[0.0, 1.0, np.nan], [0.5, 0.1, 0.9]])
    texts = np.array([["a", "b", "c"], ["d", "", "f"]])
    image = heat_map(axis, values, texts, ["x", "y", "z"], ["top", "low"], cmap="gray", vmin=0, vmax=1)
    np.testing.assert_array_equal(np.ma.filled(image.get_array(), np.nan), values)
    written = {text.get_position(): (text.get_text(), text.get_color()) for text in axis.texts}
    assert written == {
        (0, 0): ("a", "white"), (1, 0): ("b", "black"), (2, 0): ("c", "black"), (0, 1): ("d", "black"),
        (2, 1): ("f", "black"),
    }  # fmt: skip
    assert [text.get_text() for text in axis.get_xticklabels()] == ["x", "y", "z"]
    assert [text.get_text() for text in axis.get_yticklabels()] == ["top", "low"]
    assert axis.get_ylim()[0] > axis.get_ylim()[1]
