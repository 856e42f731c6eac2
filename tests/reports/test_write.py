"""Files of a report: hostile labels stay text, the CSV is the points, the page is self-contained and accessible."""

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest

from reports.core.cells import cell, is_bold, is_worse, plain
from reports.core.page import ATTACHED, page
from reports.core.study_conclusion import Findings
from reports.core.write import FORMATS, Section, latex, markdown, write
from study.registry.lookup import find
from tests.support import table, trials

HOSTILE = "a|b_$%&<script>alert(1)</script>{x}^~\\y`#"
ABOUT: dict[str, Any] = {
    "findings": {"digits": Findings("GNT wins.", "All is settled.", "With 3 seeds, much is told apart.")},
    "title": "T", "questions": ["Q?"], "finished": 3, "total": 3, "missing": [], "failed": [],
    "studies": {"one": {"Code": "abc"}}, "links": {}, "steps": [], "settings": {}, "examples": {},
    "made": {"Date": "2026-11-21 02:47 UTC"},
}  # fmt: skip
LINK = "https://host.example/#/runs?a=%60b%60"
VOID = {"meta", "br", "img", "input", "link", "hr"}


class Seen(HTMLParser):
    """Tags with their attributes and all text; fails on tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open = "", list[str]()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"an attribute twice: {tag} {attrs}"
        self.tags.append((tag, dict(attrs)))
        self.open += [tag] if tag not in VOID else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of all elements of a kind."""
        return [attributes for found, attributes in self.tags if found == tag]


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
    about = {**ABOUT, "title": HOSTILE, "questions": [HOSTILE], "failed": failed, "missing": missing, "total": 20}
    about |= {"studies": {HOSTILE: {"Command": HOSTILE}}, "links": {HOSTILE: LINK}}
    about |= {"made": {"Date": HOSTILE, "Command": HOSTILE}}
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
    text = latex(pd.DataFrame({HOSTILE: [HOSTILE, "97.3 ± 0.4"], "B": ["x", "−1"], "C": ["", "1"]}), HOSTILE, "name")
    begun, ended = re.findall(r"\\begin\{(\w+)\}", text), re.findall(r"\\end\{(\w+)\}", text)
    assert r"\begin{tabular}{llr}" in text and begun == ["table", "tabular"] == ended[::-1]
    assert _unescaped(text, "{") == _unescaped(text, "}") and _unescaped(text, "$") % 2 == 0
    assert all(rule in text for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\label{tab:name}"))
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 3 and all(_unescaped(line, "&") == 2 for line in lines)
    assert not set("<>|%#") & set(re.sub(r"\\[%#]", "", body)) and _unescaped(body, "_") == 0
    assert r"97.3 $\pm$ 0.4" in body and "$-$1" in body
    assert r"a\textbar{}b\_\$\%\&\textless{}script\textgreater{}" in body
    assert r"\textasciicircum{}\textasciitilde{}\textbackslash{}y" in body


def test_the_written_latex_is_balanced_too(made: Path) -> None:
    for path in made.glob("*.tex"):
        text = path.read_text(encoding="utf-8")
        assert _unescaped(text, "{") == _unescaped(text, "}") and not set("±†") & set(text) and "script>" not in text


def test_the_page_escapes_and_loads_nothing(made: Path) -> None:
    text = (made / "index.html").read_text(encoding="utf-8")
    seen = Seen(text)
    assert seen.text.count(HOSTILE) > 8 and "<script>alert" not in text
    assert [a.get("type") for a in seen.all("script")] == [None] and not seen.all("link") and not seen.all("iframe")
    for tag, attributes in seen.tags:
        for name in ("src", "href", "xlink:href", "data", "srcset", "action", "poster"):
            value = attributes.get(name)
            followed = tag == "a" and value == LINK
            assert value is None or value.startswith(("#", "data:")) or followed, (tag, name, value)
        assert not any(name.startswith("on") for name in attributes)
    assert not re.search(r"@import|url\((?!['\"]?#)", text) and "fetch(" not in text
    assert set(re.findall(r"https?://[\w.]+", text)) == {"https://host.example"}


def test_the_pages_links_and_ids_work(made: Path) -> None:
    seen = Seen((made / "index.html").read_text(encoding="utf-8"))
    identities = [str(a["id"]) for _, a in seen.tags if "id" in a]
    assert len(identities) == len(set(identities))
    contents = [str(a["href"])[1:] for a in seen.all("a") if str(a["href"]).startswith("#")]
    sections = [a["id"] for a in seen.all("section")]
    assert contents == sections == ["incomplete", "accuracy_curve", "corruption_table", "run"]
    for _, attributes in seen.tags:
        named = [attributes.get(name) for name in ("aria-labelledby", "aria-describedby", "data-copy")]
        named += [value[1:] for value in (attributes.get("href"),) if value and value.startswith("#")]
        named += re.findall(r"url\(#([^)]+)\)", " ".join(value for value in attributes.values() if value))
        assert {name for name in named if name} <= set(identities)


def test_the_pages_tables_and_figures_are_labelled(made: Path) -> None:
    seen = Seen((made / "index.html").read_text(encoding="utf-8"))
    assert all(a.get("scope") in ("col", "row") for a in seen.all("th"))
    columns = [a for a in seen.all("th") if a["scope"] == "col"]
    rows = [a for a in seen.all("th") if a["scope"] == "row"]
    copies = [a for a in seen.all("button") if "data-copy" in a]
    assert len(seen.all("button")) == len(columns) + len(copies) and len(columns) > 6 and len(copies) == 4
    assert len(rows) == len(seen.all("tr")) - len(seen.all("table")) == len(seen.all("tr")) - 2
    assert len(seen.all("h1")) == 1 and seen.all("html") == [{"lang": "en"}]
    (figure,) = seen.all("svg")
    assert figure["role"] == "img" and str(figure["aria-label"]).startswith("Accuracy versus sigma. Top-1 accuracy")
    assert not seen.all("img")
    scrolled = [a for _, a in seen.tags if "scroll" in str(a.get("class", "")).split()]
    assert len(scrolled) == 3 and all(a["tabindex"] == "0" and a["aria-label"] and a["role"] for a in scrolled)


def test_the_page_carries_the_tables_for_papers(made: Path) -> None:
    seen = Seen((made / "index.html").read_text(encoding="utf-8"))
    for name in ("accuracy_curve", "corruption_table"):
        for form in ("tex", "md"):
            assert (made / f"{name}.{form}").read_text(encoding="utf-8") in seen.text
    links = {str(a["download"]): str(a["href"]) for a in seen.all("a") if "download" in a}
    assert set(links) == {"accuracy_curve.csv", "accuracy_curve.pdf", "corruption_table.csv"}
    for name, link in links.items():
        assert b64decode(link.split(",", 1)[1]) == (made / name).read_bytes()


def test_large_files_stay_beside_the_page(tmp_path: Path) -> None:
    for size, count in ((ATTACHED, 1), (ATTACHED + 1, 0)):
        section = Section("a", "A", "C.", pd.DataFrame({"x": ["1"]}), files={"csv": b"1" * size})
        page(tmp_path / "index.html", [section], ABOUT)
        assert len(Seen((tmp_path / "index.html").read_text(encoding="utf-8")).all("a")) == 2 + count


def test_the_page_lists_what_is_missing_and_what_failed(made: Path, tmp_path: Path) -> None:
    seen = Seen((made / "index.html").read_text(encoding="utf-8"))
    assert "14 of 20 trials have no result yet:" in seen.text and "trial 0; trial 1; trial 2; and 11 more" in seen.text
    assert all(f"trial {index}" in seen.text for index in range(14))
    assert f"{HOSTILE}, seed 1: out of <memory>" in seen.text
    page(tmp_path / "index.html", [Section("a", "A", "C.", pd.DataFrame({"x": ["1"]}))], ABOUT)
    whole = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Not complete" not in whole and "no result yet" not in whole and "3 of 3 trials finished" in whole


def test_marks_show_in_every_format(tmp_path: Path) -> None:
    shown = pd.DataFrame(
        {
            "Training": [HOSTILE, cell("<b>", best=True)],
            "Clean": [cell("97.3 ± 0.4", best=True), cell("9.1 ± 0.2", worse=True)],
            "E": [cell("", best=True, worse=True), "1"],
        }
    )
    assert [is_bold(text) for text in shown["Clean"]] == [True, False]
    assert [is_worse(text) for text in shown["Clean"]] == [False, True]
    assert shown["Clean"].map(plain).tolist() == ["97.3 ± 0.4", "9.1 ± 0.2"] and shown["E"][0] == ""
    lines = markdown(shown).splitlines()
    assert lines[2].endswith("| **97.3 ± 0.4** |  |") and lines[3] == "| **&lt;b>** | 9.1 ± 0.2† | 1 |"
    text = latex(shown, "†: worse.", "name")
    assert r"\textbf{97.3 $\pm$ 0.4}" in text and r"\textbf{\textless{}b\textgreater{}}" in text
    assert text.count("textbf") == 2 and r"\begin{tabular}{lrr}" in text
    assert r"9.1 $\pm$ 0.2\rlap{$^\dagger$}" in text and r"\caption{$^\dagger$: worse.}" in text
    page(tmp_path / "index.html", [Section("a", "A", "C.", shown)], ABOUT)
    whole = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "<strong>97.3 ± 0.4</strong>" in whole and "<strong>&lt;b&gt;</strong>" in whole
    assert whole.count("<strong>") == 3 and not any("\ue000" in part for part in (whole, text, *lines))
    assert '<td class="r">9.1 ± 0.2<span class="worse">†</span>' in whole and Seen(whole).text.count("†") == 1
