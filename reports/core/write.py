"""Writes reports in the formats that papers and readers take: PNG, SVG, PDF, Markdown, LaTeX, CSV and one HTML page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from reports.core.report import Report
from reports.core.style import style

FORMATS = ("html", "md", "tex", "csv", "png", "svg", "pdf")
MARKS = {"✓", "✗", "-"}
"""What tables show for yes, no and not applicable."""
DEFAULT = ("html", "md", "tex", "csv", "png", "svg")


@dataclass(frozen=True)
class Section:
    """A report made: what the page shows of it."""

    name: str
    title: str
    caption: str
    table: pd.DataFrame
    svg: str | None


def write(
    name: str, report: Report, rows: pd.DataFrame, folder: Path, formats: Sequence[str]
) -> tuple[Section | None, dict[str, float]]:
    """Makes one report into `folder`, a file a format; returns its section and summary, None if no row fits it."""
    points = report.points(rows)
    if points.empty:
        return None, {}
    folder.mkdir(parents=True, exist_ok=True)
    table, caption = report.table(points), report.caption(points)
    texts = {
        "csv": points.to_csv(index=False),
        "md": f"## {report.title}\n\n{markdown(table)}\n{caption}\n",
        "tex": latex(table, caption, name),
    }
    for form in (f for f in formats if f in texts):
        (folder / f"{name}.{form}").write_text(texts[form], encoding="utf-8")
    svg = _figure(name, report, points, folder, formats) if report.draw else None
    return Section(name, report.title, caption, table, svg), (report.summary(points) if report.summary else {})


def page(path: Path, sections: Sequence[Section], about: Mapping[str, Any]) -> None:
    """Writes the one self-contained HTML page. about: title, question, facts (name -> text), missing, failed."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=jinja2.StrictUndefined
    )
    tables = {section.name: section.table.to_dict("split") for section in sections}
    text = environment.get_template("page.html").render(sections=sections, tables=tables, **about)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def markdown(table: pd.DataFrame) -> str:
    """Returns a table of text as a Markdown table, its characters as they are."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.to_numpy().tolist()]
    return "".join("| " + " | ".join(_escape(cell, _MARKDOWN) for cell in row) + " |\n" for row in rows)


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
            column_format="".join(_alignment(table[name]) for name in table),
        )
    )


def _alignment(column: "pd.Series[str]") -> str:
    """Returns LaTeX's letter for a column: marks in the centre, numbers to the right, words to the left."""
    if set(column) <= MARKS:
        return "c"
    return "r" if all(text[:1] in "+-−0123456789<" for text in column if text) else "l"


def _tex(text: object) -> str:
    return _escape(text, _TEX).replace(" *", "$^{*}$")


def _escape(text: object, replacements: Mapping[str, str]) -> str:
    return "".join(replacements.get(character, character) for character in str(text))


_MARKDOWN = {"|": "\\|", "\\": "\\\\", "<": "&lt;", "&": "&amp;", "$": "\\$", "`": "\\`", "\n": " "}
_TEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "\\": "\\textbackslash{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    "±": "$\\pm$",
    "−": "$-$",
    "ε": "$\\varepsilon$",
    "∞": "$\\infty$",
    "✓": "$\\surd$",
    "✗": "$\\times$",
}


def _figure(name: str, report: Report, points: pd.DataFrame, folder: Path, formats: Sequence[str]) -> str:
    """Saves the report's figure in the figure formats asked for, and returns it as inline SVG."""
    assert report.draw is not None
    with style():
        figure = report.draw(points)
        for form in (f for f in formats if f in ("png", "svg", "pdf")):
            metadata = {"Date": None} if form == "svg" else {"CreationDate": None} if form == "pdf" else None
            figure.savefig(folder / f"{name}.{form}", metadata=metadata)
        inline = StringIO()
        figure.savefig(inline, format="svg", transparent=True, metadata={"Date": None})
    text = inline.getvalue()
    return text[text.index("<svg") :]
