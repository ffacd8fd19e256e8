"""The files of an evaluation of told classes, checked before anything is made of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.opening import read_json, read_regular
from stan_boundary.received_folder import check_inside
from stan_lightning.classification.baselines import BASELINES, LOGISTIC, LOOKED_UP
from stan_lightning.classification.metrics import metric_names
from stan_lightning.data.manifest import PARTITIONS
from stan_lightning.data.protocol import PROTOCOLS
from stan_lightning.evaluation.received import (
    INTERVALS,
    MOST_JSON,
    check_count,
    check_metric,
    check_plain,
    need,
    read_table,
)
from stan_lightning.evaluation.results import CLASSES, MOST_RECORDINGS

_MOST_CLASSES = 1_000


def tells_classes(file: Path) -> bool:
    """Whether a ``metrics.json`` is of a network that tells classes.

    Raises:
        InputError: It cannot be read.
    """
    numbers = read_json(read_regular(file, MOST_JSON), str(file), MOST_JSON)
    return isinstance(numbers, dict) and bool(numbers.get("classes"))


def read(folder: Path) -> tuple[dict[str, Any], pd.DataFrame]:
    """The numbers and the table of predictions.

    Raises:
        InputError: A file is missing or broken, leads elsewhere by a link, or holds what cannot be.
    """
    file = folder / "metrics.json"
    for name in ("metrics.json", "predictions.csv"):
        check_inside(folder / name, folder)
    numbers = read_json(read_regular(file, MOST_JSON), str(file), MOST_JSON)
    try:
        check_plain(numbers)
        _check(numbers)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        said = f"it lacks {error}" if isinstance(error, KeyError) else " ".join(str(error).split())[:120]
        raise InputError(
            f"{file} is no evaluation of this version ({said}): run the evaluation again"
        ) from None
    named = ("recording", "subject", "session", *CLASSES)
    return numbers, read_table(folder / "predictions.csv", named, MOST_RECORDINGS, CLASSES)


def _check(numbers: Mapping[str, Any]) -> None:
    need(numbers["partition"] in PARTITIONS and numbers["protocol"] in PROTOCOLS, "partition or protocol")
    need(numbers["intervals"] == INTERVALS, "intervals")
    classes = numbers["classes"]
    need(isinstance(classes, list) and 1 < len(classes) <= _MOST_CLASSES, "classes")
    need(
        all(isinstance(one, str) for one in (*classes, numbers["averaging"], numbers["label_rule"])),
        "classes",
    )
    need(numbers["positive"] in classes if len(classes) == 2 else numbers["positive"] is None, "positive")
    for name in ("video", "session"):
        _level(numbers[name], classes, name)
    for name in ("seen", "selected", "new"):
        if numbers[name] is not None or numbers["baselines"] is not None:
            _level(numbers[name], classes, name)
    check_metric({"value": numbers["dealt"]["brier"], "low": numbers["dealt"]["p"], "high": None}, "dealt")
    check_count(numbers["n_sessions_of_two_labels"], "n_sessions_of_two_labels")
    _baselines(numbers["baselines"], classes)
    _baselines((numbers["new"] or {}).get("baselines"), classes)
    for name, row in numbers["logistic"].items():
        need(name in LOGISTIC, "logistic")
        need(isinstance(row["reason"], str) if "reason" in row else type(row["nothing"]) is bool, "logistic")


def _baselines(found: Mapping[str, Any] | None, classes: Sequence[str]) -> None:
    if found is None:
        return
    need(set(LOOKED_UP) <= set(found) <= set(BASELINES), "baselines")
    for name, row in found.items():
        if row is None and name in LOGISTIC:
            continue
        _level(row, classes, name)
        extra = ["prevalence_difference"] if name in LOGISTIC else []
        for difference in ("accuracy_difference", "brier_difference", *extra):
            check_metric(row[difference], name)


def _level(row: Any, classes: Sequence[str], name: str) -> None:
    """The metrics of one level; where it has samples it has an accuracy and a Brier score."""
    check_count(row["n"], name)
    check_count(row["people"], name)
    for metric in metric_names(len(classes)):
        check_metric(row[metric], f"{name}.{metric}")
    need(row["n"] == 0 or all(row[one]["value"] is not None for one in ("accuracy", "brier")), name)
    need(list(row["by_class"]) == list(classes), f"{name}.by_class")
    for own in row["by_class"].values():
        check_count(own["n"], name)
        check_count(own["people"], name)
