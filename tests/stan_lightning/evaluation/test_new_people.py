"""Coverage of the interval for a new person, people weighted equally."""

import numpy as np
import pandas as pd
import pytest

from stan_lightning.data.scale import SeverityScale, scale_of
from stan_lightning.evaluation.new_people import coverage
from stan_lightning.training.conformal import LEVEL, Conformal

BDI = scale_of(None, (0, 63))


def test_a_person_counts_once_and_bands_apart() -> None:
    table = pd.DataFrame(
        {
            "subject": ["a", "a", "a", "b", "c"],
            "label": [3.0, 3.0, 30.0, 15.0, 40.0],
            "prediction": [4.0, 9.0, 31.0, 17.0, 20.0],
        }
    )
    found = coverage(table, Conformal(20, 2.0), BDI)
    assert found is not None
    assert found["held"]["n"] == 5 and found["held"]["people"] == 3
    assert found["held"]["share"]["value"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    bands = {name: (part["people"], part["share"]["value"]) for name, part in found["by_band"].items()}
    assert bands == {"minimal": (1, 0.5), "mild": (1, 1.0), "moderate": (0, None), "severe": (2, 0.5)}
    another_scale = coverage(table, Conformal(20, 2.0), SeverityScale("score", (0, 63)))
    assert another_scale is not None and another_scale["by_band"] is None


def test_nothing_is_said_without_an_interval_or_without_new_people() -> None:
    table = pd.DataFrame({"subject": ["a"], "label": [3.0], "prediction": [4.0]})
    assert coverage(table, None, BDI) is None
    assert coverage(table[:0], Conformal(20, 2.0), BDI) is None
    infinite = coverage(table, Conformal(4, None), BDI)
    assert infinite is not None and infinite["held"] is None and infinite["half_width"] is None


@pytest.mark.parametrize("people", [12, 20, 43])
def test_coverage_of_new_people_is_within_two_points_of_what_is_expected(people: int) -> None:
    random = np.random.default_rng(people)
    rounds, shares = 120, []
    for _ in range(rounds):
        table = drawn(random, people + 40)
        calibration = table["subject"] < people
        known = table[calibration]
        conformal = Conformal.measured(
            known["label"].to_numpy(), known["prediction"].to_numpy(), known["subject"].astype(str), ()
        )
        found = coverage(table[~calibration], conformal, BDI)
        assert found is not None
        shares.append(found["held"]["share"]["value"])
    # One recording a person: exactly the rank of the quantile among the people and the new one.
    expected = np.ceil(LEVEL * (people + 1)) / (people + 1)
    assert np.mean(shares) == pytest.approx(expected, abs=0.02)
    assert np.mean(shares) > LEVEL - 0.02


def drawn(random: np.random.Generator, people: int) -> pd.DataFrame:
    label = np.clip(np.round(random.gamma(1.1, 12.5, people)), 0, 63)
    prediction = np.clip(9 + 0.4 * label + random.normal(0, 5, people), 0, 63)
    return pd.DataFrame({"subject": np.arange(people), "label": label, "prediction": prediction})
