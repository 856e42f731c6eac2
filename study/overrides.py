"""What a command line changes about a study."""

from dataclasses import dataclass, replace
from typing import Any

from search_spaces.core.space import Study

Values = tuple[tuple[str, Any], ...]
"""--set's pairs, in order. A key given twice is a grid of its values."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Changes to a study; None keeps what the study says."""

    data: str | None = None
    model: str | None = None
    seeds: int | None = None
    epochs: int | None = None
    values: Values = ()

    def apply(self, study: Study) -> Study:
        """Returns the study with its data, model, seeds and epochs changed; `spec.resolve` takes the values."""
        given = {"data": self.data, "model": self.model, "seeds": self.seeds}
        changed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        recipe = {**study.recipe, **({} if self.epochs is None else {"epochs": self.epochs})}
        return replace(study, recipe=recipe, **changed)
