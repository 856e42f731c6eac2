"""Figures inside a page: colours for both schemes, ids of their own, nothing loaded."""

import re
from io import StringIO
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from reports.core.inline import CONTRAST, DARK_INK, DARK_PAPER, contrast, dark_colours, inline, prepare
from reports.core.style import PALETTE, style


def _svg(figure: Figure, name: str = "a") -> ElementTree.Element:
    figure.draw_without_rendering()
    prepare(figure)
    out = StringIO()
    figure.savefig(out, format="svg")
    return ElementTree.fromstring(inline(out.getvalue(), name, 'Label <&"'))


def _painted(root: ElementTree.Element, text: str) -> set[str]:
    """The values of an attribute-like property in all styles."""
    return {found for e in root.iter() for found in re.findall(rf"\b{text}: ([^;]+)", e.get("style", ""))}


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # a known border case of WCAG
    assert contrast("#0072B2", "#0072B2") == 1


def test_every_colour_of_the_palette_shows_on_both_pages() -> None:
    shown = dark_colours([f"var(--x{colour[1:].lower()}, )" for colour in PALETTE])
    assert len(shown) == len(PALETTE) and shown["--x000000"] == DARK_INK
    assert all(contrast(colour, DARK_PAPER) >= CONTRAST for colour in shown.values())
    assert shown["--x56b4e9"] == "#56b4e9"  # light enough as it is


def test_greys_turn_and_dark_colours_are_lifted() -> None:
    shown = dark_colours(["var(--xffffff, #ffffff) var(--x440154, #440154)", "var(--x808080, #808080)"])
    assert shown["--xffffff"] == DARK_PAPER and contrast(shown["--x808080"], DARK_PAPER) > CONTRAST
    assert contrast("#440154", DARK_PAPER) < CONTRAST <= contrast(shown["--x440154"], DARK_PAPER)


def test_lines_and_texts_are_variables_that_say_their_own_colour() -> None:
    with style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1])
        axes.set_title("red", color="#ff0000")
        root = _svg(figure)
    assert "var(--x0072b2, #0072b2)" in _painted(root, "stroke") and "var(--xff0000, #ff0000)" in _painted(root, "fill")
    assert "fill: var(--x000000, #000000)" in root.attrib["style"]
    for value in _painted(root, "stroke") | _painted(root, "fill"):
        assert value == "none" or value.startswith(("var(--x", "url(#a-")), value


def test_what_lies_over_a_picture_keeps_its_colour() -> None:
    with style():
        figure = Figure()
        left, right = figure.subplots(1, 2)
        for axes in (left, right):
            axes.text(0, 0, "inside", color="#123456")
            axes.plot([0, 1], [0, 1], color="#654321")
            axes.text(-0.4, 0.5, "outside", color="#abcdef", transform=axes.transAxes)
        right.imshow(np.eye(3))
        root = _svg(figure)
    fills, strokes = _painted(root, "fill"), _painted(root, "stroke")
    assert {"#123456", "var(--x123456, #123456)"} <= fills and {"#654321", "var(--x654321, #654321)"} <= strokes
    assert "var(--xabcdef, #abcdef)" in fills and "#abcdef" not in fills
    (picture,) = (e for e in root.iter() if e.tag == "image")
    assert picture.attrib["href"].startswith("data:image/png;base64,")


def test_ids_start_with_the_name_and_references_find_them() -> None:
    with style():
        figures = [Figure() for _ in range(2)]
        for figure in figures:
            figure.subplots().plot([0, 1], "o-")
        roots = [_svg(figure, name) for figure, name in zip(figures, ("one", "two"), strict=True)]
    for root, name in zip(roots, ("one", "two"), strict=True):
        identities = [e.attrib["id"] for e in root.iter() if "id" in e.attrib]
        assert identities and len(set(identities)) == len(identities)
        assert all(identity.startswith(f"{name}-") for identity in identities)
        text = ElementTree.tostring(root, encoding="unicode")
        used = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
        assert used == set(identities) and "http" not in text and "<style" not in text
        assert root.attrib["role"] == "img" and root.attrib["aria-label"] == 'Label <&"'
