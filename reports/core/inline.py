"""A figure as SVG inside a page: legible on white and on black, with ids of its own, loading nothing."""

import re
from xml.etree import ElementTree

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_hex, to_rgb
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

DARK_PAPER, DARK_INK = "#14181c", "#e6e9ec"
"""Colours of the dark page and of its text."""
CONTRAST = 3.0
"""Least contrast of lines and marks against the paper (WCAG 2.2, 1.4.11)."""
PINNED, GROUND = "pinned-", "ground-"
SVG, XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"
DROPPED = (f"{SVG}metadata", f"{SVG}style")
COLOUR = re.compile(r"#[0-9a-f]{6}\b")
REFERENCE = re.compile(r"#([A-Za-z][\w.-]*)")
LONG = re.compile(r"(\d+\.\d\d)\d+")


def prepare(figure: Figure) -> None:
    """Marks the parts of a figure that `inline` treats apart. The figure has been drawn before: its texts have places.

    They are its white grounds, and what is drawn over pictures and heat maps: that keeps its colours on every page,
    since what lies under it does.
    """
    figure.patch.set_gid(f"{GROUND}figure")
    number = 0
    for axes in figure.axes:
        over = _over(axes)
        for artist in over or [axes.patch]:
            artist.set_gid(f"{PINNED if over else GROUND}{number}")
            number += 1


def inline(text: str, name: str, label: str) -> str:
    """Returns a prepared figure's SVG file as an element of a page, with a text alternative; ids start with `name`.

    Colours become CSS variables that `dark_colours` defines, with themselves as the value where those are undefined.
    """
    root = ElementTree.fromstring(text[text.index("<svg") :])
    for parent in root.iter():
        for child in [c for c in parent if c.tag in DROPPED or c.get("id", "").startswith(GROUND)]:
            parent.remove(child)
    _paint(root, pinned=False)
    _identify(root, name)
    width, height = (float(root.attrib.pop(side).removesuffix("pt")) for side in ("width", "height"))
    root.set("style", f"aspect-ratio: {width:g} / {height:g}; --width: {width / 72:g}in; fill: {_variable('#000000')}")
    root.set("role", "img")
    root.set("aria-label", label)
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG)
    return ElementTree.tostring(root, encoding="unicode")


def dark_colours(texts: list[str]) -> dict[str, str]:
    """Returns CSS variable -> colour on the dark page, of all `inline` wrote: greys turned, dark colours lifted."""
    frame = sorted({colour for text in texts for colour in re.findall(r"var\(--x([0-9a-f]{6}),", text)})
    return {f"--x{colour}": _on_dark(f"#{colour}") for colour in frame}


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours, 1 to 21 (WCAG 2.2): (L1 + 0.05) / (L2 + 0.05) of relative luminances."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _on_dark(colour: str) -> str:
    """Returns what a colour of the white page is on the dark one."""
    red, green, blue = to_rgb(colour)
    if red == green == blue:
        ends = zip(to_rgb(DARK_INK), to_rgb(DARK_PAPER), strict=True)
        return str(to_hex([ink + red * (paper - ink) for ink, paper in ends]))
    share = 0.0
    while contrast(colour, DARK_PAPER) < CONTRAST:
        share += 0.02
        colour = str(to_hex([c + share * (1 - c) for c in (red, green, blue)]))
    return colour


def _backdrops(axes: Axes) -> list[Artist]:
    """Returns the pictures, heat maps and shadings of an axes."""
    return [*axes.images, *(c for c in axes.collections if isinstance(c, QuadMesh | ContourSet))]


def _over(axes: Axes) -> list[Artist]:
    """Returns what lies over the backdrops of an axes: all of its data, and the texts whose middle is on one."""
    backdrops = _backdrops(axes)
    if not backdrops:
        return []
    boxes = [backdrop.get_window_extent() for backdrop in backdrops]
    texts = [*axes.texts, *([legend] if (legend := axes.get_legend()) else [])]

    def inside(text: Artist) -> bool:
        box = text.get_window_extent()
        middle = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
        return axes.bbox.contains(*middle) and any(box.contains(*middle) for box in boxes)

    return [*axes.lines, *axes.patches, *axes.collections, axes.patch, *(text for text in texts if inside(text))]


def _variable(colour: str) -> str:
    return f"var(--x{colour[1:]}, {colour})"


def _paint(element: ElementTree.Element, *, pinned: bool) -> None:
    """Makes variables of the colours of an element and all in it, and shortens its numbers."""
    if not pinned and element.get("id", "").startswith(PINNED):
        pinned = True
        element.set("fill", "#000000")  # matplotlib leaves black text without a colour
    style = element.get("style")
    if style and not pinned:
        element.set("style", COLOUR.sub(lambda match: _variable(match[0]), style))
    if "d" in element.attrib:
        element.set("d", LONG.sub(r"\1", " ".join(element.attrib["d"].split())))
    for child in element:
        _paint(child, pinned=pinned)


def _identify(root: ElementTree.Element, name: str) -> None:
    """Puts the name before the ids that something refers to, and takes the others away."""
    used = {
        found
        for element in root.iter()
        for key, value in element.attrib.items()
        if key == f"{XLINK}href" or "url(" in value
        for found in REFERENCE.findall(value)
    }
    for element in root.iter():
        if (old := element.attrib.pop("id", None)) in used:
            element.set("id", f"{name}-{old}")
        for key, value in list(element.attrib.items()):
            if "url(#" in value:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
        if (target := element.attrib.pop(f"{XLINK}href", None)) is not None:
            element.set("href", f"#{name}-{target[1:]}" if target.startswith("#") else target)
