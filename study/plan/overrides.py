"""What a command line changes about a study."""

from dataclasses import dataclass, replace
from typing import Any

from search_spaces.core.space import Scheduler, Search, Study
from study.errors import UserError

Values = tuple[tuple[str, Any], ...]
"""--set's pairs, in order. A key given twice is a grid of its values."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Changes to a study; None keeps what the study says."""

    data: str | None = None
    model: str | None = None
    seeds: int | None = None
    epochs: int | None = None
    search: str | None = None
    samples: int | None = None
    objectives: tuple[str, ...] = ()
    scheduler: str | None = None
    values: Values = ()

    def apply(self, study: Study) -> Study:
        """Returns the study changed, but for the values, which `spec.Space` takes.

        Raises UserError where there is no search to change.
        """
        given = {"data": self.data, "model": self.model, "seeds": self.seeds}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if self.data not in (None, study.data):
            changed["data_options"] = {}
        recipe = {**study.recipe, **({} if self.epochs is None else {"epochs": self.epochs})}
        if self.epochs is not None:  # of every trial: no arm keeps its own
            changed["arms"] = tuple(
                replace(arm, space={k: v for k, v in arm.space.items() if k != "epochs"}) for arm in study.arms
            )
        if self.scheduler is not None:
            study = replace(study, scheduler=replace(study.scheduler or Scheduler(), algorithm=self.scheduler))
        search = replace(study.search or Search(), algorithm=self.search) if self.search else study.searching
        details: dict[str, Any] = {} if self.samples is None else {"samples": self.samples}
        details |= {"objectives": self.objectives} if self.objectives else {}
        if details and search is None:
            raise UserError(f"--{next(iter(details))} belongs to a search, and the study has none. Add --search tpe")
        if self.samples is not None and search is not None and search.algorithm == "grid":
            raise UserError("--samples is not for a grid, which has a number of its own. Add --search tpe or random")
        if search and (details or self.search):
            changed["search"] = replace(search, **details)
        return replace(study, recipe=recipe, **changed)
