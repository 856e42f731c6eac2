"""What there is by name, of every kind, without importing what takes seconds."""

import io
import json
import subprocess
import sys

import pytest
from rich.console import Console

from study.errors import UserError
from study.registry.lookup import names
from study.terminal import entries

HEAVY = ("torch", "ray", "mlflow", "pandas", "scipy", "matplotlib", "optuna")


def _shown(show: object, *arguments: str, **options: bool) -> str:
    text = io.StringIO()
    show(*arguments, Console(file=text, width=100, markup=False), **options)  # type: ignore[operator]
    return text.getvalue()


@pytest.mark.parametrize("which", entries.KINDS)
def test_every_name_of_a_kind_is_listed_and_can_be_shown(which: str) -> None:
    kind = entries.KINDS[which]
    listed = json.loads(_shown(entries.show_list, which, as_json=True))
    assert [each["name"] for each in listed] and all(each["about"] and each["kind"] == kind for each in listed)
    if kind != "corruption":
        assert [each["name"] for each in listed] == list(names(kind))
    assert listed[0]["name"] in _shown(entries.show_list, which)
    for each in listed if kind not in ("study", "report") else []:
        about, parameters = entries.described(kind, each["name"])
        assert about and all(p.name and p.type for p in parameters)


def test_parameters_have_ranges_and_defaults() -> None:
    parameters = {p.name: p for p in entries.described("method", "gnt")[1]}
    assert parameters["p_clean"] == ("p_clean", "float, at least 0, at most 1", "0.5")
    assert parameters["sigma"].type.startswith("float, at least 0, at most 10 or several of: float")
    assert "min E[CE" in _shown(entries.show_entry, "method", "gnt")


def test_a_name_is_found_in_all_kinds_and_a_wrong_one_is_one_line() -> None:
    assert entries.kind_of("gnt") == ("method", "gnt") and entries.kind_of("fog") == ("corruption", "fog")
    assert entries.kind_of("adversarial")[0] == "method"
    assert entries.kind_of("metric:adversarial") == ("metric", "adversarial")
    with pytest.raises(UserError, match="nothing called 'gtn'. Did you mean gnt"):
        entries.kind_of("gtn")
    with pytest.raises(UserError, match="there is no kind 'nets'"):
        _shown(entries.show_list, "nets")


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list"], ["list", "methods"], ["launch", "--help"], ["show", "noisymix_levels"]],
)
def test_help_and_lists_import_nothing_that_takes_seconds(arguments: list[str]) -> None:
    code = (
        f"import sys; sys.argv = ['study', *{arguments!r}]\n"
        "from study.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('imported:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("imported: []")
