"""The page in a real browser: it sorts, copies, follows the colour scheme, and does not scroll sideways on a phone."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.core.page import page
from reports.core.study_conclusion import Findings
from reports.core.write import Section, write
from study.registry.lookup import find
from tests.browser import look, look_on_a_phone, need_browser, with_probe
from tests.support import table, trials

ABOUT: dict[str, Any] = {
    "findings": {"digits": Findings("GNT wins.", "All is settled.", "With 3 seeds, much is told apart.")},
    "title": "A study with a long title_that_has_no_space_in_it_anywhere_and_goes_on", "questions": ["Q?"],
    "finished": 3, "total": 3, "missing": ["a"], "failed": [("b", "x" * 200)],
    "studies": {"one": {"Command": "y" * 200}}, "links": {}, "steps": [], "settings": {}, "examples": {},
    "made": {"Date": "today"},
}  # fmt: skip
CELLS = pd.DataFrame(
    {"Name": ["b 10", "a", "b 9"], "Value": ["9.5 ± 0.1 *", "(10.2 ± 3.0)", "<0.001"], "p": ["", "2", "1"]}
)
WIDE = pd.DataFrame(
    {"Name": [f"row {i}" for i in range(5)], "Value": [f"{i}.0" for i in range(5)], "Same": ["7"] * 5}
    | {f"Column {i}": ["1.0 ± 0.1"] * 5 for i in range(20)}
)
PROBE = """
const cells = at => [...document.querySelectorAll("#small tbody tr")].map(row => row.cells[at].textContent.trim());
seen.orders = [];
for (const at of [1, 1, 1, 2, 0]) {
  const th = document.querySelectorAll("#small thead th")[at], button = th.querySelector("button");
  button.focus();
  seen.focused = document.activeElement === button;
  button.click();
  seen.orders.push([th.getAttribute("aria-sort"), cells(at)]);
}
seen.sorted = document.querySelectorAll("#small [aria-sort]").length;
const [filter, shades] = document.querySelectorAll("#wide .tools input");
filter.value = "ROW 3 1.0";
filter.dispatchEvent(new Event("input"));
seen.filtered = [[...document.querySelectorAll("#wide tbody tr:not([hidden])")].map(row => row.cells[0].textContent),
  document.querySelector("#wide .tools [role=status]").textContent];
filter.value = "";
filter.dispatchEvent(new Event("input"));
seen.all = document.querySelectorAll("#wide tbody tr:not([hidden])").length;
const colours = at => [...document.querySelectorAll("#wide tbody tr")].map(row => row.cells[at].style.background);
shades.click();
seen.shaded = [colours(0), colours(1), colours(2)];
shades.click();
seen.plain = colours(1);
seen.tools = document.querySelectorAll(".tools").length;
const wide = document.querySelector("#wide .table"), frame = wide.parentElement;
const more = () => frame.classList.contains("more");
await new Promise(resolve => setTimeout(resolve, 100));
seen.more = [more()];
wide.scrollLeft = 1e6;
wide.dispatchEvent(new Event("scroll"));
seen.more.push(more());
// As for pages from disk. The real one answers from another process, for which virtual time does not wait.
Object.defineProperty(navigator, "clipboard", { value: { writeText: () => Promise.reject(new Error("not allowed")) } });
document.querySelector("[data-copy]").click();
const root = document.documentElement;
seen.width = [root.scrollWidth, root.clientWidth];
seen.boxes = [...document.querySelectorAll(".scroll")].map(box => [box.scrollWidth, box.clientWidth]);
seen.paper = getComputedStyle(document.body).backgroundColor;
const label = document.querySelector("figure svg text, figure svg use");
seen.ink = getComputedStyle(label).fill;
await new Promise(resolve => setTimeout(resolve, 300));
seen.copied = document.querySelector(".take [role=status]").textContent;
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a figure and a wide table, and one with a small table; a script in it writes down what it sees."""
    need_browser()
    made = tmp_path_factory.mktemp("page")
    rows = table([t for t in trials("sigma_sweep", seeds=2) if t.arm == "GNT"][:8], made)
    section, _ = write("accuracy_curve", find("report", "accuracy_curve"), rows, made, ("html",))
    assert section is not None
    small = Section("small", "Small", "Caption.", CELLS, texts={"tex": "x"})
    wide = Section("wide", "Wide", "Caption.", WIDE)
    page(made / "page.html", [section, small, wide], ABOUT)
    with_probe(made / "page.html", PROBE)
    return made


def test_on_a_desktop(folder: Path) -> None:
    seen = look(folder / "page.html", "--window-size=1280,900", "--blink-settings=preferredColorScheme=1")
    assert seen["orders"] == [
        ["ascending", ["<0.001", "9.5 ± 0.1 *", "(10.2 ± 3.0)"]],
        ["descending", ["(10.2 ± 3.0)", "9.5 ± 0.1 *", "<0.001"]],
        [None, ["9.5 ± 0.1 *", "(10.2 ± 3.0)", "<0.001"]],
        ["ascending", ["1", "2", ""]],
        ["ascending", ["a", "b 9", "b 10"]],
    ]
    assert seen["sorted"] == 1 and seen["focused"] and seen["copied"]
    assert (
        seen["width"][0] <= seen["width"][1] and seen["paper"] == "rgb(255, 255, 255)" and seen["ink"] == "rgb(0, 0, 0)"
    )


def test_tables_filter_shade_and_show_that_there_is_more(folder: Path) -> None:
    seen = look(folder / "page.html", "--window-size=1280,900")
    assert seen["filtered"] == [["row 3"], "1 of 5 rows"] and seen["all"] == 5
    names, values, same = seen["shaded"]
    assert names == same == [""] * 5 == seen["plain"] and len(set(values)) == 5
    assert [int(part.split("%")[0].split()[-1]) for part in values] == [4, 12, 20, 28, 36]
    assert seen["tools"] == 2 and seen["more"] == [True, False]


def test_on_a_dark_screen(folder: Path) -> None:
    seen = look(folder / "page.html", "--blink-settings=preferredColorScheme=0")
    assert seen["paper"] == "rgb(20, 24, 28)" and seen["ink"] == "rgb(230, 233, 236)"


def test_on_a_phone_the_boxes_scroll_and_the_page_does_not(folder: Path) -> None:
    seen = look_on_a_phone(folder / "page.html")
    assert seen["width"][1] <= 390 and seen["width"][0] <= seen["width"][1]
    figure, _, _, wide = seen["boxes"]
    assert wide[0] > wide[1] and figure[0] > figure[1] and all(client <= 390 for _, client in seen["boxes"])
