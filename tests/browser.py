"""A page in headless Chromium: what a script in it sees."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
PHONE = """<!doctype html><body><iframe src="{page}" style="width:390px;height:800px;border:0"></iframe><pre></pre>
<script>addEventListener("message", event => {{ document.querySelector("pre").textContent = event.data; }});</script>
"""
"""Chromium's own window is never as narrow as a phone."""
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def need_browser() -> None:
    """Skips the test where there is no browser."""
    if not BROWSER:
        pytest.skip("needs Chromium or Chrome")


def with_probe(page: Path, script: str) -> None:
    """Puts a script at the end of a page; its object `seen` is what `look` returns. The script may await."""
    probe = f"""
const seen = {{}};
(async () => {{
{script}
}})().catch(error => {{ seen.error = String(error); }}).then(() => {{
  const text = JSON.stringify(seen);
  if (parent !== window) parent.postMessage(text, "*");
  else document.body.innerHTML = "<pre id=seen></pre>", document.getElementById("seen").textContent = text;
}});"""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</body>", f"<script>{probe}</script></body>"), encoding="utf-8")


def dumped(url: str, profile: Path, *flags: str, milliseconds: int = 5000) -> str:
    """Returns a page's elements as HTML, once so much of its own time has passed, in which it waits for no server."""
    command = [
        BROWSER, *FLAGS, f"--user-data-dir={profile}", f"--virtual-time-budget={milliseconds}", *flags, "--dump-dom",
        url,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=180, check=True).stdout


def texts(page: str) -> list[str]:
    """Returns the texts in a page's HTML, in order; those of one element stand alone."""
    shown = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return [text for part in re.split(r"<[^>]*>", shown) if (text := html.unescape(part).strip())]


def look(path: Path, *flags: str) -> dict[str, Any]:
    """Returns what the script of `with_probe` has seen."""
    page = dumped(path.as_uri(), path.parent / "profile", *flags)
    found = re.findall(r"<pre[^>]*>(\{.*?\})</pre>", page)
    assert len(found) == 1, page[-500:]
    seen: dict[str, Any] = json.loads(html.unescape(found[0]))
    assert "error" not in seen, seen["error"]
    return seen


def look_on_a_phone(path: Path) -> dict[str, Any]:
    """Returns what the script of `with_probe` has seen on a page that is as narrow as a phone."""
    phone = path.with_name("phone.html")
    phone.write_text(PHONE.format(page=path.name), encoding="utf-8")
    return look(phone, "--window-size=800,900")
