"""Every report's LaTeX compiles, with booktabs and nothing else; figures carry their fonts as TrueType."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from reports.core.cells import cell
from reports.core.fit_table import fitted
from reports.core.paper import COLUMN, TEXT, kit
from reports.core.report import Report
from reports.core.style import column_width, text_width
from reports.core.write import Section, alignment, latex, write
from study.plan.contracts.made_up import correct, race
from study.registry.lookup import find, names
from tests.support import members, population, table, trials

STUDIES = {r: s for s in reversed(names("study")) for r in find("study", s).reports}
HOSTILE = "a|b_$%&<script>{x}^~\\y`#\"'[*]--- ± − ∞ ✓ ✗ ε* α σ ≤ ≥ × → … é †"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Section]]:
    """A folder with the LaTeX and the PDF of every report, and their sections."""
    sections = []
    made, rows = tmp_path_factory.mktemp("made"), dict[str, pd.DataFrame]()
    for name in names("report"):
        report: Report = find("report", name)
        study = report.reads if report.reads == "population" else STUDIES.get(name, "sigma_sweep")
        if study not in rows:
            place = tmp_path_factory.mktemp(study)
            whole = population(members(4), place) if study == "population" else table(trials(study, seeds=2), place)
            rows[study] = whole
        fitting = {"correct": correct, "race": lambda _, some=study: race(trials(some, seeds=2))}
        shown = fitting.get(report.reads, lambda table: table)(rows[study])
        section, _ = write(name, report, shown, made, ("tex", "pdf"))
        assert section is not None, name
        sections.append(section)
    return made, sections


@pytest.fixture(scope="module")
def folder(made: tuple[Path, list[Section]]) -> Path:
    return made[0]


@pytest.fixture(scope="module")
def sections(made: tuple[Path, list[Section]]) -> list[Section]:
    return made[1]


def test_every_table_compiles(folder: Path, tmp_path: Path) -> None:
    compiler = next((found for name in ("pdflatex", "tectonic") if (found := shutil.which(name))), None)
    if compiler is None:
        pytest.skip("needs pdflatex or tectonic")
    marked = [HOSTILE, cell("97.3 ± 0.4 *", worse=True), cell(HOSTILE, best=True)]
    hostile = pd.DataFrame({"[n]": ["[1]", "* 2", cell("[3] *", best=True)], HOSTILE: marked})
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.tex"))]
    assert len(texts) == len(names("report"))
    tables = "\n\\clearpage\n".join([*texts, latex(hostile, HOSTILE, "hostile")])
    document = (
        f"\\documentclass{{article}}\n\\usepackage{{booktabs}}\n\\begin{{document}}\n{tables}\n\\end{{document}}\n"
    )
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error"] if compiler.endswith("pdflatex") else []
    done = subprocess.run([compiler, *options, "all.tex"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").read_bytes().startswith(b"%PDF")


SIGNS = (
    "PGD ℓ∞", "σ ≠ 0", "x ∈ X", "L₂", "GNT′", "10⁻³", "∂", "thin\u2009space", "Ünïcode – “it’s” × 2°", "表 中文", "🎉️",
    "q\u0301\u0327 \u0301", "ϑ Ж א", "½ ﬁ Å ǖ ǭ", "zero\u200bwidth", "\ue001", "x\u0361y", "a" * 90, "[n]",
    "50% #1_{$}", "\x07\n\t", "Ω Θ ∑ √ ⇒ ≰",
)  # fmt: skip


@pytest.mark.parametrize("inches", [TEXT, COLUMN])
@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_the_kits_tables_fit(sections: list[Section], tmp_path: Path, engine: str, inches: float) -> None:
    """All reports' tables and one of hostile labels, wide and long, in one document; nothing sticks out above 1 pt."""
    if shutil.which(engine) is None:
        pytest.skip(f"needs {engine}")
    wide = pd.DataFrame(
        {"Training": SIGNS, "n": "3"} | {sign: cell("97.3 ± 0.4", sign == "L₂", True) for sign in SIGNS}
    )
    few = wide.head(2)
    tables = [(s.table, f"{s.caption} {s.title}.", s.name) for s in sections]
    tables += [(wide, f"{' '.join(SIGNS)}. {HOSTILE}", "wide"), (few, HOSTILE, "few")]
    body = "\\clearpage\n".join(fitted(table, said, name, inches, alignment) for table, said, name in tables)
    (tmp_path / "all.tex").write_text(
        f"\\documentclass{{article}}\\usepackage{{booktabs}}\\textwidth={inches}in\\hfuzz=1pt\\textheight=20in\n"
        f"\\begin{{document}}\n{body}\\end{{document}}\n",
        encoding="utf-8",
    )
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert [line for line in log.splitlines() if "Overfull \\hbox" in line or "Missing character" in line] == []


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_the_kits_document_compiles_as_it_lies(sections: list[Section], tmp_path: Path, engine: str) -> None:
    numbers = {
        "digits": {"Best": "50% σ ≠ 0 表", "Gain": "4.1", "Sentence": "It has 4.1 points & more."},
        "b": {"Sentence": "_"},
    }
    archive = kit(tmp_path / "paper", sections[:3], numbers)
    assert archive.name == "paper.zip" and archive.exists()
    text = (tmp_path / "paper" / "numbers.tex").read_text()
    assert "\\newcommand{\\StudyAGain}{4.1}" in text and "\\StudyBSentence" in text
    if shutil.which(engine) is None:
        pytest.skip(f"needs {engine}")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "main.tex"]
    done = subprocess.run(command, cwd=tmp_path / "paper", capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_figures_fit_columns_and_embed_truetype_fonts(folder: Path) -> None:
    """Type 3 fonts, matplotlib's default, are refused by submission systems."""
    figures = sorted(folder.glob("*.pdf"))
    assert figures
    for path in figures:
        content = path.read_bytes()
        assert b"/FontFile2" in content and b"/Type3" not in content, path.name
        boxes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) [\d.]+ \]", content)
        assert boxes and all(
            float(width) / 72 in (pytest.approx(column_width()), pytest.approx(text_width())) for width in boxes
        )
