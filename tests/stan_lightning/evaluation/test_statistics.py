"""Metrics against scikit-learn, scipy and loops."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sklearn_metrics
from torchmetrics.functional.regression import concordance_corrcoef

from stan_lightning.evaluation import statistics
from stan_lightning.evaluation.statistics import bias_by_band, describe, draw_subjects, mae_difference

SMALL = {"resamples": 400, "seed": 3}


def random_data(seed, n=60, subjects=17):
    """Integer labels with many ties; predictions that are rounded, so that some tie too."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 45, n).astype(float)
    prediction = np.round(np.clip(label * 0.4 + rng.normal(9, 6, n), 0, None), 1)
    return label, prediction, rng.integers(0, subjects, n).astype(str)


def value(described, name):
    return described[name]["value"]


def independent(label, prediction):
    true_band, said_band = (np.searchsorted([14, 20, 29], v, side="right") for v in (label, prediction))
    covariance = np.mean((label - label.mean()) * (prediction - prediction.mean()))
    spread = label.var() + prediction.var() + (label.mean() - prediction.mean()) ** 2
    return {
        "mae": sklearn_metrics.mean_absolute_error(label, prediction),
        "rmse": sklearn_metrics.root_mean_squared_error(label, prediction),
        "pearson": stats.pearsonr(label, prediction).statistic,
        "ccc": 2 * covariance / spread,
        "r2": sklearn_metrics.r2_score(label, prediction),
        "sd_ratio": prediction.std() / label.std(),
        "accuracy_bands": sklearn_metrics.accuracy_score(true_band, said_band),
        "f1_14": sklearn_metrics.f1_score(label >= 14, prediction >= 14),
        "f1_20": sklearn_metrics.f1_score(label >= 20, prediction >= 20),
    }


@pytest.mark.parametrize("seed", range(5))
def test_every_metric_equals_an_independent_library(seed):
    label, prediction, subject = random_data(seed)
    described = describe(label, prediction, subject, bands=True, **SMALL)
    for name, expected in independent(label, prediction).items():
        assert value(described, name) == pytest.approx(expected, rel=1e-12), name


def test_ccc_is_the_population_form_and_not_the_sample_form():
    label, prediction, subject = random_data(1, n=6)
    ours = value(describe(label, prediction, subject, bands=True, **SMALL), "ccc")
    biased = (
        2
        * np.cov(label, prediction, ddof=0)[0, 1]
        / (label.var() + prediction.var() + (label.mean() - prediction.mean()) ** 2)
    )
    sample = concordance_corrcoef(torch.tensor(prediction), torch.tensor(label)).item()
    assert ours == pytest.approx(biased, rel=1e-12)
    assert ours != pytest.approx(sample, rel=1e-3)


def test_large_offset_does_not_cost_digits():
    label, prediction, subject = random_data(2)
    described = describe(label + 1e7, prediction + 1e7, subject, bands=False, **SMALL)
    for name, expected in independent(label, prediction).items():
        if name in described:
            assert value(described, name) == pytest.approx(expected, rel=1e-7), name


def test_bands_are_cut_on_the_unrounded_score():
    assert statistics.band([13.999, 14, 19.99, 20, 28.99, 29, 0, 63]).tolist() == [0, 1, 1, 2, 2, 3, 0, 3]
    described = describe([13, 14], [13.6, 13.6], ["a", "b"], bands=True, **SMALL)
    assert value(described, "accuracy_bands") == 0.5


def test_other_score_ranges_have_no_bands():
    described = describe(*random_data(0), bands=False, **SMALL)
    assert set(described) == {"n", "mae", "rmse", "pearson", "ccc", "r2", "sd_ratio"}


def test_constant_prediction_is_undefined_and_not_zero():
    label, _, subject = random_data(0)
    constant = np.full_like(label, 0.1) * 3  # 0.30000000000000004: its mean over many is not itself
    described = describe(label, constant, subject, bands=True, **SMALL)
    for name in ("pearson", "ccc"):
        assert described[name] == {"value": None, "low": None, "high": None}, name
    assert value(described, "sd_ratio") == 0.0
    assert value(described, "r2") == pytest.approx(sklearn_metrics.r2_score(label, constant))
    assert described["f1_14"]["value"] == 0.0


def test_constant_label_is_undefined():
    described = describe([7.0] * 5, [1, 2, 3, 4, 5], list("abcde"), bands=True, **SMALL)
    assert {value(described, name) for name in ("pearson", "ccc", "r2", "sd_ratio")} == {None}
    assert value(described, "mae") == pytest.approx(4.0)
    assert value(described, "f1_20") is None  # nobody above, nobody called above


def test_one_sample():
    described = describe([20.0], [17.5], ["a"], bands=True, **SMALL)
    assert described["n"] == 1
    assert described["mae"] == {"value": 2.5, "low": None, "high": None}
    assert {value(described, name) for name in ("pearson", "ccc", "r2", "sd_ratio")} == {None}
    assert value(described, "accuracy_bands") == 0.0


def test_no_sample_and_missing_labels():
    empty = describe([], [], [], bands=True, **SMALL)
    assert empty["n"] == 0
    assert empty["mae"] == {"value": None, "low": None, "high": None}
    label, prediction, subject = random_data(0)
    holed = np.where(np.arange(len(label)) % 3 == 0, np.nan, label)
    known = ~np.isnan(holed)
    assert describe(holed, prediction, subject, bands=True, **SMALL) == describe(
        label[known], prediction[known], subject[known], bands=True, **SMALL
    )
    assert describe(np.full(4, np.nan), np.ones(4), list("abcd"), bands=True, **SMALL) == empty


def test_a_prediction_that_is_no_number_is_no_metric():
    with pytest.raises(ValueError, match="not a finite number"):
        describe([1.0, 2.0], [1.0, np.nan], ["a", "b"], bands=False, **SMALL)


def test_intervals_equal_a_loop_over_subjects_drawn():
    """Rebuild every resample sample by sample, from the same draws."""
    label, prediction, subject = random_data(4, n=40, subjects=9)
    described = describe(label, prediction, subject, bands=True, resamples=150, seed=3)
    people = np.unique(subject)
    resampled = []
    for counts in draw_subjects(len(people), 150, 3):
        rows = [
            row
            for person, times in zip(people, counts, strict=True)
            for _ in range(int(times))
            for row in np.flatnonzero(subject == person)
        ]
        resampled.append(independent(label[rows], prediction[rows]))
    for name in resampled[0]:
        low, high = np.quantile([one[name] for one in resampled], [0.025, 0.975])
        assert described[name]["low"] == pytest.approx(low, rel=1e-9), name
        assert described[name]["high"] == pytest.approx(high, rel=1e-9), name


def test_resamples_draw_subjects_with_replacement():
    counts = draw_subjects(7, 5000, 0)
    assert (counts.sum(axis=1) == 7).all()
    assert counts.max() > 1
    assert counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.06)
    assert (draw_subjects(7, 10, 0) == draw_subjects(7, 10, 0)).all()
    assert (draw_subjects(7, 10, 0) != draw_subjects(7, 10, 1)).any()


def test_interval_over_subjects_is_wider_than_over_samples():
    """Ten copies of each person's video are no new people."""
    label, prediction, _ = random_data(5, n=20)
    once = describe(label, prediction, np.arange(20), bands=False, **SMALL)["mae"]
    copied = [np.repeat(v, 10) for v in (label, prediction, np.arange(20))]
    again = describe(*copied, bands=False, **SMALL)["mae"]
    assert again == pytest.approx(once)
    naive = describe(copied[0], copied[1], np.arange(200), bands=False, **SMALL)["mae"]
    assert naive["high"] - naive["low"] < 0.6 * (once["high"] - once["low"])


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(100):
        error = np.repeat(rng.normal(5, 2, 40), 2)  # two videos a person, the same error: mean |error| known
        low_high = describe(
            np.zeros(80), error, np.repeat(np.arange(40), 2), bands=False, resamples=300, seed=trial
        )
        expected = stats.foldnorm.mean(5 / 2, scale=2)
        covered += low_high["mae"]["low"] <= expected <= low_high["mae"]["high"]
    assert 0.86 <= covered / 100 <= 0.99


def test_paired_difference_is_narrower_than_two_intervals_and_exact():
    label, prediction, subject = random_data(6)
    worse = prediction + np.where(prediction > label, 1.0, -1.0)  # exactly one point worse, everywhere
    difference = mae_difference(label, prediction, worse, subject, **SMALL)
    assert difference == pytest.approx({"value": -1.0, "low": -1.0, "high": -1.0})
    same = mae_difference(label, prediction, prediction, subject, **SMALL)
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0}
    holed = np.where(np.arange(len(label)) == 0, np.nan, label)
    assert mae_difference(holed, prediction, worse, subject, **SMALL)["value"] == pytest.approx(-1.0)


def test_bias_by_band():
    label = np.array([3.0, 5, 14, 30, 40])
    bias = bias_by_band(label, label + np.array([1, 3, -2, -10, -20]), list("aabcd"), **SMALL)
    assert [bias[name]["value"] for name in statistics.BANDS] == [2.0, -2.0, None, -15.0]
    assert bias["severe"] == {"value": -15.0, "low": -20.0, "high": -10.0}
    assert bias["minimal"]["low"] is None  # one person
