"""Ray Tune's side of a search: passes the optimizer's trials on, and their ends back."""

import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from ray.tune.search import Searcher

from study.engine.optimizer import Optimizer
from study.ledger import results
from study.ledger.files import StorageError
from study.ledger.state import State
from study.ledger.trial import Point, Trial
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
        self.points: dict[str, list[Point]] = defaultdict(list)
        """Tune's name of a trial -> its epochs, of which a trial that is stopped early leaves the table."""

    def suggest(self, trial_id: str) -> Any:
        """Returns the configuration of the next trial."""
        trial = self.optimizer.next()
        if trial is None:
            return Searcher.FINISHED
        self.running[trial_id] = trial
        return self.config(trial)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Notes a trial's epochs; those before an interruption come with the first result after it."""
        self.points[trial_id] += json.loads(result.get("points", "[]"))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Records a trial that was stopped early, and settles the candidate if this was its last."""
        trial = self.running.pop(trial_id)
        if result is not None:
            self.on_trial_result(trial_id, result)
        points = self.points.pop(trial_id, [])
        if result is not None and "storage" in result:
            result = None
        try:
            failed = error or (result is not None and "failure" in result)
            if result is not None and not failed:
                self._record(trial, points, result["seconds"])
            self.optimizer.settle(trial, failed=failed)
        except StorageError as refused:
            self.broken(refused)

    def _record(self, trial: Trial, points: list[Point], seconds: float) -> None:
        """Writes the table of a trial that its scheduler has stopped."""
        folder, place = self.optimizer.folder, self.optimizer.folder.trial(trial.key)
        folder.fetch(place.mark(State.VALIDATED), missing=True)  # searchers hear of it before callbacks do
        if place.selection is State.STARTED:
            table = place.becoming(State.STOPPED)
            facts = {"seconds": seconds, "time": time.time(), "versions": versions()}
            results.write(table, self.optimizer.name, trial, history_rows(points), facts)
            folder.keep(table)

    def __getstate__(self) -> dict[str, Any]:
        # Tune stores its searchers in snapshots that are never read; what this one holds cannot be stored.
        return {}

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Does nothing: the study's directory is what a search is continued from."""
