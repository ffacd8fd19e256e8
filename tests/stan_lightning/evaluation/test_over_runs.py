"""Runs and people together, against a two-way table and by simulation."""

import numpy as np
import pytest
from scipy import stats

from stan_lightning.evaluation.over_runs import SIZE, over_runs


def test_the_interval_is_that_of_a_two_way_table():
    random = np.random.default_rng(0)
    table = 7 + random.normal(0, 2, (3, 1)) + random.normal(0, 4, (1, 12)) + random.normal(0, 1, (3, 12))
    found = over_runs(np.repeat(table, 2, axis=1), np.repeat(np.arange(12), 2))
    run, person = table.mean(axis=1), table.mean(axis=0)
    left = table - run[:, None] - person + table.mean()
    of_run, of_person, rest = 12 * run.var(ddof=1), 3 * person.var(ddof=1), (left**2).sum() / 22
    assert of_run > rest and of_person > rest
    variance = (of_run + of_person - rest) / 36
    freedom = (36 * variance) ** 2 / (of_person**2 / 11 + (of_run - rest) ** 2 / 2)
    reach = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    assert (found["value"], found["runs"], found["people"]) == (pytest.approx(table.mean()), 3, 12)
    assert (found["low"], found["high"]) == pytest.approx((table.mean() - reach, table.mean() + reach))
    of_one = (of_run - rest) / 12, (of_person - rest) / 3 / 12 + rest / 12
    assert found["run_share"] == pytest.approx(of_one[0] / sum(of_one))


def test_people_with_more_videos_count_more_and_too_few_people_have_no_interval():
    values = np.array([[1.0, 1, 1, 5], [2, 2, 2, 6]])
    found = over_runs(values, list("aaab"))
    assert found["value"] == 2.5 and found["low"] is None and found["run_share"] is None
    same = over_runs(np.full((2, 12), 3.0), np.arange(12))
    assert same["value"] == 3.0 and same["low"] is None


@pytest.mark.slow
@pytest.mark.parametrize("run_sd", [0.0, 1.2])
@pytest.mark.parametrize("runs", [2, 3, 5])
def test_it_holds_the_recipes_mean_about_as_often_as_it_says(runs, run_sd):
    """With 24 people and a deviation of runs as measured in repeats; 2 standard errors of 600 are 1.8 %."""
    random = np.random.default_rng(1)
    held = 0
    for _ in range(600):
        videos = np.repeat(np.arange(24), 2 * random.integers(1, 4, 24))
        error = 7 + random.normal(0, run_sd, (runs, 1)) + (random.gamma(1.5, 4, 24) - 6)[videos]
        error += random.normal(0, 2, (runs, 24))[:, videos] + random.normal(0, 2, error.shape)
        found = over_runs(error, videos, SIZE)
        held += found["low"] <= 7 <= found["high"]
    assert 0.915 <= held / 600 <= 0.98
