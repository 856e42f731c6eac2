"""The documentation's site is built without a warning, and every link within it leads somewhere. No network is used."""

import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.deploy.test_manifests import commands
from tests.docs.pages import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = "study|trainers|reports|search_spaces|tests|benchmarks|deploy|docs"


class Page(HTMLParser):
    """What a page links to, and the places in it that links may name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = {"", "top"}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes the addresses and the identity of an element."""
        named = dict(attrs)
        self.links += [value for name in ("href", "src") if (value := named.get(name)) is not None]
        self.places |= {value for value in (named.get("id"), named.get("name")) if value}


def broken(site: Path) -> Iterator[str]:
    """Yields "page: link" for each link within a folder of pages that leads nowhere."""
    pages = {path.resolve(): Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = target in pages or not parts.fragment
            if (
                not target.exists()
                or not known
                or (target in pages and unquote(parts.fragment) not in pages[target].places)
            ):
                yield f"{path.relative_to(site.resolve())}: {link}"


def test_the_site_is_built_without_a_warning_and_its_links_hold(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is not installed: pip install -e .[docs]")
    site = tmp_path / "site"
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(tmp_path / "cache"),
        "docs",
        str(site),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(broken(site))
    text = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    assert not re.findall(r'<(?:script|img|link)[^>]*(?:src|href)="(?:https?:)?//[^"]*"', text)


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">1</a><a href="#x">2</a><a href="c.html">3</a><a href="//h/x">4</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"><a href="a.html">1</a><a href="b.html#there">2</a>')
    assert sorted(broken(tmp_path)) == ["a.html: #x", "a.html: c.html", "b.html: b.html#there"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_that_a_page_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(rf"`((?:{FOLDERS})/[\w/.*-]+)`", text)
    assert not [name for name in named if not any(ROOT.glob(name.rstrip("/")))]
    linked = [urlsplit(link).path for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)]
    missing = [name for name in linked if name and "reference/" not in name and not (path.parent / name).exists()]
    assert not missing


def test_every_question_has_a_command() -> None:
    text = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    questions = re.split(r"^### ", text, flags=re.M)[1:]
    assert len(questions) > 20
    assert not [question.partition("\n")[0] for question in questions if not commands(question)]
