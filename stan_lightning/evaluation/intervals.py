"""95 % intervals over people: what an estimate would be without each of them in turn.

The delete-one-person jackknife with Student's t, on a scale on which the estimate is closer to normal. It is
exact and has no seed. Where few people carry most of the error, its spread is estimated from few: the degrees
of freedom shrink with the kurtosis of what each person changes. Percentile bootstrap intervals over as few
people as such corpora have are too narrow (`benchmarks/coverage.py`; its table is in docs/evaluation.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

LEVEL = 0.95
FEWEST_PEOPLE = 10
"""No interval and no verdict over fewer people."""

Floats = NDArray[np.float64]
Metric = dict[str, float | None]
"""``{"value", "low", "high"}``: the estimate and its 95 % interval, None where undefined."""

UNDEFINED: Mapping[str, None] = {"value": None, "low": None, "high": None}


@dataclass(frozen=True)
class Scale:
    """Where an estimate's interval is symmetric.

    Attributes:
        forth: To that scale, increasing.
        back: From it; infinite beyond its end.
        fewest: People below whom the interval does not hold what it says.
        uneven: Whether few people may carry most of the error.
    """

    forth: Callable[[Floats], Floats]
    back: Callable[[Floats], Floats]
    fewest: int = FEWEST_PEOPLE
    uneven: bool = True


def _inverse(power: float, fewest: int = FEWEST_PEOPLE) -> Scale:
    """Of sizes whose upper end is much less certain than the lower."""

    def back(value: Floats) -> Floats:
        return np.where(value < 0, np.abs(value) ** (-1 / power), np.inf)

    return Scale(lambda size: -(size**-power), back, fewest)


DIFFERENCE = Scale(np.asarray, np.asarray, uneven=False)
COEFFICIENT = replace(DIFFERENCE)
"""Of a regression: unlike a difference that is the same for everybody, one of a constant is not certain."""
MEAN_ERROR = _inverse(0.5)
ROOT_MEAN_SQUARE = _inverse(1.0, fewest=20)
RATIO = Scale(np.asarray, lambda ratio: np.maximum(ratio, 0))
SHARE = Scale(np.asarray, lambda share: np.minimum(share, 1))
"""Of R2."""
CORRELATION = Scale(np.arctanh, np.tanh, fewest=20)
RATE = Scale(lambda rate: np.arcsin(np.sqrt(rate)), lambda angle: np.sin(np.clip(angle, 0, np.pi / 2)) ** 2)
SLOPE = Scale(np.asarray, np.asarray, fewest=40)
POSITIVE_SLOPE = Scale(np.log, np.exp, fewest=40)
CHANCE = Scale(logit, expit, fewest=40, uneven=False)
"""Of an area under a curve."""
RATE_OF_SOME = replace(RATE, fewest=20)
"""Of F1, for which only those count who are above a cut-off or called so."""


def student(share: float, freedom: float) -> float:
    """Quantile of Student's t."""
    return float(stdtrit(freedom, share))


def interval(value: float, left_out: Floats, scale: Scale = DIFFERENCE) -> Metric:
    """An estimate with its interval.

    Args:
        value: From everybody; NaN where undefined.
        left_out: (S,) the same without each person.
        scale: Of the estimate.

    Returns:
        Without an interval where people are fewer than the scale's `fewest`, where the estimate is undefined
        without one of them or lies at the end of its scale (a correlation or a rate of 1), or where the data
        give it no end on one side.
    """
    if np.isnan(value):
        return dict(UNDEFINED)
    people = len(left_out)
    alone: Metric = {"value": float(value), "low": None, "high": None}
    if people < scale.fewest:
        return alone
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, values = scale.forth(np.asarray(value, np.float64)), scale.forth(left_out)
    if not np.isfinite(centre) or not np.isfinite(values).all():
        return alone
    moved = values - values.mean()
    error = float(np.sqrt((people - 1) / people * np.sum(moved**2)))
    if error <= 1e-12 * max(1.0, abs(float(centre))) and scale is not DIFFERENCE:
        return alone  # nobody changes it: a rate of 1, or the AUC of a constant, is not certain for that
    freedom = people - 1.0
    if scale.uneven:
        kurtosis = float(np.mean(moved**4) / np.mean(moved**2) ** 2)
        freedom *= min(1.0, 2 / max(kurtosis - 1, 1e-12))
    reach = student((1 + LEVEL) / 2, freedom) * error
    low, high = (float(scale.back(centre + way * reach)) for way in (-1, 1))
    return {"value": float(value), "low": low, "high": high} if np.isfinite([low, high]).all() else alone


def without_each(sums: Floats) -> Floats:
    """(S, K) sums over everybody but one, from (S, K) sums of each person."""
    others: Floats = sums.sum(axis=0) - sums
    return others


def jackknifed(
    estimates: Callable[[NDArray[np.bool_]], Mapping[str, float]],
    subject: NDArray[np.str_],
    scales: Mapping[str, Scale],
) -> dict[str, Metric]:
    """Estimates that are no simple function of sums, each with its interval.

    Args:
        estimates: Of the samples that a mask (N,) keeps; NaN where undefined.
        subject: (N,) whom each sample shows.
        scales: Of each estimate.
    """
    names, codes = np.unique(subject, return_inverse=True)
    whole = estimates(np.ones(len(codes), bool))
    others = [estimates(codes != number) for number in range(len(names))] if len(names) > 1 else []
    return {
        name: interval(whole[name], np.array([one[name] for one in others]), scale)
        for name, scale in scales.items()
    }
