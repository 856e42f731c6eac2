"""An option is declared once: the command line, the stored launch, resume and the engine follow."""

import json
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from study.engine.tune import Bench
from study.errors import UserError
from study.ledger.folder import Folder
from study.plan.options import Options, declarations, flag, option, restored, seconds, stored
from study.terminal.command_line import with_options
from tests.support import digits


@dataclass(frozen=True, kw_only=True)
class More(Options):
    """The launch's options and one more: all that it takes to add one."""

    patience: int = option("Epochs without a gain.", 3, least=1)


def _typed(*arguments: str, options: type[Options] = More, resumable: bool = False) -> dict[str, Any]:
    """Returns what a command with the options is given for a command line."""
    heard: dict[str, Any] = {}

    def command(name: str, *, changes: dict[str, Any], dry: bool = False) -> None:  # noqa: ARG001
        heard.update(changes)

    app = typer.Typer()
    app.command()(with_options(command, options, resumable=resumable))
    result = CliRunner().invoke(app, ["study", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return heard


def test_one_more_field_is_an_option_everywhere(tmp_path: Path) -> None:
    typed = _typed("--patience", "5")
    assert typed == {"patience": 5} == _typed("--patience", "5", resumable=True)
    options = More(**typed)
    record = json.loads(json.dumps(stored(options)))
    assert restored(record, {}, More) == options and restored(record, {"patience": 7}, More).patience == 7
    with pytest.raises(UserError, match="--patience is 0; it should be at least 1"):
        More(patience=0)
    bench = Bench(study="s", data=digits(), folder=Folder(tmp_path), options=options, scratch=tmp_path, listeners=())
    assert bench.config(trial="{}")["options"].patience == 5


def test_what_is_not_typed_is_left_to_the_study() -> None:
    assert _typed() == {}
    assert Options(**_typed()) == Options()


def test_every_kind_of_option_comes_through_the_command_line(tmp_path: Path) -> None:
    typed = _typed(
        "--data", "mnist", "--data-root", str(tmp_path), "--download", "--set", "sigma=0.1", "--set", "sigma=[1,2]",
        "--objectives", "clean, corruption", "--cpus-per-trial", "0.5", "--checkpoint-every", "5m", "--seeds", "4",
    )  # fmt: skip
    assert Options(**typed) == Options(
        data="mnist", data_root=tmp_path, download=True, values=(("sigma", 0.1), ("sigma", [1, 2])),
        objectives=("clean", "corruption"), cpus_per_trial=0.5, checkpoint_every=300.0, seeds=4,
    )  # fmt: skip


def test_resume_takes_nothing_that_would_make_another_study() -> None:
    resumable = {each.name for each, _ in declarations(Options, resumable=True)}
    assert {"retries", "tracking_uri", "checkpoint_every", "cpus_per_trial"} <= resumable
    assert not {"data", "model", "seeds", "epochs", "values", "search", "output", "storage"} & resumable


def test_every_option_has_its_help_and_a_name_of_its_own() -> None:
    flags = [flag(each) for each in fields(Options)]
    assert len(set(flags)) == len(flags) and all(how.help.endswith(".") for _, how in declarations(Options))


def test_help_shows_every_option_in_a_panel_with_its_choices() -> None:
    panels = dict.fromkeys(how.panel for _, how in declarations(Options))
    assert None not in panels and len(panels) == 6
    app = typer.Typer()
    app.command()(with_options(lambda *, changes: None))
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    titles = [line for line in shown.splitlines() if line.startswith("╭─ ")]
    assert all(any(str(panel) in title for title in titles) for panel in panels)
    text = " ".join(shown.replace("│", "").split())
    assert all(part in text for part in ("tpe|random|grid", "asha|median", "dies; 2 if not given."))


def test_what_is_stored_comes_back_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = Options(
        data_root=Path("data"), parents=Path("parents"), values=(("hidden", (1, 2)), ("mix", {"alpha": 0.2})),
        tracking_uri="sqlite:///mine.db", storage="s3://bucket/x", retries=0, output=Path("there"),
    )  # fmt: skip
    record = json.loads(json.dumps(stored(options)))
    monkeypatch.chdir("/")
    expected = replace(
        options, data_root=tmp_path / "data", parents=tmp_path / "parents", output=None,
        tracking_uri=f"sqlite:///{tmp_path / 'mine.db'}",
    )  # fmt: skip
    assert restored(record, {}) == expected


def test_two_gpus_a_trial_are_refused_with_the_reason() -> None:
    with pytest.raises(UserError, match="--gpus-per-trial is 2; it should be at most 1: a trial computes on one GPU"):
        Options(gpus_per_trial=2)
    assert Options(gpus_per_trial=0.25).gpus_per_trial == 0.25


@pytest.mark.parametrize(("text", "value"), [("30s", 30), ("90", 90), ("1.5m", 90), ("2h", 7200), ("0", 0)])
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "-3s"])
def test_what_is_no_time_is_one_line(text: str) -> None:
    with pytest.raises(UserError, match="is no time; write it as 30s, 5m or 1h"):
        seconds(text)
