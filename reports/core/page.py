"""The one HTML page of a report: self-contained, readable without a network, on paper, phones and dark screens."""

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from reports.core.cells import is_bold, is_worse, plain
from reports.core.inline import DARK_INK, DARK_PAPER, dark_colours
from reports.core.write import Section, alignment

ATTACHED = 200_000
"""Files of up to so many bytes are in the page as downloads."""
TYPES = {"csv": "text/csv;charset=utf-8", "pdf": "application/pdf"}
COPIES = {"tex": "LaTeX", "md": "Markdown"}


@dataclass(frozen=True)
class Download:
    """A file that the page carries: its name, the link with the content in it, and its size as text."""

    name: str
    link: str
    size: str


def page(path: Path, sections: Sequence[Section], about: Mapping[str, Any]) -> None:
    """Writes the page.

    about: title; questions; findings (dataset -> `study_conclusion.Findings`); steps (what to run next, each a
    `study.reporting.next_step.Step`); finished and total (numbers of trials); missing (names); failed (name, reason);
    studies (name -> facts, which are name -> text); links (name -> address of its runs);
    settings (name -> `study.reporting.about.Setting` of each); examples (dataset -> `study.reporting.pictures.Example`
    of each corruption); made (facts of this report).
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"is_bold": is_bold, "is_worse": is_worse, "plain": plain}
    text = environment.get_template("page.html").render(
        sections=sections,
        tables={section.name: section.table.to_dict("split") for section in sections},
        alignments={section.name: [alignment(section.table[name]) for name in section.table] for section in sections},
        downloads={section.name: list(_downloads(section)) for section in sections},
        copies=COPIES,
        dark=dark_colours([section.svg for section in sections if section.svg]),
        paper=DARK_PAPER,
        ink=DARK_INK,
        **about,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _downloads(section: Section) -> Iterator[Download]:
    """Yields the files of a section that are small enough to travel in the page."""
    for form, kind in TYPES.items():
        content = section.files.get(form)
        if content is not None and len(content) <= ATTACHED:
            link = f"data:{kind};base64,{b64encode(content).decode()}"
            yield Download(f"{section.name}.{form}", link, f"{max(1, len(content) // 1000)} kB")
