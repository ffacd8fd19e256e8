"""What told classes are worth: one definition for the selection on development and for every evaluation.

F1 and recall of a class are NaN where they are not defined; means over classes leave out those that neither
labels nor calls hold. Rates are shares, not per cent.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Classes = NDArray[np.intp]


def counts(truth: Classes, called: Classes, n_classes: int) -> NDArray[np.int64]:
    """The confusion matrix ``(C, C)``: recordings by their class (rows) and what they are called."""
    found = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(found, (truth, called), 1)
    return found


def f1_of_each(confusion: NDArray[np.int64]) -> Floats:
    """F1 of each class, ``(C,)``; NaN for one that no recording has and none is called."""
    both = confusion.sum(0) + confusion.sum(1)
    found: Floats = np.full(len(both), np.nan)
    np.divide(2.0 * confusion.diagonal(), both, out=found, where=both > 0)
    return found


def recall_of_each(confusion: NDArray[np.int64]) -> Floats:
    """The share of each class's recordings that are called so, ``(C,)``; NaN for one that none has."""
    have = confusion.sum(1)
    right = confusion.diagonal().astype(float)
    found: Floats = np.full(len(have), np.nan)
    np.divide(right, have, out=found, where=have > 0)
    return found


def area(truth: Classes, probabilities: Floats, which: Sequence[int] | None = None) -> float:
    """Area under the receiver operating characteristic.

    The share of pairs, one of a class and one of the rest, that the class's probability orders rightly; ties
    count half. Of more than two classes it is the mean over one class against the rest (not weighted).

    Args:
        truth: ``(N,)`` classes.
        probabilities: ``(N, C)``.
        which: Classes that the mean is over; None: those that have recordings, and others beside them.

    Returns:
        NaN where one of `which` is nobody's, or everybody's.
    """
    n_classes = probabilities.shape[1]
    have = np.bincount(truth, minlength=n_classes)
    if which is None:
        which = [one for one in range(n_classes) if 0 < have[one] < len(truth)]
    if n_classes == 2:
        which = [1]  # that of the other is the same
    each = [_one_against_the_rest(truth == one, probabilities[:, one]) for one in which]
    return float(np.mean(each)) if each else float("nan")


def _one_against_the_rest(own: NDArray[np.bool_], said: Floats) -> float:
    n_own, n_others = int(own.sum()), int((~own).sum())
    if not n_own or not n_others:
        return float("nan")
    ranks = rankdata(said)
    return float((ranks[own].sum() - n_own * (n_own + 1) / 2) / (n_own * n_others))


def squared_errors(truth: Classes, probabilities: Floats) -> Floats:
    """Brier's squared error of each recording, ``(N,)``: of two classes that of one, of more the sum of all.

    Source: Brier 1950; halved for two classes, as is usual, so that it lies between 0 and 1.
    """
    n_classes = probabilities.shape[1]
    found: Floats = ((probabilities - np.eye(n_classes)[truth]) ** 2).sum(1)
    return found / 2 if n_classes == 2 else found
