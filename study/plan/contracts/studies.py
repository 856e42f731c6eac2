"""The contract of a study, see `search_spaces.core.space.Study`: it can be planned, and what it names can be tried."""

from typing import cast

from search_spaces.core.space import Study
from study.datasets.core.data import Data
from study.errors import UserError
from study.plan import trying
from study.plan.contracts.core.findings import Entry, Remark, named, require
from study.plan.contracts.made_up import FINGERPRINT
from study.plan.overrides import adopted
from study.plan.space import Space, data_options, resolve
from study.registry.lookup import find
from study.registry.sources import OwnCodeError
from study.work.trial_run import load_data

NO_DATA = "its dataset was not loaded, so that no method and no metric was tried"


def form(entry: Entry) -> None:
    """STUDY is a Study."""
    right = "Study(question=..., arms=(...), reports=(...)) of search_spaces.core.space is right"
    require(isinstance(entry.target, Study), f"it is of type {type(entry.target).__name__}; {right}")


def question(entry: Entry) -> None:
    """The question is one line."""
    text = entry.target.question
    require(bool(text.strip()) and "\n" not in text, f"its question is {text!r}; one line is right")


def arms(entry: Entry) -> None:
    """There are arms. (Two of one label are refused as the study is made.)"""
    require(bool(entry.target.arms), "it has no arm; Arm(method=..., label=...) is one")


def names_exist(entry: Entry) -> None:
    """Every method, model, dataset, metric and report that it names is there, and of the form of its kind."""
    study = _adopted(entry)
    for arm in study.arms:
        find("method", arm.method)
    for metric in study.evaluate:
        find("metric", metric)
    for report in study.reports:
        find("report", report)
    find("dataset", study.data)
    find("model", study.model)
    trying.forms(study)


def values(entry: Entry) -> None:
    """The values of its parameters are valid, how it searches is, and its settings can be told apart."""
    study = _adopted(entry)
    Space(study, FINGERPRINT).check()
    if not study.selects:
        resolve(study, FINGERPRINT)


def tries(entry: Entry) -> Remark | None:
    """Each method trains its model on its data, each metric measures that, and each report of its own can be made."""
    study, data = _adopted(entry), _data(entry)
    if data is None:
        return NO_DATA
    space = Space(study, data.fingerprint)
    firsts = [space.first(arm) for arm in space.arms]
    trying.steps(firsts, data)
    trying.reports(study, firsts, trying.measurements(firsts[0], data))
    return None


def _adopted(entry: Entry) -> Study:
    return adopted(cast(Study, entry.target), entry.beside)


def _data(entry: Entry) -> Data | None:
    """Returns the study's data, None where its files are not here."""
    study = _adopted(entry)
    options = data_options(study, ())
    try:
        return load_data(study.data, options, entry.root)
    except OwnCodeError:
        raise
    except UserError:
        return None


CHECKS = named(form, question, arms, names_exist, values, tries)
