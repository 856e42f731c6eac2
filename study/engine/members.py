"""The worker process's side of a population: a member trains one interval a step, from any member's state."""

import json
import shutil
import traceback
from pathlib import Path
from typing import Any, NamedTuple

import torch
from ray import tune

from study.datasets.core.data import Data
from study.engine.actor import SELECTING, reason
from study.ledger import files, results
from study.ledger.files import StorageError
from study.ledger.folder import Folder, write_json
from study.ledger.headline import headline, marked
from study.ledger.trial import Trial, with_values
from study.work.trial_run import Place, TrialRun
from trainers.core.loop import DivergedError


class Point(NamedTuple):
    """A state: that of a member after so many epochs."""

    member: int
    epoch: int


class MemberActor(tune.Trainable):  # type: ignore[misc]
    """Trains members of a population. Its config holds the values of the mutated parameters, and under "config" the
    rest: "member", "trial" (JSON of any member's, for all that is not mutated), "interval", "objective", "study",
    "folder" and "place".

    What a member did in an interval is noted in the study's directory. A step that finds its own note (a launch goes on
    where another ended) returns what the note says and trains nothing, so that the scheduler comes to know what it
    knew. Ray's checkpoints only say which state of which member is meant; the states are in the directory.
    """

    def setup(self, config: dict[str, Any], data: Data) -> None:
        """Takes the data onto this worker's device, and its first member."""
        self.data = data.to(torch.device(config["config"]["place"]["device"]))
        self.take(config)

    def take(self, config: dict[str, Any]) -> None:
        """Takes a member at its start; `load_checkpoint` may move it on."""
        told = config["config"]
        self.told, self.study, self.member = told, told["study"], told["member"]
        self.home, self.base = Folder(Path(told["folder"])), Trial.from_json(told["trial"])
        self.values = {name: config[name] for name in self.base.varied}
        self.at = Point(self.member, 0)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Takes another member, or other values, in the same process."""
        self.take(new_config)
        return True

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Says which state this is."""
        write_json(Path(checkpoint_dir) / "state.json", list(self.at))

    def load_checkpoint(self, checkpoint: str) -> None:
        """Goes on from a state, whoever's it is."""
        self.at = Point(*json.loads((Path(checkpoint) / "state.json").read_text(encoding="utf-8")))

    def step(self) -> dict[str, Any]:
        """Trains an interval, or finds it done; returns "score" (of the objective, on validation data) and "trial"."""
        epochs = self.base.recipe["epochs"]
        end = Point(self.member, min(self.at.epoch + self.told["interval"], epochs))
        asked = {"from": list(self.at), "values": self.values}
        note = self.home.member(*end).with_suffix(".json")
        found = json.loads(note.read_text(encoding="utf-8")) if note.exists() else None
        try:
            if found is None or found["asked"] != asked:
                found = self._train(end, asked)
        except StorageError as error:
            return {"score": 0.0, "done": True, "storage": str(error)}
        except DivergedError:
            if end.epoch < epochs:
                # The worst there is: others are copied over it. If not, it tries again from where it was.
                return {"score": 0.0, "done": False}
            # Nobody will be copied any more: it ends here, without the table that would let it be chosen.
            found = {"asked": asked, "score": 0.0, "points": [], "trial": json.loads(self._trial().to_json())}
            write_json(note, found)
        except torch.AcceleratorError:
            raise
        except Exception as error:  # noqa: BLE001  the boundary of the process: whatever it was is told, not lost
            return {"score": 0.0, "done": True, "failure": reason(error), "traceback": traceback.format_exc()}
        self.at = end
        return {
            "score": found["score"],
            "epoch": end.epoch,
            "trial": json.dumps(found["trial"]),
            "done": end.epoch >= epochs,
        }

    def _train(self, end: Point, asked: dict[str, Any]) -> dict[str, Any]:
        trial, place = self._trial(), Place(**self.told["place"])
        run = TrialRun(trial, self.data, place, self._begin(trial, end))
        while run.fit.epoch < end.epoch:
            run.epoch()
        rows, facts = run.table(SELECTING)
        if run.fit.done:
            results.write(self.home.validation(trial.key), self.study, trial, rows, facts)
        found = {
            "asked": asked,
            "score": headline(marked(rows))[self.told["objective"]],
            "points": run.history[self.at.epoch :],
            "trial": json.loads(trial.to_json()),
        }
        write_json(self.home.member(*end).with_suffix(".json"), found)
        self._record(trial)
        # Every member has left the interval before this one, or this one could not have begun.
        for past in self.home.member(self.member, 0).parent.iterdir():
            if past.is_dir() and int(past.name) < self.at.epoch:
                shutil.rmtree(past)
        return found

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
        fields = json.loads(note.read_text(encoding="utf-8"))["trial"]
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
            found = json.loads(note.read_text(encoding="utf-8"))
            source, start = found["asked"]["from"]
            if source != self.member:
                rows.append({"epoch": start, "metric": "source", "value": float(source)})
            for point in found["points"]:
                numbers = {k: float(v) for k, v in {**point, **found["asked"]["values"]}.items() if k != "epoch"}
                rows += [{"epoch": int(point["epoch"]), "metric": k, "value": v} for k, v in numbers.items()]
            rows.append({"epoch": int(note.stem), "metric": "score", "value": found["score"]})
        path = self.home.population / f"{self.member:03}.parquet"
        results.write(
            path, self.study, trial, [{"benchmark": "population", "severity": self.member, **row} for row in rows], {}
        )
