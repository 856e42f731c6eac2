"""The page in a real browser: it sorts, copies, follows the colour scheme, and does not scroll sideways on a phone."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from reports.core.page import page
from reports.core.study_conclusion import Findings
from reports.core.write import Section, write
from study.registry.lookup import find
from tests.browser import look, need_browser, with_probe
from tests.support import table, trials

ABOUT: dict[str, Any] = {
    "findings": {"digits": Findings("GNT wins.", "All is settled.", "With 3 seeds, much is told apart.")},
    "title": "A study with a long title_that_has_no_space_in_it_anywhere_and_goes_on", "questions": ["Q?"],
    "finished": 3, "total": 3, "missing": ["a"], "failed": [("b", "x" * 200)],
    "studies": {"one": {"Command": "y" * 200}}, "links": {}, "made": {"Date": "today"},
}  # fmt: skip
CELLS = pd.DataFrame(
    {"Name": ["b 10", "a", "b 9"], "Value": ["9.5 ± 0.1 *", "(10.2 ± 3.0)", "<0.001"], "p": ["", "2", "1"]}
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
PHONE = """<!doctype html><body><iframe src="page.html" style="width:390px;height:800px;border:0"></iframe><pre></pre>
<script>addEventListener("message", event => { document.querySelector("pre").textContent = event.data; });</script>
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
    wide = Section("wide", "Wide", "Caption.", pd.DataFrame({f"Column {i}": ["1.0 ± 0.1"] for i in range(20)}))
    page(made / "page.html", [section, small, wide], ABOUT)
    with_probe(made / "page.html", PROBE)
    (made / "phone.html").write_text(PHONE, encoding="utf-8")
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


def test_on_a_dark_screen(folder: Path) -> None:
    seen = look(folder / "page.html", "--blink-settings=preferredColorScheme=0")
    assert seen["paper"] == "rgb(20, 24, 28)" and seen["ink"] == "rgb(230, 233, 236)"


def test_on_a_phone_the_boxes_scroll_and_the_page_does_not(folder: Path) -> None:
    seen = look(folder / "phone.html", "--window-size=800,900")
    assert seen["width"][1] <= 390 and seen["width"][0] <= seen["width"][1]
    figure, _, _, wide = seen["boxes"]
    assert wide[0] > wide[1] and figure[0] > figure[1] and all(client <= 390 for _, client in seen["boxes"])
