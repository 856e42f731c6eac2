"""How-to pages as what a reader does with them: files to write, commands to type, and what these are said to print.

`python -m tests.docs.pages docs/how_to/PAGE.md` does all of it in an empty folder, and prints what the commands print.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\{code-block\} )?(\w*)\n(?::caption: (\S+)\n\n?)?(.*?)^```$", re.M | re.S)
RULES = re.compile(r"[─-╿]+")
"""What terminals draw lines with."""


@dataclass(frozen=True)
class File:
    """A file that the reader writes."""

    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command that the reader types. output: the lines that the page shows, of which "..." stands for others."""

    text: str
    output: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """The program and its arguments."""
        return shlex.split(self.text)


def steps(page: str) -> Iterator[File | Command]:
    """Yields what a page has a reader do, in its order: blocks with a caption are files, console blocks commands."""
    for _, language, caption, text in BLOCK.findall(page):
        if caption:
            yield File(caption, text)
        elif language == "console":
            for part in re.split(r"^\$ ", re.sub(r" \\\n +", " ", text), flags=re.M)[1:]:
                command, *output = part.rstrip("\n").split("\n")
                yield Command(command, tuple(line for line in output if line.strip()))


def plain(line: str, *, digits: bool = True) -> str:
    """Returns a printed line without its spacing. digits: whether numbers count; they are # where they do not."""
    line = " ".join(RULES.sub(" ", line).split())
    return line if digits else re.sub(r"\d+(\.\d+)?", "#", line)


def absent(command: Command, printed: str, *, digits: bool = True) -> list[str]:
    """Returns the lines that the page shows of a command and that it did not print. A shown "..." is anything."""
    whole = plain(" ".join(printed.splitlines()), digits=digits)
    parts = (part for line in command.output for part in line.split("..."))
    return [part for part in (plain(part, digits=digits) for part in parts) if part and part not in whole]


def perform(step: File | Command, folder: Path) -> str:
    """Does a step as a reader would, in the folder. Returns what it prints; raises where its status is not 0."""
    if isinstance(step, File):
        (folder / step.name).parent.mkdir(parents=True, exist_ok=True)
        (folder / step.name).write_text(step.text, encoding="utf-8")
        return ""
    study = [sys.executable, "-c", "from study.cli import main; main()"]
    words = {"study": study, "python": [sys.executable]}
    command = " ".join([*map(shlex.quote, words.get(step.words[0], [step.words[0]])), step.text.partition(" ")[2]])
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "120"},
    )  # fmt: skip
    assert done.returncode == 0, f"{step.text}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def main() -> None:
    """Does the pages that are named."""
    for page in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            for step in steps(Path(page).read_text(encoding="utf-8")):
                printed = perform(step, Path(folder))
                if isinstance(step, Command):
                    print(f"$ {step.text}\n{printed}")
                    print(*(f"!! {line}" for line in absent(step, printed, digits=False)), sep="\n", flush=True)


if __name__ == "__main__":
    main()
