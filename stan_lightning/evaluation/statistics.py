"""What a vector of predictions is worth: metrics with an interval that respects who was filmed.

Every metric here is a function of sums over samples. So each subject is reduced to one row of sums, and the
metrics without each of them in turn are one matrix product: as quick for 30,000 clips as for 100 videos.

Intervals are over subjects, not samples: videos of one person are alike, and an interval that treats them as
independent is too narrow.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stan_lightning.data.scale import SeverityScale
from stan_lightning.evaluation.intervals import (
    CORRELATION,
    DIFFERENCE,
    MEAN_ERROR,
    RATE,
    RATE_OF_SOME,
    RATIO,
    ROOT_MEAN_SQUARE,
    SHARE,
    UNDEFINED,
    Floats,
    Metric,
    Scale,
    interval,
    without_each,
)

METRICS = ("mae", "rmse", "pearson", "ccc", "r2", "sd_ratio")
ACCURACY, F1 = "accuracy_bands", "f1_"
"""Metrics of a scale with bands, and of one with cut-offs (``f1_14``)."""
SCALES: Mapping[str, Scale] = {
    "mae": MEAN_ERROR,
    "rmse": ROOT_MEAN_SQUARE,
    "pearson": CORRELATION,
    "ccc": CORRELATION,
    "r2": SHARE,
    "sd_ratio": RATIO,
    ACCURACY: RATE,
}


def metric_names(scale: SeverityScale) -> tuple[str, ...]:
    """Of scores on a scale, in the order of tables."""
    banded = (ACCURACY,) if scale.bands else ()
    return (*METRICS, *banded, *(f"{F1}{cutoff:g}" for cutoff in scale.cutoffs))


def describe(
    label: ArrayLike, prediction: ArrayLike, subject: ArrayLike, scale: SeverityScale
) -> dict[str, Metric | int]:
    """All metrics of one unit (clips, videos, sessions or subjects).

    Args:
        label: (N,) true scores in points; NaN rows are left out.
        prediction: (N,) predicted scores in points.
        subject: (N,) whom each sample shows: whom the interval leaves out in turn.
        scale: What scores are on.

    Returns:
        `n` samples, `people` and a `Metric` for each of `metric_names`.
    """
    truth, guess, codes = _aligned(label, prediction, subject)
    if not len(truth):
        return {"n": 0, "people": 0, **{name: dict(UNDEFINED) for name in metric_names(scale)}}
    terms = _by_subject(_terms(truth, guess, scale), codes)
    extremes = _extremes(truth, guess, codes)
    point = _metrics(terms.sum(axis=0, keepdims=True), extremes.max(axis=0, keepdims=True), scale)
    others = _metrics(without_each(terms), _extremes_without_each(extremes), scale)
    return {
        "n": len(truth),
        "people": len(terms),
        **{
            name: interval(float(point[name][0]), others[name], SCALES.get(name, RATE_OF_SOME))
            for name in point
        },
    }


def _interval_scale(name: str) -> Scale:
    return RATE_OF_SOME if name.startswith(F1) else SCALES[name]


def mae_difference(
    label: ArrayLike, prediction: ArrayLike, baseline: ArrayLike, subject: ArrayLike
) -> Metric:
    """MAE of the model minus MAE of the baseline, paired: the same people are left out of both."""
    truth, guess, codes = _aligned(label, prediction, subject)
    _, other, _ = _aligned(label, baseline, subject)
    return mean_with_interval(np.abs(guess - truth) - np.abs(other - truth), codes)


def rmse_difference(
    label: ArrayLike, prediction: ArrayLike, baseline: ArrayLike, subject: ArrayLike
) -> Metric:
    """RMSE of the model minus RMSE of the baseline, paired.

    Its interval is that of the difference of mean squares, which holds what it says with fewer people, over
    the sum of both RMSEs.
    """
    truth, guess, codes = _aligned(label, prediction, subject)
    _, other, _ = _aligned(label, baseline, subject)
    squares = (guess - truth) ** 2, (other - truth) ** 2
    found = mean_with_interval(squares[0] - squares[1], codes)
    if found["value"] is None:
        return found
    both = float(np.sqrt(squares[0].mean()) + np.sqrt(squares[1].mean()))
    return {name: value and value / both for name, value in found.items()}


def bias_by_band(
    label: ArrayLike, prediction: ArrayLike, subject: ArrayLike, scale: SeverityScale
) -> dict[str, Metric]:
    """Mean of prediction - label among the samples whose label lies in each severity band."""
    truth, guess, codes = _aligned(label, prediction, subject)
    where = scale.band(truth)
    return {
        name: mean_with_interval((guess - truth)[where == number], codes[where == number])
        for number, name in enumerate(scale.band_names)
    }


def mean_with_interval(sample: ArrayLike, subject: ArrayLike, scale: Scale = DIFFERENCE) -> Metric:
    """Mean of (N,) values and its interval by subject, (N,).

    Raises:
        ValueError: Where a value is no finite number.
    """
    values = np.asarray(sample, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a value to take the mean of is not a finite number")
    if not len(values):
        return dict(UNDEFINED)
    _, codes = np.unique(np.asarray(subject), return_inverse=True)
    sums = _by_subject(np.stack([values, np.ones_like(values)], axis=1), codes)
    with np.errstate(invalid="ignore"):
        others = np.divide(*without_each(sums).T)
    return interval(float(values.mean()), others, scale)


def _aligned(
    label: ArrayLike, prediction: ArrayLike, subject: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Labelled samples as floats, and subjects as codes 0..S-1."""
    truth = np.asarray(label, dtype=np.float64)
    guess = np.asarray(prediction, dtype=np.float64)
    names = np.asarray(subject).astype(str)
    if not truth.shape == guess.shape == names.shape or truth.ndim != 1:
        raise ValueError(f"expected equal (N,) vectors, got {truth.shape}, {guess.shape}, {names.shape}")
    known = ~np.isnan(truth)
    if np.isinf(truth).any():
        raise ValueError("a label is infinite")
    if not np.isfinite(guess[known]).all():
        raise ValueError("a prediction is not a finite number: the network's output is NaN or infinite")
    _, codes = np.unique(names[known], return_inverse=True)
    return truth[known], guess[known], codes


def _terms(truth: Floats, guess: Floats, scale: SeverityScale) -> Floats:
    """(N, K) what each sample adds to the sums that `_metrics` reads, moments about the overall means."""
    y, p = truth - truth.mean(), guess - guess.mean()
    error = guess - truth
    columns = [np.ones_like(y), error, np.abs(error), error**2, y, p, y**2, p**2, y * p]
    columns.append((scale.band(truth) == scale.band(guess)).astype(float))
    for cutoff in scale.cutoffs:
        positive, called = truth >= cutoff, guess >= cutoff
        columns += [(positive & called).astype(float), (positive ^ called).astype(float)]
    return np.stack(columns, axis=1)


def _by_subject(terms: Floats, codes: NDArray[np.intp]) -> Floats:
    """(S, K) sums over each subject's samples."""
    sums = np.zeros((int(codes.max()) + 1, terms.shape[1]))
    np.add.at(sums, codes, terms)
    return sums


def _extremes(truth: Floats, guess: Floats, codes: NDArray[np.intp]) -> Floats:
    """(S, 4) each subject's largest label, largest -label, largest prediction, largest -prediction."""
    largest = np.full((int(codes.max()) + 1, 4), -np.inf)
    np.maximum.at(largest, codes, np.stack([truth, -truth, guess, -guess], axis=1))
    return largest


def _extremes_without_each(extremes: Floats) -> Floats:
    """(S, 4) the largest of everybody but one."""
    ranked = np.sort(extremes, axis=0)
    highest, next_to_it = ranked[-1], ranked[-min(2, len(ranked))]
    others: Floats = np.where(extremes == highest, next_to_it, highest)
    return others


def _metrics(sums: Floats, extremes: Floats, scale: SeverityScale) -> dict[str, Floats]:
    """Metrics of each row of sums, (B,) each, NaN where undefined.

    Whether labels or predictions differ is asked of their `extremes`, (B, 4): sums of squares cannot tell
    "constant" from "nearly".

    Pearson, R2, the ratio of standard deviations and Lin's CCC (Lin 1989, population moments) need labels
    that differ; Pearson needs predictions that differ, too. The CCC of a constant prediction is 0.
    F1 needs one positive label or call.
    """
    n, error, absolute, squared, y, p, yy, pp, yp, hit, *counts = sums.T
    varied = extremes[:, 0] > -extremes[:, 1]
    told = extremes[:, 2] > -extremes[:, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        var_y, var_p = yy / n - (y / n) ** 2, pp / n - (p / n) ** 2
        var_p = np.where(told, var_p, 0.0)
        covariance = np.where(told, yp / n - y * p / n**2, 0.0)
        alike = 2 * covariance / (var_y + var_p + (error / n) ** 2)
        metrics = {
            "mae": absolute / n,
            "rmse": np.sqrt(squared / n),
            "pearson": np.where(varied & told, np.clip(covariance / np.sqrt(var_y * var_p), -1, 1), np.nan),
            "ccc": np.where(varied, np.clip(alike, -1, 1), np.nan),
            "r2": np.where(varied, 1 - squared / n / var_y, np.nan),
            "sd_ratio": np.where(varied, np.sqrt(var_p / var_y), np.nan),
        }
        if scale.bands:
            metrics[ACCURACY] = hit / n
        for cutoff, found, missed in zip(scale.cutoffs, counts[::2], counts[1::2], strict=True):
            metrics[f"{F1}{cutoff:g}"] = 2 * found / (2 * found + missed)
    return metrics
