"""Files of a report: hostile labels stay text, the page is self-contained, the CSV is the points."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from reports.core.write import FORMATS, Section, latex, markdown, page, write
from study.lookup import find
from tests.support import table, trials

HOSTILE = "a|b_$%&<script>alert(1)</script>{x}^~\\y`#"
ABOUT: dict[str, Any] = {"title": "T", "question": "Q?", "missing": [], "failed": [], "facts": {"Code": "abc"}}


class Seen(HTMLParser):
    """Tags with their attributes, and the text of each element kind."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    some = [t for t in trials("sigma_sweep", seeds=2) if t.arm != "GNT" or t.params["sigma"] in (0.0, 0.5)]
    hostile = [replace(t, arm=HOSTILE) if t.arm == "Speckle" else t for t in some]
    return table(hostile, tmp_path_factory.mktemp("results"))


@pytest.fixture(scope="module")
def made(rows: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report folder of a study with a hostile label, in every format."""
    folder = tmp_path_factory.mktemp("report")
    sections = [write(n, find("report", n), rows, folder, FORMATS)[0] for n in ("accuracy_curve", "corruption_table")]
    failed, missing = [(f"{HOSTILE}, seed 1", "out of <memory>")], [f"trial {i}" for i in range(14)]
    about = {**ABOUT, "title": HOSTILE, "failed": failed, "missing": missing, "facts": {"Command": HOSTILE}}
    page(folder / "index.html", [s for s in sections if s], about)
    return folder


def test_every_format_is_written_and_not_empty(made: Path) -> None:
    tables = {f"{n}.{e}" for n in ("accuracy_curve", "corruption_table") for e in ("md", "tex", "csv")}
    figures = {f"accuracy_curve.{e}" for e in ("png", "svg", "pdf")}
    assert {p.name for p in made.iterdir()} == tables | figures | {"index.html"}
    assert all(p.stat().st_size > 100 for p in made.iterdir())
    ElementTree.parse(made / "accuracy_curve.svg")


def test_only_the_formats_asked_for_are_written(rows: pd.DataFrame, tmp_path: Path) -> None:
    write("accuracy_curve", find("report", "accuracy_curve"), rows, tmp_path, ("csv", "png"))
    assert {p.name for p in tmp_path.iterdir()} == {"accuracy_curve.csv", "accuracy_curve.png"}


@pytest.mark.parametrize("name", ["accuracy_curve", "corruption_table"])
def test_the_csv_is_the_points(name: str, rows: pd.DataFrame, made: Path) -> None:
    points = find("report", name).points(rows)
    pd.testing.assert_frame_equal(pd.read_csv(made / f"{name}.csv"), points)


def test_the_same_rows_give_the_same_files(rows: pd.DataFrame, made: Path, tmp_path: Path) -> None:
    for name in ("accuracy_curve", "corruption_table"):
        write(name, find("report", name), rows, tmp_path, FORMATS)
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (made / path.name).read_bytes(), path.name


def test_markdown_keeps_its_columns_and_carries_no_markup() -> None:
    text = markdown(pd.DataFrame({"A": [HOSTILE, "two\nlines"], "B|C": ["1 *", "2"]}))
    lines = text.splitlines()
    assert len(lines) == 4 and lines[1] == "| --- | --- |"
    assert all(len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == 3 for line in lines)
    assert "<" not in text and lines[2].startswith("| a\\|b_\\$%&amp;&lt;script>") and lines[2].endswith("| 1 * |")


def _unescaped(text: str, character: str) -> int:
    return len(re.findall(rf"(?<!\\)(?:\\\\)*{re.escape(character)}", text))


def test_latex_is_balanced_and_its_special_characters_are_escaped() -> None:
    text = latex(pd.DataFrame({HOSTILE: [HOSTILE, "97.3 ± 0.4 *"], "B": ["x", "−1"], "C": ["", "1"]}), HOSTILE, "name")
    begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
    assert r"\begin{tabular}{llr}" in text and begun == ["table", "tabular"] == ended[::-1]
    assert _unescaped(text, "{") == _unescaped(text, "}") and _unescaped(text, "$") % 2 == 0
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:name}"))
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 3 and all(_unescaped(line, "&") == 2 for line in lines)
    assert not set("<>|%#") & set(re.sub(r"\\[%#]", "", body)) and _unescaped(body, "_") == 0
    assert r"97.3 $\pm$ 0.4$^{*}$" in body and "$-$1" in body
    assert r"a\textbar{}b\_\$\%\&\textless{}script\textgreater{}" in body
    assert r"\textasciicircum{}\textasciitilde{}\textbackslash{}y" in body


def test_the_written_latex_is_balanced_too(made: Path) -> None:
    for path in made.glob("*.tex"):
        text = path.read_text(encoding="utf-8")
        assert _unescaped(text, "{") == _unescaped(text, "}") and "±" not in text and "script>" not in text


def test_the_page_escapes_and_loads_nothing(made: Path) -> None:
    text = (made / "index.html").read_text(encoding="utf-8")
    seen = Seen(text)
    assert HOSTILE in seen.text and "<script>alert" not in text
    assert [tag for tag, _ in seen.tags].count("script") == 1
    for tag, attributes in seen.tags:
        for name in ("src", "href", "xlink:href", "data", "srcset"):
            value = attributes.get(name)
            assert value is None or value.startswith("#"), (tag, name, value)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|url\((?!['\"]?#)", text) and "fetch(" not in text


def test_the_pages_links_and_headers_work(made: Path) -> None:
    seen = Seen((made / "index.html").read_text(encoding="utf-8"))
    identities = [a["id"] for t, a in seen.tags if "id" in a and t == "section"]
    links = [str(a["href"])[1:] for t, a in seen.tags if t == "a" and "href" in a]
    assert links == identities == ["accuracy_curve", "corruption_table", "run"]
    headers = [a for t, a in seen.tags if t == "th"]
    buttons = [a for t, a in seen.tags if t == "button"]
    assert len(headers) == len(buttons) > 6 and all(a.get("scope") == "col" for a in headers)
    assert [t for t, _ in seen.tags].count("svg") == 1 and [t for t, _ in seen.tags].count("h1") == 1


def test_the_page_lists_what_is_missing_and_what_failed(made: Path, tmp_path: Path) -> None:
    seen = Seen((made / "index.html").read_text(encoding="utf-8"))
    assert "14 of the study's trials have no result yet: trial 0; trial 1" in seen.text and "and 2 more" in seen.text
    assert f"{HOSTILE}, seed 1: out of <memory>" in seen.text
    page(tmp_path / "index.html", [Section("a", "A", "C.", pd.DataFrame({"x": ["1"]}), None)], ABOUT)
    whole = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Not complete" not in whole and "no result yet" not in whole
