"""The direction of imports, from the source; and what the light commands load, from a process."""

import ast
import json
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from benchmarks.rooms import arrows, rooms
from study import ROOMS
from study.ledger.folder import Folder
from tests.support import table, trials

ROOT = Path(__file__).parents[2]
OURS = ("trainers", "search_spaces", "study", "reports")
HEAVY = {"ray", "torch", "mlflow"}


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, *, at_import: bool = False) -> set[str]:
    """Modules that a file imports; with at_import only what its own import needs (no functions, no type checking)."""
    found = set()
    pending: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                found.add(full if full in MODULES else str(node.module))
        if at_import and (
            isinstance(node, ast.FunctionDef) or isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        ):
            continue
        pending += ast.iter_child_nodes(node)
    return found


FILES = {_name(path): path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))}
MODULES = set(FILES)
IMPORTS = {name: _imports(path) for name, path in FILES.items()}


def _under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _importers(*packages: str) -> set[str]:
    return {name for name, imported in IMPORTS.items() if any(_under(i, *packages) for i in imported)}


def _strangers(package: str, *allowed: str) -> dict[str, set[str]]:
    """Modules of a package -> what they import beyond the standard library and what is allowed."""
    found = {
        name: {i for i in imported if i.split(".")[0] not in sys.stdlib_module_names and not _under(i, *allowed)}
        for name, imported in IMPORTS.items()
        if _under(name, package)
    }
    return {name: strangers for name, strangers in found.items() if strangers}


def test_the_walk_sees_the_packages() -> None:
    assert {"trainers.gnt", "study.engine.tune", "study.tracking.runs", "reports.core.write"} <= MODULES
    assert "ray" in IMPORTS["study.engine.tune"] and "trainers.core.loop" in IMPORTS["study.work.trial_run"]
    assert "study.tracking.runs" in IMPORTS["study.tracking.mirror"]  # inside a function
    assert "study.tracking.runs" not in _imports(FILES["study.tracking.mirror"], at_import=True)


def test_ray_is_imported_in_the_engine_alone() -> None:
    assert {name for name in _importers("ray") if not _under(name, "study.engine")} == set()


def test_mlflow_is_imported_in_tracking_alone() -> None:
    assert {name for name in _importers("mlflow") if not _under(name, "study.tracking")} == set()


def test_trainers_import_torch_alone() -> None:
    assert _strangers("trainers", "trainers", "torch", "annotated_types") == {}


def test_search_spaces_are_data() -> None:
    assert _strangers("search_spaces", "search_spaces") == {}


def test_reports_import_nothing_else_of_ours() -> None:
    assert _importers("trainers", "search_spaces", "study") & {n for n in MODULES if _under(n, "reports")} == set()
    assert _importers("torch") & {n for n in MODULES if _under(n, "reports")} == set()


PARTS = ("study.datasets", "study.models", "study.evaluation")


def test_what_a_trial_is_made_of_knows_nothing_of_the_platform() -> None:
    wrong = {
        name: found
        for name in MODULES
        if _under(name, *PARTS)
        if (found := {i for i in IMPORTS[name] if _under(i, "study", "reports", "search_spaces")
                      and not _under(i, *PARTS, "study.errors")})
    }  # fmt: skip
    assert wrong == {}


def test_nothing_imports_back_up() -> None:
    wrong = {
        name: found
        for depth, room in enumerate(ROOMS)
        for name in MODULES
        if _under(name, f"study.{room}")
        if (found := {i for i in IMPORTS[name] if _under(i, *(f"study.{above}" for above in ROOMS[:depth]))})
    }
    assert wrong == {}


def test_the_rooms_are_the_folders() -> None:
    assert rooms(ROOT).keys() == set(ROOMS)


def test_no_two_modules_of_the_platform_share_a_name() -> None:
    last = [
        name.rpartition(".")[2] for name, path in FILES.items() if _under(name, "study") and path.stem != "__init__"
    ]
    assert [name for name in last if last.count(name) > 1] == []


def test_rooms_are_few_and_seldom_need_one_another() -> None:
    assert len(ROOMS) <= 14 and len(arrows(ROOT)) <= 60


def test_no_module_needs_itself() -> None:
    graph = {name: _imports(path, at_import=True) & MODULES for name, path in FILES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)  # CycleError names a cycle


WATCH = """
import json, sys
from study.cli import main
try:
    main()
except SystemExit as end:
    status = end.code
print("\\n" + json.dumps([status, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def _loaded(*arguments: str, folder: Path) -> tuple[str, set[str]]:
    """What a command prints, and the top-level packages that it has loaded when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, *arguments], cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": "/"},
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    printed, last = done.stdout.rstrip().rsplit("\n", 1)
    status, modules = json.loads(last)
    assert status in (0, None), done.stdout
    return printed, set(modules)


@pytest.mark.parametrize(
    ("command", "says"),
    [("--help", "launch"), ("list", "sigma_sweep"), ("show sigma_sweep", "36 trials"), ("launch --help", "--dry-run")],
)
def test_light_commands_load_nothing_heavy(command: str, says: str, tmp_path: Path) -> None:
    printed, modules = _loaded(*command.split(), folder=tmp_path)
    assert says in printed and "typer" in modules
    assert modules & HEAVY == set()


def test_a_report_is_made_without_ray_torch_and_mlflow(tmp_path: Path) -> None:
    some = [t for t in trials("sigma_sweep", seeds=1) if t.arm == "GNT"][:3]
    facts = {
        "question": "?", "data": "digits", "fingerprint": "f", "reports": ["accuracy_curve"], "command": "study",
        "tracking_uri": "sqlite:///x", "commit": "unknown", "versions": {},
    }  # fmt: skip
    folder = Folder(tmp_path / "home")
    folder.claim("sigma_sweep", "id", some, facts)
    table(some, folder.trials_path)
    printed, modules = _loaded("report", "home", "--format", "csv,html", folder=tmp_path)
    assert "Accuracy versus sigma" in printed and "pandas" in modules
    assert modules & HEAVY == set()
    assert {p.name for p in folder.report.iterdir()} == {"accuracy_curve.csv", "index.html"}
