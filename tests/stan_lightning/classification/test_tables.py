"""From windows to recordings, sessions and baselines."""

import numpy as np
import pandas as pd
import pytest

from stan_lightning.classification import tables
from stan_lightning.classification.findings import findings
from stan_lightning.evaluation.baselines import TrainingSessions

CLASSES = ["control", "depressed"]
TRAINING = TrainingSessions.from_rows(
    [("p0", "t", "control"), ("p1", "t", "depressed"), ("q", "t", "control"), ("p2", "t", "")], CLASSES
)


def windows_of(chances: dict[str, list[float]]) -> pd.DataFrame:
    rows = [
        {"recording": name, "window": number, "probability_control": 1 - one, "probability_depressed": one}
        for name, many in chances.items()
        for number, one in enumerate(many)
    ]
    return pd.DataFrame(rows)


def recordings_of(labels: dict[str, str], sessions: dict[str, str] | None = None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "recording": list(labels),
            "subject": [name.split("_")[0] for name in labels],
            "session": [(sessions or {}).get(name, name) for name in labels],
            "task": "F",
            "partition": "test",
            "group": "",
            "label": list(labels.values()),
        }
    )


def test_a_recording_is_the_mean_of_its_windows_probabilities() -> None:
    windows = windows_of({"p0_a": [0.2, 0.4], "p9_b": [0.9]})
    recordings = recordings_of({"p9_b": "depressed", "p0_a": "", "p5_none": "control"})
    found = tables.predictions_table(windows, recordings, CLASSES, TRAINING)
    assert found["recording"].tolist() == ["p9_b", "p0_a"]
    assert found["probability_depressed"].tolist() == pytest.approx([0.9, 0.3])
    assert found["predicted"].tolist() == ["depressed", "control"]
    assert found["n_windows"].tolist() == [1, 2] and found["seen_subject"].tolist() == [False, True]
    assert np.isnan(found["sd_windows"][0])
    assert found["sd_windows"][1] == pytest.approx(np.std([0.8, 0.6], ddof=1))


def test_the_training_sessions_give_majority_prevalence_and_identity() -> None:
    found = tables.predictions_table(
        windows_of({"p0_a": [0.2], "p1_b": [0.9], "p8_c": [0.9]}),
        recordings_of({"p0_a": "control", "p1_b": "depressed", "p8_c": "depressed"}),
        *(CLASSES, TRAINING),
    )
    table = tables.baseline_table(found, TRAINING, {}, CLASSES, {"p8"})
    assert table is not None
    assert table["exposure"].tolist() == ["trained on", "trained on", "selected on"]
    assert table["majority_control"].tolist() == [1, 1, 1]
    assert table["prevalence_control"].tolist() == pytest.approx([2 / 3] * 3)
    assert table["identity_depressed"].tolist() == pytest.approx([0, 1, 1 / 3])
    numbers = tables.metrics(found, table, CLASSES, 1)
    assert numbers["baselines"]["majority"]["accuracy"]["value"] == pytest.approx(1 / 3)
    assert numbers["baselines"]["majority"]["accuracy_difference"]["value"] == pytest.approx(2 / 3)
    assert numbers["baselines"]["nuisance"] is None and "prosody" not in numbers["baselines"]
    assert (numbers["seen"]["n"], numbers["selected"]["n"], numbers["new"]["n"]) == (2, 1, 0)


def test_a_session_of_two_labels_counts_by_recording_alone() -> None:
    labels = {"p0_a": "control", "p0_b": "depressed", "p1_a": "depressed", "p1_b": "depressed"}
    sessions = {"p0_a": "s", "p0_b": "s", "p1_a": "s", "p1_b": "s"}  # names are unique within a subject
    found = tables.predictions_table(
        windows_of({"p0_a": [0.2], "p0_b": [0.9], "p1_a": [0.9], "p1_b": [0.2]}),
        recordings_of(labels, sessions),
        *(CLASSES, None),
    )
    numbers = tables.metrics(found, None, CLASSES, 1)
    assert (numbers["video"]["n"], numbers["session"]["n"], numbers["n_sessions_of_two_labels"]) == (4, 1, 1)
    assert numbers["session"]["accuracy"]["value"] == 1  # the mean of .9 and .2
    assert numbers["baselines"] is None
    said = findings({**numbers, "partition": "test", "logistic": {}})
    assert "training set is unknown" in said[0].text


def verdicts(chance: float, people: int = 30) -> list[str]:
    """An evaluation of so many people, half of a class, whose class is given so much probability."""
    labels = {f"n{one}_a": CLASSES[one % 2] for one in range(people)}
    random = np.random.default_rng(0)
    right = np.clip(random.normal(chance, 0.05, people), 0.01, 0.99)
    own = np.where(np.array(list(labels.values())) == "depressed", right, 1 - right)
    said = {name: [one] for name, one in zip(labels, own.tolist(), strict=True)}
    found = tables.predictions_table(windows_of(said), recordings_of(labels), CLASSES, TRAINING)
    table = tables.baseline_table(found, TRAINING, {}, CLASSES)
    numbers = tables.metrics(found, table, CLASSES, 1)
    return [f"{one.mark}: {one.text}" for one in findings({**numbers, "partition": "test", "logistic": {}})]


def test_verdicts_say_better_worse_and_not_shown() -> None:
    assert verdicts(0.8)[0].startswith("better: better than always calling the commonest training class")
    assert verdicts(0.2)[0].startswith("worse: worse than always calling")
    assert verdicts(0.5)[0].startswith("open: not shown to be better than always calling")
    assert verdicts(0.8, people=8)[0].startswith("open: too few people (8; 10 are needed)")
    assert verdicts(0.8)[1].startswith("better: better than giving everybody the training frequencies (Brier")


def test_probabilities_that_mean_what_they_say_lie_on_the_diagonal() -> None:
    labels = {f"n{one}_a": CLASSES[int(one < 6)] for one in range(10)}
    found = tables.predictions_table(
        windows_of({name: [0.6] for name in labels}), recordings_of(labels), CLASSES, None
    )
    rows = tables.metrics(found, None, CLASSES, 1)["calibration"]
    assert rows == {"depressed": [{"n": 10, "people": 10, "probability": pytest.approx(0.6), "share": 0.6}]}
