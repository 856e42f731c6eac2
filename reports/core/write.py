"""Writes reports in the formats that papers take: PNG, SVG, PDF, Markdown, LaTeX, CSV; `page` writes the HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG

from reports.core.cells import DAGGER, is_bold, is_worse, plain
from reports.core.inline import inline, prepare
from reports.core.report import Report
from reports.core.stats import benchmarks_text
from reports.core.style import style
from reports.core.tex import escape

FORMATS = ("html", "md", "tex", "csv", "png", "svg", "pdf")
FIGURES = ("png", "svg", "pdf")
MARKS = {"✓", "✗", "-"}
"""What tables show for yes, no and not applicable."""


@dataclass(frozen=True)
class Section:
    """A report made: what the page shows of it."""

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    svg: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    """Format -> the table in it."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Format -> a file for the page's downloads."""
    live: Mapping[str, Any] | None = None
    """What the page draws the figure from where scripts run (`reports.core.gain_data`)."""


def write(
    name: str, report: Report, rows: pd.DataFrame, folder: Path, formats: Sequence[str]
) -> tuple[Section | None, dict[str, float]]:
    """Makes one report into `folder`, a file a format; returns its section and summary, None if no row fits it.

    Raises TypeError, before anything is written, where the report's table is not of text alone.
    """
    points = report.points(rows)
    if points.empty:
        return None, {}
    table = report.table(points)
    _check(name, table)
    caption = report.caption(points) + (benchmarks_text(rows) if report.headline else "")
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "csv": points.to_csv(index=False),
        "md": f"## {report.title}\n\n{markdown(table)}\n{caption}\n",
        "tex": latex(table, caption, name),
    }
    for form in (f for f in formats if f in texts):
        (folder / f"{name}.{form}").write_text(texts[form], encoding="utf-8")
    svg = _figure(name, report, points, caption, folder, formats) if report.draw and _drawn(formats) else None
    pdf = folder / f"{name}.pdf"
    files = {"csv": texts["csv"].encode()} | ({"pdf": pdf.read_bytes()} if report.draw and "pdf" in formats else {})
    section = Section(name, report.title, caption, table, svg, texts, files)
    return section, (report.summary(points) if report.summary else {})


def markdown(table: pd.DataFrame) -> str:
    """Returns a table of text as a Markdown table, its characters as they are."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "".join("| " + " | ".join(_md(cell) for cell in row) + " |\n" for row in rows)


def latex(table: pd.DataFrame, caption: str, label: str) -> str:
    """Returns a table of text as a booktabs table in a float; needs \\usepackage{booktabs} and nothing else."""
    styled = table.map(_tex).rename(columns=_tex).style.hide(axis="index")
    return str(
        styled.to_latex(
            hrules=True,
            caption=_tex(caption),
            label=f"tab:{label}",
            position="t",
            position_float="centering",
            column_format="".join(alignment(table[name]) for name in table),
        )
    )


def alignment(column: "pd.Series[str]") -> str:
    """Returns LaTeX's letter (c, r or l) for a column: marks in the centre, numbers to the right, words to the left."""
    texts = [plain(cell) for cell in column]
    if set(texts) <= MARKS:
        return "c"
    return "r" if all(text[:1] in "+-−(∞0123456789<" for text in texts if text) else "l"


def _check(name: str, table: pd.DataFrame) -> None:
    """Raises TypeError where a table's cell or column name is no text: it would be printed with all its digits."""
    for column, cells in table.items():
        for text in (column, *cells):
            if not isinstance(text, str):
                raise TypeError(
                    f"the table of the report {name!r} has {text!r} of type {type(text).__name__} in its column "
                    f"{column!r}; every cell should be the text that is printed"
                )


def _md(cell: object) -> str:
    text = _escape(plain(cell), _MARKDOWN) + DAGGER * is_worse(cell)
    return f"**{text}**" if is_bold(cell) else text


def _tex(cell: object) -> str:
    text = escape(plain(cell))
    text = f"{{}}{text}" if text[:1] in ("[", "*") else text  # the row before ends with a command that would take it
    text += "\\rlap{$^\\dagger$}" * is_worse(cell)  # without width, so that the numbers of a column stay aligned
    return f"\\textbf{{{text}}}" if is_bold(cell) else text


def _escape(text: object, replacements: Mapping[str, str]) -> str:
    return "".join(replacements.get(character, character) for character in str(text))


_MARKDOWN = {"|": "\\|", "\\": "\\\\", "<": "&lt;", "&": "&amp;", "$": "\\$", "`": "\\`", "\n": " "}


def _drawn(formats: Sequence[str]) -> bool:
    return any(form in (*FIGURES, "html") for form in formats)


def _figure(
    name: str, report: Report, points: pd.DataFrame, caption: str, folder: Path, formats: Sequence[str]
) -> str | None:
    """Saves the report's figure in the figure formats asked for, and returns it for the page if that is."""
    assert report.draw is not None
    with style():
        figure = report.draw(points)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, alike in every format
        prepare(figure)
        # The canvases' own methods: `savefig` draws everything twice.
        if "png" in formats:
            FigureCanvasAgg(figure).print_png(folder / f"{name}.png")
        if "pdf" in formats:
            FigureCanvasPdf(figure).print_pdf(folder / f"{name}.pdf", metadata={"CreationDate": None})
        if "svg" not in formats and "html" not in formats:
            return None
        out = StringIO()
        FigureCanvasSVG(figure).print_svg(out, metadata={"Date": None})
    if "svg" in formats:
        (folder / f"{name}.svg").write_text(out.getvalue(), encoding="utf-8")
    return inline(out.getvalue(), name, f"{report.title}. {caption}") if "html" in formats else None
