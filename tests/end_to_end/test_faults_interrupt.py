"""Ctrl-C at every stage of a launch: in order, in seconds, and the next command goes on."""

from collections.abc import Callable
from pathlib import Path

from study.ledger.folder import Folder
from tests.end_to_end.launches import Command, Ended, children, faulty, parents, run, table, times, undisturbed, waiting


def test_ctrl_c_at_every_stage(work: Path, scratch: Path) -> None:
    file, gates = faulty(work, "stage", '{"at": 0}', evaluate=["clean", "gated_metric.py"], reports=["gated_report.py"])
    directory = work / "stage"
    folder = Folder(directory)

    def stop(condition: Callable[[], object], what: str, *words: object, terminate: bool = False) -> Ended:
        command = Command(*(words or ("resume", directory)), scratch=scratch)
        command.until(condition, what)
        (command.terminate if terminate else command.interrupt)()
        ended = command.end(grace=30)
        assert ended.code == 130, f"{what}\n{ended.out}\n{ended.err}"
        assert ended.err == "" and "Traceback" not in ended.out and ended.left == () and ended.scratch == (), what
        assert f"`study resume {directory}` continues where it stopped" in ended.out
        return ended

    launch = ("launch", file, "--output", directory)
    stop((directory / "study.json").exists, "before Ray is up", *launch)
    assert folder.trial(folder.trials()[0].key).test == "pending"
    stop(lambda: waiting(gates, "go"), "in the first epoch")
    assert not list(directory.glob("trials/*/checkpoint.pt"))
    (gates / "go").touch()
    stop(lambda: waiting(gates, "evaluate"), "in the evaluation", terminate=True)
    (checkpoint,) = directory.glob("trials/*/checkpoint.pt")
    trained = checkpoint.stat().st_mtime_ns
    (gates / "evaluate").touch()
    stopped = stop(lambda: waiting(gates, "report"), "while the report is made")
    assert "1 of 1 trials finished" in stopped.out
    finished = times(directory)
    assert len(finished) == 1 and checkpoint.stat().st_mtime_ns == trained, "trained again"
    (gates / "report").touch()
    resumed = run("resume", directory, scratch=scratch, watch=True)
    assert resumed.code == 0 and resumed.listeners == frozenset(), "Ray was started for nothing"
    assert times(directory) == finished and (folder.report / "index.html").exists()
    assert table(directory).equals(undisturbed(file))
    assert [r.info.status for r in [*children(directory).values(), *parents(directory)]] == ["FINISHED"] * 2
