"""Metrics against scikit-learn, scipy and loops."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sklearn_metrics
from torchmetrics.functional.regression import concordance_corrcoef

from stan_lightning.data.scale import SeverityScale, scale_of
from stan_lightning.evaluation import statistics
from stan_lightning.evaluation.statistics import bias_by_band, describe, mae_difference, rmse_difference

BDI = scale_of(None, (0, 63))
PLAIN = SeverityScale("score", (0, 63))


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
    described = describe(label, prediction, subject, BDI)
    for name, expected in independent(label, prediction).items():
        assert value(described, name) == pytest.approx(expected, rel=1e-12), name


def test_ccc_is_the_population_form_and_not_the_sample_form():
    label, prediction, subject = random_data(1, n=6)
    ours = value(describe(label, prediction, subject, BDI), "ccc")
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
    described = describe(label + 1e7, prediction + 1e7, subject, PLAIN)
    for name, expected in independent(label, prediction).items():
        if name in described:
            assert value(described, name) == pytest.approx(expected, rel=1e-7), name


def test_bands_are_cut_on_the_unrounded_score():
    assert BDI.band([13.999, 14, 19.99, 20, 28.99, 29, 0, 63]).tolist() == [0, 1, 1, 2, 2, 3, 0, 3]
    described = describe([13, 14], [13.6, 13.6], ["a", "b"], BDI)
    assert value(described, "accuracy_bands") == 0.5


def test_other_score_ranges_have_no_bands():
    described = describe(*random_data(0), PLAIN)
    assert set(described) == {"n", "people", "mae", "rmse", "pearson", "ccc", "r2", "sd_ratio"}


def test_a_constant_prediction_has_no_correlation_and_a_concordance_of_zero():
    label, _, subject = random_data(0)
    constant = np.full_like(label, 0.1) * 3  # 0.30000000000000004: its mean over many is not itself
    described = describe(label, constant, subject, BDI)
    assert described["pearson"] == {"value": None, "low": None, "high": None}
    for name in ("ccc", "sd_ratio"):
        assert value(described, name) == 0.0, name
    assert value(described, "r2") == pytest.approx(sklearn_metrics.r2_score(label, constant))
    assert described["f1_14"]["value"] == 0.0


def test_constant_label_is_undefined():
    described = describe([7.0] * 5, [1, 2, 3, 4, 5], list("abcde"), BDI)
    assert {value(described, name) for name in ("pearson", "ccc", "r2", "sd_ratio")} == {None}
    assert value(described, "mae") == pytest.approx(4.0)
    assert value(described, "f1_20") is None  # nobody above, nobody called above


def test_one_sample():
    described = describe([20.0], [17.5], ["a"], BDI)
    assert described["n"] == 1
    assert described["mae"] == {"value": 2.5, "low": None, "high": None}
    assert {value(described, name) for name in ("pearson", "ccc", "r2", "sd_ratio")} == {None}
    assert value(described, "accuracy_bands") == 0.0


def test_no_sample_and_missing_labels():
    empty = describe([], [], [], BDI)
    assert empty["n"] == 0
    assert empty["mae"] == {"value": None, "low": None, "high": None}
    label, prediction, subject = random_data(0)
    holed = np.where(np.arange(len(label)) % 3 == 0, np.nan, label)
    known = ~np.isnan(holed)
    assert describe(holed, prediction, subject, BDI) == describe(
        label[known], prediction[known], subject[known], BDI
    )
    assert describe(np.full(4, np.nan), np.ones(4), list("abcd"), BDI) == empty


def test_a_prediction_that_is_no_number_is_no_metric():
    with pytest.raises(ValueError, match="not a finite number"):
        describe([1.0, 2.0], [1.0, np.nan], ["a", "b"], PLAIN)


def test_interval_over_subjects_is_wider_than_over_samples():
    """Ten copies of each person's video are no new people."""
    label, prediction, _ = random_data(5, n=20)
    once = describe(label, prediction, np.arange(20), PLAIN)["mae"]
    copied = [np.repeat(v, 10) for v in (label, prediction, np.arange(20))]
    again = describe(*copied, PLAIN)["mae"]
    assert again == pytest.approx(once)
    naive = describe(copied[0], copied[1], np.arange(200), PLAIN)["mae"]
    assert naive["high"] - naive["low"] < 0.6 * (once["high"] - once["low"])


def test_paired_difference_is_narrower_than_two_intervals_and_exact():
    label, prediction, subject = random_data(6)
    worse = prediction + np.where(prediction > label, 1.0, -1.0)  # exactly one point worse, everywhere
    difference = mae_difference(label, prediction, worse, subject)
    assert difference == pytest.approx({"value": -1.0, "low": -1.0, "high": -1.0})
    same = mae_difference(label, prediction, prediction, subject)
    assert same == {"value": 0.0, "low": 0.0, "high": 0.0}
    holed = np.where(np.arange(len(label)) == 0, np.nan, label)
    assert mae_difference(holed, prediction, worse, subject)["value"] == pytest.approx(-1.0)


def test_bias_by_band():
    label = np.array([3.0, 5, 14, 30, 40])
    bias = bias_by_band(label, label + np.array([1, 3, -2, -10, -20]), list("aabcd"), BDI)
    assert [bias[name]["value"] for name in BDI.band_names] == [2.0, -2.0, None, -15.0]
    assert bias["severe"] == {"value": -15.0, "low": None, "high": None}  # two people


def test_the_difference_of_root_mean_squares_is_theirs_and_its_interval_decides_as_that_of_mean_squares():
    label, prediction, subject = random_data(7)
    other = prediction + np.random.default_rng(1).normal(0, 5, len(label))
    found = rmse_difference(label, prediction, other, subject)
    roots = [sklearn_metrics.root_mean_squared_error(label, said) for said in (prediction, other)]
    assert found["value"] == pytest.approx(roots[0] - roots[1])
    excess = (prediction - label) ** 2 - (other - label) ** 2
    people = np.unique(subject)
    out = np.array([excess[subject != one].mean() for one in people])
    error = np.sqrt((len(people) - 1) / len(people) * ((out - out.mean()) ** 2).sum())
    ends = excess.mean() + np.array([-1, 1]) * stats.t.ppf(0.975, len(people) - 1) * error
    assert (found["low"], found["high"]) == pytest.approx(tuple(ends / sum(roots)))


def test_what_is_no_number_has_no_mean():
    with pytest.raises(ValueError, match="not a finite number"):
        statistics.mean_with_interval([1.0, np.nan], ["a", "b"])


def test_f1_of_a_constant_is_that_of_calling_all_or_nobody():
    label, subject = np.r_[np.full(12, 20.0), np.full(18, 5.0)], np.arange(30)
    called = describe(label, np.full(30, 14.0), subject, BDI)["f1_14"]
    assert called["value"] == pytest.approx(2 * 12 / (30 + 12)) and called["low"] < called["value"]
    nobody = describe(label, np.full(30, 13.9), subject, BDI)["f1_14"]
    assert nobody == {"value": 0.0, "low": None, "high": None}


def test_an_infinite_label_is_refused():
    with pytest.raises(ValueError, match="a label is infinite"):
        describe([1.0, np.inf], [1.0, 2.0], ["a", "b"], PLAIN)
