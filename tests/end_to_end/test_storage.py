"""A study whose home is an object store goes on, on a machine that has never seen it."""

import shutil
from pathlib import Path

import pandas as pd
import torch

from study.ledger.folder import Folder
from tests.end_to_end.launches import Command, Ended, children, finished, run, table, times


def test_a_machine_that_is_lost_takes_nothing_with_it(
    work: Path, scratch: Path, tiny: tuple[Path, Ended], tmp_path: Path
) -> None:
    store, lost, new = tmp_path / "store", work / "lost", work / "found"
    home = Folder(store)
    launch = ("launch", work / "tiny.py", "--storage", store.as_uri())

    command = Command(*launch, "--output", lost, scratch=scratch)
    command.until(lambda: any(store.glob("trials/*/result.parquet")), "a table in the store")
    before = times(store)
    command.until(lambda: len(begun(home)) > 0, "another trial's checkpoint in the store")
    command.process.kill()
    command.end(grace=30)
    checkpoints = begun(home)
    shutil.rmtree(lost)

    ended = run(*launch, "--output", new, scratch=scratch)
    assert ended.code == 0, ended.err
    assert "4 of 4 trials finished" in ended.out
    alone = table(tiny[0])  # to which other tests may have added seeds
    pd.testing.assert_frame_equal(table(new), alone[alone["seed"] < 2].reset_index(drop=True))
    assert {name: at for name, at in times(store).items() if name in before} == before
    for key, history in checkpoints.items():  # epochs that were trained before are not trained again
        continued = torch.load(Folder(new).trial(key).checkpoint, weights_only=True)["history"]
        assert continued[: len(history)] == history
    assert set(children(new)) == {trial.key for trial in home.trials()}
    assert (store / "report" / "index.html").read_bytes() == (new / "report" / "index.html").read_bytes()


def begun(home: Folder) -> dict[str, list[dict[str, float]]]:
    """Returns the key and the history of every trial that has a checkpoint in the store and no table."""
    paths = [p for p in home.path.glob("trials/*/checkpoint.pt") if p.parent.name not in finished(home.path)]
    return {p.parent.name: torch.load(p, weights_only=True)["history"] for p in paths}
