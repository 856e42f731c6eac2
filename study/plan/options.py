"""The options of a launch, each declared once: its name, type, default, range and help.

The command line (`terminal.command_line`), what study.json stores, what `study resume` may change and what the engine
gives a trial all follow from the fields of `Options`. To add an option, add a field.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from search_spaces.core.space import ALGORITHMS, SCHEDULERS
from study.errors import UserError
from study.ledger.uri import MASK, absolute, mask
from study.plan.stored import decode, encode
from study.registry.signature import pair

Values = tuple[tuple[str, Any], ...]
"""--set's pairs, in order. A key given twice, or with a tuple, is a grid of its values."""


STUDY = "What is trained; without these as the study says"
SEARCH = "Search: settings chosen on validation images"
RACE = "Race: more seeds until it is sure"
RESOURCES = "Resources"
FAULTS = "Faults"
PLACES = "Where results go"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What an option is beside its name, type and default.

    decides: whether it changes which trials there are; such options make another study, so `resume` does not take them.
    resumable: whether `resume` takes it. stored: whether study.json keeps it. least, most: range. parse: text -> value,
    where a text is typed that is not the value itself. several: whether it may be given more than once. flag: its name
    on the command line. panel: under which heading `--help` shows it. choices: its values, where they are few. metavar:
    what stands for its value.
    """

    help: str
    decides: bool = False
    resumable: bool = True
    stored: bool = True
    least: float | None = None
    most: float | None = None
    why_most: str = ""
    parse: Callable[[str], Any] | None = None
    several: bool = False
    flag: str | None = None
    metavar: str | None = None
    panel: str | None = None
    choices: tuple[str, ...] = ()


def option(help: str, default: Any = None, **details: Any) -> Any:
    """Returns a field of `Options`. details: of its `Declaration`."""
    return field(default=default, metadata={"declaration": Declaration(help=help, **details)})


def seconds(text: str) -> float:
    """Returns the seconds that "90", "30s", "5m" or "1h" mean. Raises UserError for another text."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None:
        raise UserError(f"{text!r} is no time; write it as 30s, 5m or 1h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def listed(text: str) -> tuple[str, ...]:
    """Returns the names of a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a launch asks for beside the study's name. None keeps what the study, or the machine, says."""

    data: str | None = option(
        "Dataset: a name of `study list datasets`, or a file of your own.",
        decides=True, panel=STUDY, metavar="NAME",
    )  # fmt: skip
    data_root: Path | None = option("Folder that holds the dataset's files.", panel=STUDY, metavar="DIR")
    download: bool = option("Fetch the dataset if it is missing.", False, panel=STUDY)
    model: str | None = option(
        "Model: a name of `study list models`, or a file of your own.",
        decides=True, panel=STUDY, metavar="NAME",
    )  # fmt: skip
    values: Values = option(
        "Set an option: of the methods, the recipe, `model.*` or `data.*`, such as `--set lr=0.01`. Several values are "
        "a grid: `--set sigma=0.1,0.5`. Arms that sweep the key take it; `--set ARM.sigma=0.5` is for one arm.",
        (), decides=True, parse=pair, several=True, flag="set", metavar="KEY=VALUE", panel=STUDY,
    )  # fmt: skip
    seeds: int | None = option("Repetitions of every setting.", decides=True, least=1, panel=STUDY)
    epochs: int | None = option("Epochs of every trial.", decides=True, least=0, panel=STUDY)
    trials: int | None = option(
        "Run only the first so many trials now; the same launch without it goes on.", least=1, panel=STUDY
    )
    parents: Path | None = option(
        "Directory of the study whose models are fine-tuned, where a study does so.", panel=STUDY, metavar="DIR"
    )
    search: str | None = option(
        "How to choose settings. Validation images decide; the best alone are tested.",
        decides=True, panel=SEARCH, choices=ALGORITHMS,
    )  # fmt: skip
    samples: int | None = option("Settings that a search tries.", decides=True, panel=SEARCH)
    objectives: tuple[str, ...] = option(
        "What a search maximises, comma-separated: clean, corruption, ..., such as `--objectives clean,corruption`.",
        (), decides=True, parse=listed, panel=SEARCH, metavar="NAMES",
    )  # fmt: skip
    scheduler: str | None = option(
        "Stop trials early that do worse than others.", decides=True, panel=SEARCH, choices=SCHEDULERS
    )
    until_sure: bool = option(
        "Race: give seeds in rounds, drop what is significantly worse than the best, until one setting is left.",
        False, panel=RACE,
    )  # fmt: skip
    within: float | None = option(
        "End a race when all settings left are at most so many points worse than the best, such as `--within 1`.",
        least=0, panel=RACE,
    )  # fmt: skip
    max_seeds: int | None = option("Most seeds that a race gives a setting; 20 if not given.", least=3, panel=RACE)
    cpus_per_trial: float = option("CPU cores a trial gets.", 1.0, least=0.01, panel=RESOURCES)
    gpus_per_trial: float = option(
        "GPUs a trial gets; 0.25 runs four on one. 0 if not given.", 0.0, least=0, most=1,
        why_most="a trial computes on one GPU, so more would be reserved and stand idle", panel=RESOURCES,
    )  # fmt: skip
    max_concurrent: int | None = option(
        "Most trials at once; as many as the machine has room for if not given.", least=1, panel=RESOURCES
    )
    address: str | None = option(
        "A running Ray cluster to use, such as `auto`; `local` is a Ray of its own.", panel=RESOURCES, metavar="ADDRESS"
    )
    retries: int = option("New workers for a trial whose worker dies.", 2, least=0, panel=FAULTS)
    trial_timeout: float | None = option(
        "Seconds of work after which a trial counts as hung, and fails; none if not given.", least=0.1, panel=FAULTS
    )
    checkpoint_every: float = option(
        "How often a trial in training is stored, such as 30s or 5m; 0 is after every epoch.", 30.0,
        parse=seconds, panel=FAULTS, metavar="TIME",
    )  # fmt: skip
    output: Path | None = option(
        "Directory of the study, continued if it holds this study; studies/NAME-... if not given.",
        resumable=False, stored=False, panel=PLACES, metavar="DIR",
    )  # fmt: skip
    storage: str | None = option(
        "Where nodes share no folder: a URI that all reach, such as s3://bucket/studies/NAME.",
        resumable=False, panel=PLACES, metavar="URI",
    )  # fmt: skip
    tracking_uri: str | None = option(
        "MLflow server or store, such as http://HOST:5000; an SQLite file beside the studies if not given.",
        panel=PLACES, metavar="URI",
    )  # fmt: skip

    def __post_init__(self) -> None:
        """Raises UserError for a value out of its range."""
        for each, declared in declarations(type(self)):
            value = getattr(self, each.name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            name = flag(each)
            if declared.least is not None and value < declared.least:
                raise UserError(f"{name} is {value:g}; it should be at least {declared.least:g}")
            if declared.most is not None and value > declared.most:
                why = f": {declared.why_most}" if declared.why_most else ""
                raise UserError(f"{name} is {value:g}; it should be at most {declared.most:g}{why}")


def declarations(options: type[Options], *, resumable: bool = False) -> Iterator[tuple[Field[Any], Declaration]]:
    """Yields each option's field and declaration, in order. resumable: only those that `study resume` takes."""
    for each in fields(options):
        declared: Declaration = each.metadata["declaration"]
        if not resumable or (declared.resumable and not declared.decides):
            yield each, declared


def flag(each: Field[Any]) -> str:
    """Returns an option's name on the command line."""
    return f"--{each.metadata['declaration'].flag or each.name.replace('_', '-')}"


def stored(options: Options) -> dict[str, Any]:
    """Returns the options as study.json keeps them: paths absolute, passwords masked, without what is the default."""
    record = {}
    for each, declared in declarations(type(options)):
        value = getattr(options, each.name)
        if declared.stored and value != each.default:
            record[each.name] = _plain(value)
    if options.tracking_uri is not None:
        record["tracking_uri"] = mask(absolute(options.tracking_uri))
    return record


def restored(record: Mapping[str, Any], changes: Mapping[str, Any], kind: type[Options] = Options) -> Options:
    """Returns the options that `stored` gave, with changes. Raises UserError where a password is needed again."""
    uri = record.get("tracking_uri")
    if uri is not None and MASK in uri and "tracking_uri" not in changes:
        raise UserError(f"{uri} needs its user and password again, which are not stored: add --tracking-uri")
    hints = get_type_hints(kind)
    names = {each.name for each, _ in declarations(kind)}
    values = {name: decode(value) for name, value in record.items() if name in names}
    paths = {name: Path(value) for name, value in values.items() if hints[name] == Path | None}
    return kind(**{**values, **paths, **changes})


def _plain(value: Any) -> Any:
    return str(value.absolute()) if isinstance(value, Path) else encode(value)
