"""Ray Tune's side of a search: passes the optimizer's trials on, and their ends back."""

from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.engine.optimizer import Optimizer
from study.ledger import results
from study.ledger.files import StorageError
from study.ledger.trial import Trial
from study.ledger.versions import versions
from study.work.trial_run import history_rows


class CandidateSearcher(Searcher):  # type: ignore[misc]
    """Suggests the optimizer's trials one by one. config: what Tune is to give an actor for a trial. broken: is told
    that nothing can be written any more, since Tune would take an error of ours for the trial's.

    Ray's own `Repeater` averages one objective only, and its `OptunaSearch` cannot be continued with stored studies.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        config: Callable[[Trial], dict[str, Any]],
        broken: Callable[[StorageError], None],
    ) -> None:
        super().__init__()
        self.optimizer, self.config, self.broken = optimizer, config, broken
        self.running: dict[str, Trial] = {}

    def suggest(self, trial_id: str) -> Any:
        """Returns the configuration of the next trial."""
        trial = self.optimizer.next()
        if trial is None:
            return Searcher.FINISHED
        self.running[trial_id] = trial
        return self.config(trial)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Records a trial that was stopped early, and settles the candidate if this was its last."""
        trial = self.running.pop(trial_id)
        if result is not None and "storage" in result:
            result = None
        try:
            self._settle(trial, result, failed=error or (result is not None and "failure" in result))
        except StorageError as refused:
            self.broken(refused)

    def _settle(self, trial: Trial, result: dict[str, Any] | None, *, failed: bool) -> None:
        folder = self.optimizer.folder
        if result is not None:  # searchers hear of it before callbacks do, which fetch tables otherwise
            folder.fetch(folder.validation(trial.key), folder.trial(trial.key) / "checkpoint.pt")
        if result is not None and not failed and folder.state(trial.key) == "started":
            rows, seconds = history_rows(folder.trial(trial.key))
            facts = {"seconds": seconds, "versions": versions()}
            results.write(folder.stopped(trial.key), self.optimizer.name, trial, rows, facts)
        self.optimizer.settle(trial, failed=failed)

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its searchers in snapshots that are never read; what this one holds cannot be stored.
        return {}

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Does nothing: the study's directory is what a search is continued from."""
