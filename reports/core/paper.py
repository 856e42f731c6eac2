"""The kit for a paper: figures, tables that fit its text and its columns, numbers as macros, and a document of all."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_uppercase

from reports.core.fit_table import fitted
from reports.core.tex import escape, flowing
from reports.core.write import Section, alignment

TEXT, COLUMN = 5.5, 3.25
"""Inches of the text and of a column that tables fit."""
COMPONENTS = {
    "Augment": "Augmentations", "Mix": "Feature mixing", "Noise": "Noise injections", "Consistency": "JSD"
}  # fmt: skip
"""NoisyMix's components, in tables that have all four -> what its paper (Erichson et al. 2022) calls them."""
MAIN = r"""%% Shows all that is here; compiles as it lies, with pdflatex, xelatex or tectonic.
\documentclass{article}
\usepackage{graphicx,booktabs}
\setlength{\textwidth}{%gin}
\setlength{\oddsidemargin}{0in}
\setlength{\textheight}{9in}
\setlength{\topmargin}{-0.5in}
\input{numbers}
\begin{document}
%s
\clearpage
\input{figures}
\clearpage
\input{tables}
\clearpage
\section*{The same tables for a column of %gin}
\input{tables_column}
\end{document}
"""


def kit(folder: Path, sections: Sequence[Section], numbers: Mapping[str, Mapping[str, str]]) -> Path:
    """Writes the kit into `folder`, which is made anew, and beside it as a zip; returns the zip.

    numbers: dataset -> name -> text, as `reports.core.study_conclusion.printed_numbers` has it.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    texts = {
        "numbers": macros(numbers),
        "figures": "".join(_figure(section) for section in sections if "pdf" in section.files),
        "tables": _tables(sections, TEXT),
        "tables_column": _tables(sections, COLUMN),
        "main": MAIN % (TEXT, "\n\n".join(f"\\Study{letter}Sentence" for letter in _letters(numbers)), COLUMN),
    }
    for name, text in texts.items():
        (folder / f"{name}.tex").write_text(text, encoding="utf-8")
    for section in sections:
        if "pdf" in section.files:
            (folder / f"{section.name}.pdf").write_bytes(section.files["pdf"])
    return Path(shutil.make_archive(str(folder), "zip", folder.parent, folder.name))


def macros(numbers: Mapping[str, Mapping[str, str]]) -> str:
    """Returns a macro for each number, such as \\StudyGain; of several datasets \\StudyAGain, \\StudyBGain, ..."""
    lines = []
    for letter, (data, items) in zip(_letters(numbers), numbers.items(), strict=True):
        lines.append(f"% {' '.join(data.split())}")
        lines += [f"\\newcommand{{\\Study{letter}{name}}}{{{flowing(text)}}}" for name, text in items.items()]
    return "\n".join(lines) + "\n"


def _letters(numbers: Mapping[str, object]) -> list[str]:
    """Returns what tells the macros of datasets apart: letters, as TeX has no digits in names; "" for a single one."""
    if len(numbers) == 1:
        return [""]
    return [(ascii_uppercase[i // 26 - 1] if i > 25 else "") + ascii_uppercase[i % 26] for i in range(len(numbers))]


def _figure(section: Section) -> str:
    first, _, note = section.caption.partition(". ")
    below = f"\\par\\smallskip\n{{\\footnotesize\\raggedright {flowing(note)}\\par}}\n" if note else ""
    return (
        f"\\begin{{figure}}[tp]\n\\centering\\sloppy\n\\includegraphics{{{section.name}}}\n"
        f"\\caption{{{flowing(first.rstrip('.'))}.}}\\label{{fig:{section.name}}}\n{below}\\end{{figure}}\n\\clearpage\n"
    )


def _tables(sections: Sequence[Section], inches: float) -> str:
    suffix = "" if inches == TEXT else "_column"
    head = f"% Tables that fit {inches:g}in; \\usepackage{{booktabs}}\n"
    parts = []
    for section in sections:
        parts.append(f"% {escape(section.title)}\n")
        table = section.table.rename(columns=COMPONENTS if set(COMPONENTS) <= set(section.table) else {})
        parts.append(fitted(table, section.caption, f"{section.name}{suffix}", inches, alignment))
        parts.append("\\clearpage\n")
    return head + "".join(parts)
