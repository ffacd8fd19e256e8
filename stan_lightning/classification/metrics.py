"""What told classes are worth: metrics with an interval that respects who was recorded.

Rates have the jackknife over people on the logit scale, with Student's t of people - 1. Where few people have
a class, what depends on it has none (`FEWEST_A_SIDE`). How often they hold the truth
`benchmarks/class_coverage.py` counts: they are cautious where people are few.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stan_lightning.evaluation.dealt import dealt
from stan_lightning.evaluation.intervals import CHANCE, FEWEST_PEOPLE, MEAN_ERROR, Metric, Scale, jackknifed
from stan_lightning.evaluation.statistics import mean_with_interval
from stan_lightning.training.class_metrics import (
    Classes,
    Floats,
    area,
    counts,
    f1_of_each,
    recall_of_each,
    squared_errors,
)

FEWEST_A_SIDE = 5
"""People with a class, and people without it, below whom what depends on that class has no interval."""
CHANCE_OF_ALL: Scale = replace(CHANCE, fewest=FEWEST_PEOPLE)
METRICS = ("accuracy", "macro_f1", "f1", "weighted_f1", "uar", "auc", "sensitivity", "specificity", "brier")
OF_TWO = ("f1", "sensitivity", "specificity")
"""Of the positive class of two; of more classes they are not there."""
_OF_EVERYBODY = ("accuracy", "brier")


@dataclass(frozen=True)
class Told:
    """Labelled samples with what was said of them.

    Attributes:
        truth: ``(N,)`` number of each one's class.
        probabilities: ``(N, C)``.
        subject: ``(N,)`` whom each shows.
    """

    truth: Classes
    probabilities: Floats
    subject: NDArray[np.str_]

    @property
    def called(self) -> Classes:
        """``(N,)`` the likeliest class; of equals the first."""
        found: Classes = self.probabilities.argmax(1)
        return found

    @property
    def right(self) -> Floats:
        """``(N,)`` 1 where the class is called, else 0."""
        found: Floats = (self.called == self.truth).astype(float)
        return found

    @property
    def errors(self) -> Floats:
        """``(N,)`` Brier's squared errors."""
        return squared_errors(self.truth, self.probabilities)


def metric_names(n_classes: int) -> tuple[str, ...]:
    """In the order of tables."""
    return METRICS if n_classes == 2 else tuple(name for name in METRICS if name not in OF_TWO)


def describe(told: Told, classes: Sequence[str], positive: int) -> dict[str, Any]:
    """All metrics of one level.

    Args:
        told: The samples.
        classes: Names.
        positive: Number of the class that `OF_TWO` are of.

    Returns:
        `n`, `people`, a `Metric` for each of `metric_names`, `confusion` (a row a class, a column a call) and
        `by_class`: of each class `n`, `people`, `recall` and `f1`. The mean F1 is over classes that labels or
        calls hold, mean recall and area over classes that labels hold.
    """
    n_classes = len(classes)
    names = metric_names(n_classes)
    confusion = counts(told.truth, told.called, n_classes)
    people = [len(set(told.subject[told.truth == one])) for one in range(n_classes)]
    found: dict[str, Any] = {"n": len(told.truth), "people": len(set(told.subject))}
    undefined: Metric = {"value": None, "low": None, "high": None}
    if not found["n"]:
        own = {name: {"n": 0, "people": 0, "recall": undefined, "f1": undefined} for name in classes}
        return found | dict.fromkeys(names, undefined) | {"confusion": confusion.tolist(), "by_class": own}
    held = np.flatnonzero(confusion.sum(0) + confusion.sum(1))
    have = np.flatnonzero(confusion.sum(1))

    def estimates(kept: NDArray[np.bool_]) -> dict[str, float]:
        part = Told(told.truth[kept], told.probabilities[kept], told.subject[kept])
        own = counts(part.truth, part.called, n_classes)
        f1, recall, share = f1_of_each(own), recall_of_each(own), own.sum(1) / own.sum()
        values = {
            "accuracy": float(part.right.mean()),
            "macro_f1": float(f1[held].mean()),
            "weighted_f1": float(np.nansum(f1 * share)),
            "uar": float(recall[have].mean()),
            "auc": area(part.truth, part.probabilities, have.tolist()) if len(have) > 1 else np.nan,
            "brier": float(part.errors.mean()),
            "f1": f1[positive],
            "sensitivity": recall[positive],
            "specificity": recall[1 - positive] if n_classes == 2 else np.nan,
        }
        each = {f"recall {one}": recall[one] for one in range(n_classes)}
        return (
            {name: values[name] for name in names} | each | {f"f1 {one}": f1[one] for one in range(n_classes)}
        )

    scales = {name: MEAN_ERROR if name == "brier" else CHANCE_OF_ALL for name in names}
    scales |= {f"{what} {one}": CHANCE_OF_ALL for what in ("recall", "f1") for one in range(n_classes)}
    known = jackknifed(estimates, told.subject, scales)
    least = min(_sides(told, int(one)) for one in have)
    for name in names:
        enough = name in _OF_EVERYBODY or least >= FEWEST_A_SIDE
        found[name] = known[name] if enough else {**known[name], "low": None, "high": None}
    found["confusion"] = confusion.tolist()
    found["by_class"] = {
        name: {
            "n": int(confusion[one].sum()),
            "people": people[one],
            **{what: _of_class(known[f"{what} {one}"], _sides(told, one)) for what in ("recall", "f1")},
        }
        for one, name in enumerate(classes)
    }
    return found


def _sides(told: Told, one: int) -> int:
    """The fewer of the people with a class and of those without it."""
    own = told.truth == one
    return min(len(set(told.subject[own])), len(set(told.subject[~own])))


def _of_class(metric: Metric, fewest: int) -> Metric:
    return metric if fewest >= FEWEST_A_SIDE else {**metric, "low": None, "high": None}


def dealt_to_others(told: Told, seed: int = 0) -> dict[str, float | None]:
    """The model's own predictions swapped between people, see `stan_lightning.evaluation.dealt`.

    Returns:
        `brier`, the score with another person's probabilities, and the one-sided `p`.
    """

    def apart(whose: NDArray[np.bool_]) -> Floats:
        given = [
            squared_errors(told.truth, np.tile(row, (len(told.truth), 1)))
            for row in told.probabilities[whose]
        ]
        found: Floats = np.mean(given, axis=0)
        return found

    brier, p = dealt(apart, told.subject, seed=seed)
    return {"brier": brier, "p": p}


def differences(one: Told, other: Told) -> dict[str, Metric]:
    """`accuracy_difference` and `brier_difference` of one less the other, paired by person."""
    return {
        "accuracy_difference": mean_with_interval(one.right - other.right, one.subject),
        "brier_difference": mean_with_interval(one.errors - other.errors, one.subject),
    }
