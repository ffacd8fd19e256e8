"""Calibration, screening, change, reliability and memory, recomputed another way; and what is undefined."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.metrics import f1_score, roc_auc_score

from stan_lightning.data.scale import SeverityScale, scale_of
from stan_lightning.evaluation.calibration import calibration, group_gaps
from stan_lightning.evaluation.intervals import student
from stan_lightning.evaluation.memory import memory_weight
from stan_lightning.evaluation.screening import screening
from stan_lightning.evaluation.units import sessions
from stan_lightning.evaluation.validity import validity
from stan_lightning.evaluation.within_person import change, reliability

NOTHING = {"value": None, "low": None, "high": None}


def videos(people: int = 45, seed: int = 0) -> pd.DataFrame:
    """Two sessions of two tasks each; predictions follow labels to a half and persons to a half."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        severity, habit = rng.gamma(1.2, 13), rng.normal(0, 4)
        for session in range(2):
            label = float(np.clip(round(severity + rng.normal(0, 6)), 0, 63))
            for task in ("Freeform", "Northwind"):
                said = 8 + 0.5 * label + habit + rng.normal(0, 2) + (task == "Freeform")
                rows.append((f"p{person}", f"s{session}", task, label, said, "AB"[person % 2]))
    table = pd.DataFrame(rows, columns=["subject", "session", "task", "label", "prediction", "group"])
    return table.assign(recording=[f"r{n}" for n in range(len(table))], seen_subject=True)


def test_calibration_is_a_regression_of_labels_on_predictions() -> None:
    table = videos()
    found = calibration(table)
    line = stats.linregress(table["prediction"], table["label"])
    assert found["slope"]["value"] == pytest.approx(line.slope)
    assert found["intercept"] == {"value": pytest.approx(line.intercept), "low": None, "high": None}
    assert found["mean_error"]["value"] == pytest.approx((table["prediction"] - table["label"]).mean())
    others = [
        stats.linregress(part["prediction"], part["label"]).slope
        for person in table["subject"].unique()
        for part in [table[table["subject"] != person]]
    ]
    logs = np.log(others) - np.mean(np.log(others))
    freedom = 44 * min(1, 2 / (np.mean(logs**4) / np.mean(logs**2) ** 2 - 1))
    reach = student(0.975, freedom) * np.sqrt(44 / 45 * (logs**2).sum())
    assert found["slope"]["low"] == pytest.approx(line.slope * np.exp(-reach))
    assert found["slope"]["high"] == pytest.approx(line.slope * np.exp(reach))


def test_a_slope_that_may_be_none_has_an_interval_around_it() -> None:
    table = videos()
    blind = table.assign(prediction=np.random.default_rng(1).normal(15, 3, len(table)))
    slope = calibration(blind)["slope"]
    assert slope["low"] < 0 < slope["high"]
    alike = calibration(table.assign(label=9.0))
    assert alike["slope"] == alike["intercept"] == NOTHING
    constant = calibration(table.assign(prediction=15.0))
    assert constant["slope"] == constant["intercept"] == NOTHING
    assert constant["mean_error"]["value"] == pytest.approx(15 - table["label"].mean())


def test_screening_is_scikit_learn_s() -> None:
    table = sessions(videos())
    for cutoff, row in screening(table, (14, 20)).items():
        above, called = table["label"] >= float(cutoff), table["prediction"] >= float(cutoff)
        assert row["auc"]["value"] == pytest.approx(roc_auc_score(above, table["prediction"]))
        assert row["sensitivity"]["value"] == pytest.approx(called[above].mean())
        assert row["specificity"]["value"] == pytest.approx((~called[~above]).mean())
        balanced = (called[above].mean() + (~called[~above]).mean()) / 2
        assert row["uar"]["value"] == pytest.approx(balanced)
        assert row["macro_f1"]["value"] == pytest.approx(f1_score(above, called, average="macro"))
        assert row["n_above"] == above.sum() and row["people_above"] == table["subject"][above].nunique()
        assert row["auc"]["low"] < row["auc"]["value"] < row["auc"]["high"] < 1


def test_screening_of_few_on_one_side_has_no_interval_and_of_none_no_value() -> None:
    table = sessions(videos())
    labels = np.where(table["subject"].isin(["p1", "p2", "p3", "p4"]), 30.0, 5.0)
    row = screening(table.assign(label=labels), (14,))["14"]
    assert row["people_above"] == 4 and row["auc"]["value"] is not None and row["auc"]["low"] is None
    row = screening(table.assign(label=5.0), (14,))["14"]
    assert row["n_above"] == 0 and row["auc"] == row["sensitivity"] == row["uar"] == NOTHING
    few = screening(sessions(videos(39)), (14,))["14"]
    assert few["auc"]["value"] is not None and few["auc"]["low"] is None


def test_change_is_the_slope_within_people() -> None:
    table = sessions(videos())
    found = change(table)
    dummies = pd.get_dummies(table["subject"], dtype=float)
    fit = LinearRegression(fit_intercept=False).fit(dummies.assign(label=table["label"]), table["prediction"])
    assert found["slope"]["value"] == pytest.approx(fit.coef_[-1])
    assert found["slope"]["low"] < 0.5 < found["slope"]["high"] and found["slope"]["low"] > 0.2
    wide = table.pivot(index="subject", columns="session", values=["label", "prediction"])
    apart, said = (wide[name]["s0"] - wide[name]["s1"] for name in ("label", "prediction"))
    far = apart.abs() >= 5
    assert found["agreement"]["value"] == pytest.approx((apart * said > 0)[far].mean())
    assert found["people"] == (apart != 0).sum()
    memory = table.assign(prediction=table.groupby("subject")["label"].transform("mean"))
    assert change(memory)["slope"]["value"] == pytest.approx(0, abs=1e-12)
    assert change(memory)["agreement"]["value"] == 0


def test_people_filmed_once_or_unchanged_tell_nothing_of_change() -> None:
    table = sessions(videos())
    for part in (table[table["session"] == "s0"], table.assign(label=9.0)):
        assert change(part) == {"people": 0, "slope": NOTHING, "agreement": NOTHING}


def test_reliability_is_the_icc_of_mcgraw_and_wong() -> None:
    """Shrout and Fleiss' (1979) ratings of six targets by four judges: ICC(2,1) is 0.29."""
    ratings = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    rows = [
        (f"p{target}", "1", f"t{judge}", float(one))
        for target, own in enumerate(ratings)
        for judge, one in enumerate(own)
    ]
    table = pd.DataFrame(rows, columns=["subject", "session", "task", "prediction"])
    found = reliability(table)
    assert found is not None
    assert found["icc"]["value"] == pytest.approx(0.2898, abs=1e-4) and found["n"] == 6
    # Mean squares of the same table: between judges 32.49, residual 1.02.
    assert found["sem"]["value"] == pytest.approx(np.sqrt((32.4861 - 1.0194) / 6 + 1.0194), abs=1e-3)
    assert found["detectable"]["value"] == pytest.approx(1.96 * np.sqrt(2) * found["sem"]["value"])
    assert reliability(table[table["task"] == "t0"]) is None
    alike = reliability(table.assign(prediction=3.0))
    assert alike is not None and alike["icc"] == NOTHING and alike["sem"]["value"] == 0


def test_memory_and_severity_are_weights_of_a_regression() -> None:
    rng = np.random.default_rng(2)
    table = videos().assign(identity=lambda t: t.groupby("subject")["label"].transform("first") + 3)
    table["prediction"] = 2 + 0.2 * table["label"] + 0.7 * table["identity"] + rng.normal(0, 1, len(table))
    found = memory_weight(table)
    fit = LinearRegression().fit(table[["label", "identity"]], table["prediction"])
    assert [found[name]["value"] for name in ("severity", "memory")] == pytest.approx(fit.coef_.tolist())
    for name, true in (("severity", 0.2), ("memory", 0.7)):
        assert found[name]["low"] < true < found[name]["high"]
    same = memory_weight(table.assign(identity=table["label"]))
    assert same["severity"] == same["memory"] == NOTHING


def test_group_gaps_are_at_the_same_label() -> None:
    table = videos()
    uneven = table.assign(
        label=table["label"] + 10 * (table["group"] == "B"),
        prediction=table["prediction"] + 5 * (table["group"] == "B"),
    )
    found = group_gaps(uneven, ["A", "B"])
    own = (uneven["group"] == "B").astype(float)
    fit = LinearRegression().fit(uneven[["label"]].assign(own=own), uneven["prediction"])
    assert found["B"]["value"] == pytest.approx(fit.coef_[1])
    assert found["A"]["value"] == pytest.approx(-fit.coef_[1])
    assert group_gaps(table, ["A"]) == {}


def test_all_of_it_is_plain_numbers_whatever_is_missing() -> None:
    table = videos()
    baselines = table[["recording"]].assign(identity=table.groupby("subject")["label"].transform("mean") + 1)
    whole = validity(table, baselines, scale_of(None, (0, 63)))
    assert whole["memory"]["people"] == 45 and set(whole["screening"]) == {"14", "20"}
    other = validity(
        table.iloc[:1].assign(seen_subject=False, group=""), baselines, SeverityScale("score", (0, 63))
    )
    assert other["screening"] is other["memory"] is other["reliability"] is None
    for found in (whole, other, validity(table, None, scale_of(None, (0, 63)))):
        json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("said", ["constant", "perfect"])
def test_what_nobody_changes_has_no_interval(said: str) -> None:
    """A constant, and a perfect screening, are the same without each person: that is no certainty."""
    table = sessions(videos(50))
    table["prediction"] = 15.0 if said == "constant" else table["label"]
    row = screening(table, (14,))["14"]
    changing = {"macro_f1"} if said == "constant" else set()  # with the share of those above
    for name in set(row) - {"n_above", "people_above"} - changing:
        assert row[name]["value"] is not None
        assert row[name]["low"] is row[name]["high"] is None, name
    agreement = change(table)["agreement"]
    assert agreement["value"] == (said == "perfect") and agreement["low"] is agreement["high"] is None


def test_what_a_constant_says_of_change_and_memory_is_not_certain() -> None:
    table = videos().assign(identity=lambda t: t["label"].shift(3, fill_value=9.0), prediction=12.0)
    for found in (
        change(sessions(table))["slope"],
        memory_weight(table)["memory"],
        group_gaps(table, "AB")["A"],
    ):
        assert found["value"] == pytest.approx(0, abs=1e-9) and found["low"] is None
