"""A study whose home is an object store goes on, on a machine that has never seen it."""

import shutil
from pathlib import Path

import pandas as pd
import torch

from study.ledger.folder import Folder
from tests.end_to_end.launches import Command, Ray, children, faulty, finished, run, table, times, undisturbed, waiting


def test_a_machine_that_is_lost_takes_nothing_with_it(work: Path, scratch: Path, ray: Ray, tmp_path: Path) -> None:
    file, gates = faulty(work, "stored", '{"name": Grid("first", "second")}')
    store, lost, new = tmp_path / "store", work / "lost", work / "elsewhere"
    home = Folder(store)
    launch = ("launch", file, "--storage", store.as_uri())

    command = Command(*launch, "--output", lost, scratch=scratch, ray=ray)
    command.until(lambda: waiting(gates, "first") and waiting(gates, "second"), "both trials in their second epoch")
    (gates / "first").touch()
    command.until(lambda: times(store), "a table in the store")
    before = times(store)
    command.process.kill()
    command.end(grace=30)
    (begun,) = (path for path in store.glob("trials/*/checkpoint.pt") if path.parent.name not in finished(store))
    history = torch.load(begun, weights_only=True)["history"]
    shutil.rmtree(lost)

    (gates / "second").touch()
    ended = run(*launch, "--output", new, scratch=scratch, ray=ray)
    assert ended.code == 0, ended.err
    assert "2 of 2 trials finished" in ended.out
    pd.testing.assert_frame_equal(table(new), undisturbed(file))
    assert {key: at for key, at in times(store).items() if key in before} == before
    continued = torch.load(Folder(new).trial(begun.parent.name).checkpoint, weights_only=True)["history"]
    assert len(history) == 1 and continued[:1] == history, "an epoch that was trained before was trained again"
    assert set(children(new)) == {trial.key for trial in home.trials()}
    assert (store / "report" / "index.html").read_bytes() == (new / "report" / "index.html").read_bytes()
