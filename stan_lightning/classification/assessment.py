"""One evaluation of told classes, from scored windows to its tables and numbers."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stan_boundary.errors import InputError
from stan_lightning.classification import tables
from stan_lightning.classification.logistic import logistic_baselines
from stan_lightning.data.protocol import overlap
from stan_lightning.evaluation.candidate import Candidate
from stan_lightning.evaluation.received import INTERVALS
from stan_lightning.evaluation.results import Evaluation
from stan_lightning.evaluation.tables import missing_recordings
from stan_lightning.runs.versions import versions

OF_SCORES = ("robustness", "gallery")
"""Keys of ``conf/evaluate.yaml`` that are for scores alone."""


def positive_of(asked: object, classes: list[str]) -> int:
    """Number of the positive class: the one that is asked for, else the last.

    Raises:
        InputError: There is none of that name.
    """
    if asked is None:
        return len(classes) - 1
    if str(asked) not in classes:
        raise InputError(f"positive={asked}: the network tells {', '.join(classes)}; name one of them")
    return classes.index(str(asked))


def refuse_other_kind(asked: Mapping[str, Any], classes: list[str] | None) -> None:
    """Refuse what is for scores alone, or for classes alone, before anything is scored.

    Args:
        asked: ``conf/evaluate.yaml``.
        classes: That the network tells; None where it gives scores.

    Raises:
        InputError: It is asked for.
    """
    if classes is None:
        if asked["positive"] is not None:
            raise InputError(f"positive={asked['positive']}: this network gives scores; leave it out")
        return
    positive_of(asked["positive"], classes)
    for name in OF_SCORES:
        if asked[name]:
            raise InputError(
                f"{name}=true is for networks that give scores; this one tells classes: leave it out"
            )


def assess(candidate: Candidate, windows: pd.DataFrame, partition: str, positive: int) -> Evaluation:
    """Tables and numbers.

    Args:
        candidate: The network, and the crops.
        windows: Each with its classes' probabilities.
        partition: Whose windows they are.
        positive: Number of the class that F1, sensitivity and specificity are of, where there are two.
    """
    classes, training, data = list(candidate.classes or ()), candidate.training, candidate.data
    recordings = data.tables[partition].assign(partition=partition)
    expected = pd.concat([recordings, data.missing[partition]])
    predictions = tables.predictions_table(windows, recordings, classes, training)
    told, fitted = logistic_baselines(data, partition, training, predictions["recording"])
    selected = set(data.tables["dev"]["subject"].astype(str))
    baselines = tables.baseline_table(predictions, training, told, classes, selected)
    missing = missing_recordings(expected, predictions)
    header = candidate.header | {"partition": partition}
    order = ("protocol", "partition", "checkpoint", "seed")
    numbers: dict[str, Any] = {name: header[name] for name in order}
    numbers["n_train_subjects"] = None if training is None else len(training.subjects)
    numbers |= {"classes": classes, "positive": classes[positive] if len(classes) == 2 else None}
    numbers |= {
        "averaging": tables.averaging(len(classes)),
        "level": "recording",
        "label_rule": tables.LABEL_RULE,
    }
    numbers |= tables.metrics(predictions, baselines, classes, positive)
    numbers["logistic"] = fitted
    numbers |= {"n_expected": len(expected), "n_missing": len(missing), "missing": missing}
    numbers["n_unlabelled"] = int((predictions["label"].fillna("").astype(str) == "").sum())
    numbers |= {name: value for name, value in header.items() if name not in order}
    numbers["synthetic"] = data.hparams["synthetic"]
    numbers["overlap"] = overlap(data.tables)
    numbers |= {"intervals": INTERVALS, "versions": versions()}
    return Evaluation(numbers, predictions, windows, baselines)
