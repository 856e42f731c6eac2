"""Our docstrings, which are plain text, as reStructuredText."""

import re
from collections.abc import Collection, Iterator

NAMES = re.compile(r"(\w+(?:, \w+)*): ")


def restructured(text: str, names: Collection[str] = ()) -> list[str]:
    """Returns the lines of a docstring as reStructuredText.

    A line that begins with some of `names` and a colon becomes an item of a list, and so does one with a dash.
    "Source:" begins a paragraph. What is indented as a whole, and what follows "Example:", is shown as it is.
    """
    lines: list[str] = []
    for paragraph in filter(str.strip, re.split(r"\n[ \t]*\n", text)):
        if paragraph.startswith("Example:"):
            lines += ["**Example**", "", ".. code-block:: python", "", *paragraph.splitlines()[1:], ""]
        elif all(line.startswith("    ") for line in paragraph.splitlines()):
            lines += ["::", "", *paragraph.splitlines(), ""]
        else:
            for block in _blocks(paragraph, names):
                lines += [block, ""]
    return lines


def _blocks(paragraph: str, names: Collection[str]) -> Iterator[str]:
    """Yields the items and paragraphs of which a paragraph consists, each on one line."""
    blocks: list[str] = []
    for line in paragraph.splitlines():
        start = NAMES.match(line)
        if start and set(start[1].split(", ")) <= set(names):
            blocks.append(f"- **{escaped(start[1])}**: {escaped(line[start.end() :].strip())}")
        elif line.lstrip().startswith("- "):
            blocks.append(f"- {escaped(line.strip()[2:])}")
        elif line.startswith("Source: "):
            blocks.append(f"**Source.** {escaped(line[8:].strip())}")
        elif blocks:
            blocks[-1] += f" {escaped(line.strip())}"
        else:
            blocks.append(escaped(line.strip()))
    yield from blocks


def escaped(text: str) -> str:
    """Returns text in which only `code` is marked up."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(f"`{part}`" if part.startswith("`") else re.sub(r"([\\*|_`])", r"\\\1", part) for part in parts)
