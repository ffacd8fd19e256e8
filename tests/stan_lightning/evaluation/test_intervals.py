"""Intervals over people against a loop that leaves each out, their floors, and what has none."""

import numpy as np
import pytest
from scipy import stats

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import intervals, statistics
from stan_lightning.evaluation.statistics import describe, mean_with_interval

BDI = scale_of(None, (0, 63))

NONE = {"low": None, "high": None}
SCALES = {  # forth, back, and whether degrees of freedom shrink
    "mae": (lambda x: -(x**-0.5), lambda x: x**-2),
    "rmse": (lambda x: -1 / x, lambda x: -1 / x),
    "pearson": (np.arctanh, np.tanh),
    "ccc": (np.arctanh, np.tanh),
    "r2": (lambda x: x, lambda x: x),
    "sd_ratio": (lambda x: x, lambda x: x),
    "accuracy_bands": (lambda x: np.arcsin(x**0.5), lambda x: np.sin(x) ** 2),
    "f1_14": (lambda x: np.arcsin(x**0.5), lambda x: np.sin(x) ** 2),
    "f1_20": (lambda x: np.arcsin(x**0.5), lambda x: np.sin(x) ** 2),
}


def table(people=24, seed=0):
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(people), random.integers(1, 5, people))
    label = random.integers(0, 45, people).astype(float)[subject] + random.integers(0, 3, len(subject))
    return label, label * 0.5 + 8 + random.normal(0, 5, len(subject)), subject.astype(str)


def test_every_interval_equals_a_loop_that_leaves_each_person_out():
    label, prediction, subject = table()
    found = describe(label, prediction, subject, BDI)
    people = np.unique(subject)
    assert found["people"] == len(people) == 24
    without = []
    for one in people:
        rows = subject != one
        without.append(describe(label[rows], prediction[rows], subject[rows], BDI))
    for name, (forth, back) in SCALES.items():
        moved = forth(np.array([one[name]["value"] for one in without]))
        error = np.sqrt(23 / 24 * ((moved - moved.mean()) ** 2).sum())
        freedom = 23 * min(1, 2 / (stats.kurtosis(moved, fisher=False) - 1))
        reach = stats.t.ppf(0.975, freedom) * error
        ends = [back(forth(found[name]["value"]) + way * reach) for way in (-1, 1)]
        assert (found[name]["low"], found[name]["high"]) == pytest.approx(tuple(ends), rel=1e-9), name
        assert found[name]["low"] < found[name]["value"] < found[name]["high"]


def test_a_mean_of_differences_is_the_plain_jackknife_of_a_ratio():
    _, values, subject = table(seed=2)
    people = np.unique(subject)
    out = np.array([values[subject != one].mean() for one in people])
    error = np.sqrt(23 / 24 * ((out - out.mean()) ** 2).sum())
    ends = values.mean() + np.array([-1, 1]) * stats.t.ppf(0.975, 23) * error
    found = mean_with_interval(values, subject)
    assert (found["low"], found["high"]) == pytest.approx(tuple(ends))


@pytest.mark.parametrize("people", [1, 2, 3, 9, 10, 19, 20])
def test_below_its_floor_there_is_no_interval(people):
    found = describe(*table(people, seed=1), BDI)
    floors = {name: scale.fewest for name, scale in statistics.SCALES.items()}
    assert set(floors.values()) == {10, 20}
    for name, floor in floors.items():
        assert (found[name]["low"] is None) == (people < floor), name


def test_an_estimate_at_the_end_of_its_scale_has_no_interval():
    label, _, subject = table()
    found = describe(label, label, subject, BDI)
    assert found["ccc"] == {"value": 1.0, **NONE}  # and not 1.0000000000000002
    for name in ("pearson", "accuracy_bands", "f1_14", "f1_20"):
        assert found[name] == {"value": pytest.approx(1.0), **NONE}, name
    assert found["mae"] == {"value": 0.0, **NONE}


def test_an_end_that_the_data_do_not_give_is_no_end():
    """One person carries nearly all of the error: how large it may be is unknown."""
    squares = np.r_[np.full(29, 1.0), 3000.0]
    found = intervals.interval(
        float(np.sqrt(squares.mean())),
        np.sqrt(intervals.without_each(squares) / 29),
        intervals.ROOT_MEAN_SQUARE,
    )
    assert found["value"] == pytest.approx(np.sqrt(squares.mean())) and found["high"] is None


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """A small version of `benchmarks/coverage.py`: 2 standard errors of 400 tables are 2.2 %."""
    coverage = pytest.importorskip("benchmarks.coverage")
    truth = coverage.truths(0)
    for people in (10, 20, 40):
        for name, (printed, held) in coverage.coverage(people, 400, truth, seed=3).items():
            if printed > 200:
                assert 0.905 <= held / printed <= 0.99, (people, name)
