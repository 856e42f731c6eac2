"""Trials that fail by themselves: each is told with its reason, none is repeated, and a resume tries them again."""

from pathlib import Path

from study.ledger.folder import Folder
from tests.end_to_end.launches import Ray, children, faulty, run, table, times, undisturbed

FAILURES = {
    "diverge": "DivergedError: the training loss became nan in epoch 2",
    "mistake": "ValueError: a mistake of two lines, at http://***@host/",
    "memory": "out of memory: ",
    "hang": "the trial took longer than 20 s (--trial-timeout), and was in _fail (faulty.py, line ",
}


def test_failures_of_a_trials_own_are_told_and_not_repeated(work: Path, scratch: Path, ray: Ray) -> None:
    space = '{"fault": Grid("none", "diverge", "mistake", "memory", "hang")}'
    file, gates = faulty(work, "own", space)
    directory = work / "own"
    folder = Folder(directory)
    ended = run("launch", file, "--output", directory, "--trial-timeout", 20, scratch=scratch, ray=ray)
    assert ended.code == 1 and ended.err == "" and ended.left == () and ended.scratch == ()
    assert "Traceback" not in ended.out and "raylet" not in ended.out
    assert "1 of 5 trials finished" in ended.out and ended.out.count("failed: ") == 4
    assert ended.out.count("retried: ") == 1, "the one that hung was ended with its worker; no other is tried again"
    reasons = {
        t.params["fault"]: folder.trial(t.key).failure_reason() for t in folder.trials() if t.params["fault"] != "none"
    }
    assert all(reasons[fault].startswith(reason) for fault, reason in FAILURES.items()), reasons
    runs = children(directory)
    failed = {t.key for t in folder.trials() if t.params["fault"] != "none"}
    assert {key for key, run in runs.items() if run.info.status == "FAILED"} == failed
    assert "s3cret" not in "".join(str(run.data.tags) for run in runs.values()) + ended.out
    assert "s3cret" not in "".join(path.read_text() for path in directory.glob("trials/*/failure.json"))
    assert "Not complete" in (folder.report / "index.html").read_text()
    finished = times(directory)
    assert len(finished) == 1

    (gates / "go").touch()
    resumed = run("resume", directory, scratch=scratch, ray=ray)
    assert resumed.code == 0 and "5 of 5 trials finished" in resumed.out
    assert finished.items() <= times(directory).items(), "a finished trial was trained again"
    assert table(directory).equals(undisturbed(file))
    assert {run.info.status for run in children(directory).values()} == {"FINISHED"}
    assert {k: r.info.run_id for k, r in children(directory).items()} == {k: r.info.run_id for k, r in runs.items()}
    assert "Not complete" not in (folder.report / "index.html").read_text()
