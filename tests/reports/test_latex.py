"""Every report's LaTeX compiles, with booktabs and nothing else; figures carry their fonts as TrueType."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from reports.core.cells import cell
from reports.core.report import Report
from reports.core.style import column_width, text_width
from reports.core.write import latex, write
from study.plan.contracts.made_up import correct, race
from study.registry.lookup import find, names
from tests.support import members, population, table, trials

STUDIES = {r: s for s in reversed(names("study")) for r in find("study", s).reports}
HOSTILE = "a|b_$%&<script>{x}^~\\y`#\"'[*]--- ± − ∞ ✓ ✗ ε* α σ ≤ ≥ × → … é †"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the LaTeX and the PDF of every report."""
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
        assert write(name, report, shown, made, ("tex", "pdf"))[0] is not None, name
    return made


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
