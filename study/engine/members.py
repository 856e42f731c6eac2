"""The worker process's side of a population: a member trains one interval a step, from any member's state."""

import json
import shutil
import time
from pathlib import Path
from typing import Any, NamedTuple

import torch

from study.engine.actor import SELECTING, Actor, place
from study.ledger import files, results
from study.ledger.folder import write_json
from study.ledger.headline import headline, marked
from study.ledger.state import State
from study.ledger.trial import Trial, with_values
from study.work.trial_run import TrialRun
from trainers.core.loop import DivergedError


class Point(NamedTuple):
    """A state: that of a member after so many epochs."""

    member: int
    epoch: int


class MemberActor(Actor):
    """Trains members of a population. Its config holds the values of the mutated parameters, and under "config" adds
    "member", "trial" (JSON of any member's, for all that is not mutated), "interval" and "objective".

    What a member did in an interval is noted in the study's directory. A step that finds its own note (a launch goes on
    where another ended) returns what the note says and trains nothing, so that the scheduler comes to know what it
    knew. Ray's checkpoints only say which state of which member is meant; the states are in the directory.
    """

    def take(self, config: dict[str, Any], values: dict[str, Any]) -> None:
        """Takes a member at its start; `load_checkpoint` may move it on."""
        self.config_of_member, self.member = config, config["member"]
        self.base = Trial.from_json(config["trial"])
        self.values = {name: values[name] for name in self.base.varied}
        self.at = Point(self.member, 0)

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Says which state this is."""
        write_json(Path(checkpoint_dir) / "state.json", list(self.at))

    def load_checkpoint(self, checkpoint: str) -> None:
        """Goes on from a state, whoever's it is."""
        self.at = Point(*json.loads((Path(checkpoint) / "state.json").read_text(encoding="utf-8")))

    def advance(self) -> dict[str, Any]:
        """Trains an interval, or reads that it is done; returns "score" (of the objective, on validation data)."""
        epochs = self.base.recipe["epochs"]
        end = Point(self.member, min(self.at.epoch + self.config_of_member["interval"], epochs))
        wanted = {"from": list(self.at), "values": self.values}
        note = self.home.member(*end).with_suffix(".json")
        record = files.read_json(note) if note.exists() else None
        try:
            if record is None or record["asked"] != wanted:
                record = self._train(end, wanted)
        except DivergedError:
            if end.epoch < epochs:
                # The worst there is: others are copied over it. If not, it tries again from where it was.
                return {"score": 0.0, "done": False}
            # Nobody will be copied any more: it ends here, without the table that would let it be chosen.
            record = {"asked": wanted, "score": 0.0, "points": [], "trial": json.loads(self._trial().to_json())}
            write_json(note, record)
        self.at = end
        trial = json.dumps(record["trial"])
        return {"score": record["score"], "epoch": end.epoch, "trial": trial, "done": end.epoch >= epochs}

    def _train(self, end: Point, wanted: dict[str, Any]) -> dict[str, Any]:
        trial, every = self._trial(), self.options.checkpoint_every
        run = TrialRun(trial, self.data, place(self.options), self._begin(trial, end), every)
        while run.fit.epoch < end.epoch:
            run.epoch()
        if not run.fit.done:
            run.save()  # the state that others may be copied from
        rows, facts = run.table(SELECTING)
        if run.fit.done:
            self.home.add([trial])
            self.home.write_json(self.home.trial(trial.key).becoming(State.STARTED), {"time": time.time()})
            results.write(self.home.trial(trial.key).becoming(State.VALIDATED), self.study, trial, rows, facts)
        record = {
            "asked": wanted,
            "score": headline(marked(rows))[self.config_of_member["objective"]],
            "points": run.history[self.at.epoch :],
            "trial": json.loads(trial.to_json()),
        }
        write_json(self.home.member(*end).with_suffix(".json"), record)
        self._record(trial)
        # Every member has left the interval before this one, or this one could not have begun.
        for past in self.home.member(self.member, 0).parent.iterdir():
            if past.is_dir() and int(past.name) < self.at.epoch:
                shutil.rmtree(past)
        return record

    def _begin(self, trial: Trial, end: Point) -> Path:
        """Returns the folder of this interval's state: as an earlier attempt left it, or as it starts."""
        here = self.home.member(*end)
        checkpoint = here / "checkpoint.pt"
        if checkpoint.exists():
            left = torch.load(checkpoint, weights_only=True, map_location="cpu")
            if left["trial"] == trial.key and len(left["history"]) > self.at.epoch:
                return here
            shutil.rmtree(here)
        if self.at.epoch:
            files.write(checkpoint, (self.home.member(*self.at) / "checkpoint.pt").read_bytes())
        return here

    def _trial(self) -> Trial:
        """Returns the trial that this interval continues: the whole way of its state, and these values from here on."""
        if not self.at.epoch:
            params, recipe = with_values(self.base.params, self.base.recipe, self.values)
            changes = {"arm": f"member {self.member}", "params": params, "recipe": recipe, "seed": self.member}
            return Trial.from_json(json.dumps({**json.loads(self.base.to_json()), **changes}))
        note = self.home.member(*self.at).with_suffix(".json")
        fields = files.read_json(note)["trial"]
        before = Trial.from_json(json.dumps(fields))
        fields["arm"] = f"member {self.member}"
        if before.values_at(self.at.epoch) != self.values:
            params, recipe = with_values(*before.at(self.at.epoch), self.values)
            fields["schedule"] = [*fields["schedule"], {"epoch": self.at.epoch, "params": params, "recipe": recipe}]
        return Trial.from_json(json.dumps(fields))

    def _record(self, trial: Trial) -> None:
        """Writes this member's own way as tidy rows: values and metrics by epoch, scores, whom it copied and when."""
        rows = []
        for note in sorted(self.home.member(self.member, 0).parent.glob("*.json")):
            interval = files.read_json(note)
            source, start = interval["asked"]["from"]
            if source != self.member:
                rows.append({"epoch": start, "metric": "source", "value": float(source)})
            for point in interval["points"]:
                numbers = {k: float(v) for k, v in {**point, **interval["asked"]["values"]}.items() if k != "epoch"}
                rows += [{"epoch": int(point["epoch"]), "metric": k, "value": v} for k, v in numbers.items()]
            rows.append({"epoch": int(note.stem), "metric": "score", "value": interval["score"]})
        path = self.home.population / f"{self.member:03}.parquet"
        results.write(
            path, self.study, trial, [{"benchmark": "population", "severity": self.member, **row} for row in rows], {}
        )
