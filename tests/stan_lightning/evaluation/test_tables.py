"""Tables and metrics.json's numbers from made-up windows, recomputed by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.tables import (
    PREDICTIONS,
    baseline_table,
    metrics,
    missing_recordings,
    predictions_table,
)
from stan_lightning.evaluation.verdict import table

RANGE = (0.0, 63.0)
TRAINING = TrainingSessions.from_rows([("s0", "x", 4), ("s1", "x", 30), ("other", "x", 10)])


def corpus(n_subjects=12, seed=0):
    """Two videos a session, up to two sessions a subject; one to three windows a video."""
    rng = np.random.default_rng(seed)
    recordings, windows = [], []
    for person in range(n_subjects):
        for session in range(1 + person % 2):
            label = float(rng.integers(0, 45))
            for task in ("Freeform", "Northwind"):
                name = f"s{person}_{session}_{task}"
                group = "f" if person % 3 else "m"
                recordings.append((name, f"s{person}", str(session), task, "test", group, label, ""))
                for window in range(int(rng.integers(1, 4))):
                    output = float(rng.normal(label / 63, 0.1))
                    windows.append((name, window, 0, 9, 0.0, 0.3, output))
    columns = ["recording", "subject", "session", "task", "partition", "group", "label", "reason"]
    names = ["recording", "window", "first_frame", "last_frame", "start_s", "end_s", "output"]
    return pd.DataFrame(recordings, columns=columns), pd.DataFrame(windows, columns=names)


def evaluated(recordings, windows, training=TRAINING, score_range=RANGE):
    predictions = predictions_table(windows, recordings, score_range, training)
    baselines = baseline_table(predictions, training)
    return predictions, metrics(predictions, windows, baselines, scale_of(None, score_range))


def test_a_videos_score_is_the_mean_of_clipped_windows():
    recordings, _ = corpus(1)
    windows = pd.DataFrame(
        [("s0_0_Freeform", 0, 0, 9, 0.0, 0.3, -0.5), ("s0_0_Freeform", 1, 9, 18, 0.3, 0.6, 0.5)],
        columns=["recording", "window", "first_frame", "last_frame", "start_s", "end_s", "output"],
    )
    predictions = predictions_table(windows, recordings, RANGE, TRAINING)
    assert list(predictions.columns) == list(PREDICTIONS)
    row = predictions.iloc[0]
    assert (len(predictions), row["prediction"], row["n_windows"]) == (1, 15.75, 2)
    assert row["sd_windows"] == pytest.approx(np.std([0, 31.5], ddof=1))
    assert row["seen_subject"]
    assert missing_recordings(recordings.assign(reason="no face"), predictions) == [
        {"recording": "s0_0_Northwind", "reason": "no face"}
    ]


def test_numbers_are_those_of_their_rows():
    recordings, windows = corpus()
    predictions, numbers = evaluated(recordings, windows)
    error = (predictions.prediction - predictions.label).abs()
    assert numbers["video"]["mae"]["value"] == pytest.approx(error.mean())
    assert numbers["video"]["n"] == 36
    assert (numbers["clip"]["n"], numbers["session"]["n"], numbers["subject"]["n"]) == (len(windows), 18, 12)
    assert numbers["seen"]["n"] + numbers["unseen"]["n"] == 36
    assert numbers["seen"]["mae"]["value"] == pytest.approx(
        error[predictions.subject.isin(["s0", "s1"])].mean()
    )
    for column, key in (("task", "by_task"), ("group", "by_group")):
        for name, part in numbers[key].items():
            assert part["mae"]["value"] == pytest.approx(error[predictions[column] == name].mean())
    assert sum(part["n"] for part in numbers["by_band"].values()) == 36
    assert set(numbers["video"]["bias_by_band"]) == set(numbers["by_band"])


def test_baselines_say_what_training_says():
    recordings, windows = corpus()
    predictions, numbers = evaluated(recordings, windows)
    said = {"train_median": 10.0, "train_mean": 44 / 3}
    for name, value in said.items():
        assert numbers["baselines"][name]["mae"]["value"] == pytest.approx(
            (predictions.label - value).abs().mean()
        )
        assert numbers["baselines"][name]["pearson"]["value"] is None
        assert numbers["baselines"][name]["ccc"]["value"] == 0
    identity = predictions.subject.map({"s0": 4.0, "s1": 30.0}).fillna(10.0)
    row = numbers["baselines"]["identity"]
    assert row["mae"]["value"] == pytest.approx((predictions.label - identity).abs().mean())
    expected = numbers["video"]["mae"]["value"] - row["mae"]["value"]
    assert row["mae_difference"]["value"] == pytest.approx(expected)
    assert row["mae_difference"]["low"] < expected < row["mae_difference"]["high"]


def test_no_training_set_leaves_baselines_and_seen_null():
    predictions, numbers = evaluated(*corpus(), training=None)
    assert (numbers["baselines"], numbers["seen"], numbers["unseen"]) == (None, None, None)
    assert predictions.seen_subject.isna().all()


def test_no_labels_still_gives_predictions():
    recordings, windows = corpus()
    predictions, numbers = evaluated(recordings.assign(label=np.nan), windows)
    assert len(predictions) == 36 and predictions.prediction.notna().all()
    assert numbers["video"]["n"] == 0 and numbers["video"]["mae"]["value"] is None
    json.dumps(numbers, allow_nan=False)


def test_one_missing_label_only_costs_its_video():
    recordings, windows = corpus()
    recordings.loc[0, "label"] = np.nan
    _, numbers = evaluated(recordings, windows)
    assert numbers["video"]["n"] == 35
    assert numbers["clip"]["n"] == (windows.recording != recordings.recording[0]).sum()
    json.dumps(numbers, allow_nan=False)


def test_another_score_range_has_no_bands():
    _, numbers = evaluated(*corpus(), score_range=(0, 24))
    assert "f1_14" not in numbers["video"] and "bias_by_band" not in numbers["video"]
    assert numbers["by_band"] is None


def test_the_table_has_a_row_for_each_baseline():
    _, numbers = evaluated(*corpus())
    numbers |= {"partition": "test", "protocol": "official"}
    assert table(numbers).row_count == 7
    ridges = {name: {"reason": "nobody knows"} for name in ("nuisance", "behaviour")}
    assert table(numbers | {"baselines": None, "ridges": ridges}).row_count == 4
    old = {name: row for name, row in numbers["baselines"].items() if row}
    assert len(old) == 3 and table(numbers | {"baselines": old}).row_count == 5
