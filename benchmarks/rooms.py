"""Counts the rooms of study/ and the imports between them: `python -m benchmarks.rooms [ROOT]`.

A room is a module or a folder directly below study/. An arrow is a pair of rooms of which the first imports the
second, wherever in the file, but for annotations alone (under TYPE_CHECKING too, as reading the code needs it). A
circle is a pair of rooms that need each other, also by way of others.
"""

import argparse
import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

PACKAGE = "study"


def rooms(root: Path) -> dict[str, list[Path]]:
    """Returns room -> its files."""
    package = root / PACKAGE
    found: dict[str, list[Path]] = {}
    for path in sorted(package.rglob("*.py")):
        room = path.relative_to(package).parts[0].removesuffix(".py")
        if room != "__init__":
            found.setdefault(room, []).append(path)
    return found


def imported(path: Path, names: set[str]) -> Iterator[str]:
    """Yields the rooms that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        for parts in (module.split(".") for module in modules):
            if parts[0] == PACKAGE and len(parts) > 1 and parts[1] in names:
                yield parts[1]


def arrows(root: Path) -> set[tuple[str, str]]:
    """Returns the pairs (room, room that it imports)."""
    every = rooms(root)
    return {(a, b) for a, files in every.items() for path in files for b in imported(path, set(every)) if a != b}


def circle(pairs: set[tuple[str, str]]) -> list[str]:
    """Returns the rooms of one circle, [] where there is none."""
    graph: dict[str, set[str]] = {}
    for a, b in pairs:
        graph.setdefault(a, set()).add(b)
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def main() -> None:
    """Prints the counts, and each room with its lines and what it imports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parents[1])
    root = parser.parse_args().root
    every, pairs = rooms(root), arrows(root)
    lines = {room: sum(len(p.read_text(encoding="utf-8").splitlines()) for p in files) for room, files in every.items()}
    for room, files in every.items():
        needs = " ".join(b for a, b in sorted(pairs) if a == room)
        print(f"{room:16} {len(files):4} files {lines[room]:6} lines  {needs}")
    print(
        f"rooms {len(every)}, imports between them {len(pairs)}, circle {' -> '.join(circle(pairs)) or 'none'}, "
        f"lines {sum(lines.values())}"
    )


if __name__ == "__main__":
    main()
