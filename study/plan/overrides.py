"""What a command line changes about a study."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from search_spaces.core.space import Scheduler, Search, Study
from study.errors import UserError
from study.plan.options import Options
from study.registry.lookup import adopt


def changed(study: Study, options: Options) -> Study:
    """Returns the study as the options would have it, but for the --set values, which `space.Space` takes.

    Raises UserError where there is no search to change.
    """
    named = {"data": options.data, "model": options.model, "seeds": options.seeds}
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if options.data not in (None, study.data):
        changes["data_options"] = {}
    if options.epochs is not None:  # of every trial: no arm keeps its own
        changes["recipe"] = {**study.recipe, "epochs": options.epochs}
        changes["arms"] = tuple(
            replace(arm, space={k: v for k, v in arm.space.items() if k != "epochs"}) for arm in study.arms
        )
    if options.scheduler is not None:
        study = replace(study, scheduler=replace(study.scheduler or Scheduler(), algorithm=options.scheduler))
    return replace(study, **changes, search=_search(study, options))


def _search(study: Study, options: Options) -> Search | None:
    """Returns the study's search as the options would have it."""
    search = replace(study.search or Search(), algorithm=options.search) if options.search else study.searching
    details: dict[str, Any] = {} if options.samples is None else {"samples": options.samples}
    details |= {"objectives": options.objectives} if options.objectives else {}
    if details and search is None:
        raise UserError(f"--{next(iter(details))} belongs to a search, and the study has none. Add --search tpe")
    if options.samples is not None and search is not None and search.algorithm == "grid":
        raise UserError("--samples is not for a grid, which has a number of its own. Add --search tpe or random")
    return replace(search, **details) if search and (details or options.search) else study.search


def adopted(study: Study, beside: Path | None) -> Study:
    """Returns the study with its own methods, data, model, metrics and reports under the names that trials keep.

    beside: the folder of the study's file, in which its own code is looked for first. Raises UserError for what is
    neither ours nor there.
    """
    if isinstance(study.reports, str):
        raise UserError(f"reports is the text {study.reports!r}; a tuple of names is valid: ({study.reports!r},)")
    return replace(
        study,
        arms=tuple(replace(arm, method=adopt("method", arm.method, beside)) for arm in study.arms),
        data=adopt("dataset", study.data, beside),
        model=adopt("model", study.model, beside),
        evaluate={adopt("metric", name, beside): options for name, options in study.evaluate.items()},
        reports=tuple(adopt("report", name, beside) for name in study.reports),
    )
