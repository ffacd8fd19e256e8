"""Verdicts in words: what is shown, what is open, and what it would take."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.dealt import dealt_to_others
from stan_lightning.evaluation.findings import BETTER, NOTE, OPEN, WORSE, findings
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table

RANGE = (0.0, 63.0)
MEDIAN = "predicting the training median"


def evaluated(label, prediction, subject, training=(("t", 10.0), ("u", 12.0)), selected=(), **columns):
    """Numbers of one window a video."""
    names = [f"r{number}" for number in range(len(label))]
    recordings = pd.DataFrame({"recording": names, "subject": subject, "label": np.asarray(label, float)})
    recordings = recordings.assign(session="1", task="F", partition="test", group="").assign(**columns)
    windows = pd.DataFrame({"recording": names, "window": 0, "output": np.asarray(prediction) / 63})
    sessions = TrainingSessions.from_rows([(who, "0", score) for who, score in training])
    known = sessions if training else None
    predictions = predictions_table(windows, recordings, RANGE, known)
    baselines = baseline_table(predictions, known, selected=selected)
    found = metrics(predictions, windows, baselines, scale_of(None, RANGE))
    return found | {"partition": "test", "score_range": RANGE}


def people(n=30, told=0.8, seed=0):
    random = np.random.default_rng(seed)
    label = np.round(np.clip(random.gamma(1.1, 12.5, n), 0, 63))
    return (
        label,
        np.clip(told * label + (1 - told) * 12 + random.normal(0, 2, n), 0, 63),
        [f"p{i}" for i in range(n)],
    )


def about(found, what):
    (line,) = [one for one in findings(found) if what in one.text]
    return line


def test_what_is_shown_to_be_better_says_by_how_much():
    found = evaluated(*people())
    first = findings(found)[0]
    row = found["baselines"]["train_median"]
    difference = row["mae_difference"]
    expected = f"MAE {found['video']['mae']['value']:.1f} against {row['mae']['value']:.1f}, difference "
    expected += f"{difference['value']:z.1f} [{difference['low']:z.1f}, {difference['high']:z.1f}]"
    assert (first.mark, first.text) == (BETTER, f"better than {MEDIAN} ({expected})")
    assert about(found, "RMSE").text.startswith("better than predicting the training mean (RMSE")
    assert about(found, "swapped between people").mark == BETTER
    assert about(found, "no subject here was trained on").mark == NOTE
    assert about(found, "one training: the variance between trainings is unknown").mark == NOTE


def test_what_is_open_says_between_what_and_how_many_people_it_takes():
    label, _, subject = people(told=0)
    found = evaluated(label, 12 + np.random.default_rng(5).normal(0, 4, 30), subject)
    line = about(found, MEDIAN)
    difference = found["baselines"]["train_median"]["mae_difference"]
    assert line.mark == OPEN and line.text.startswith(f"not shown to be better than {MEDIAN} (MAE")
    assert f"from {-difference['low']:.1f} better to {difference['high']:.1f} worse" in line.text
    error = (difference["high"] - difference["low"]) / 2 / stats.t.ppf(0.975, 29)
    least = error * (stats.t.ppf(0.975, 29) + stats.t.ppf(0.8, 29))
    assert f"80 % power for {least:.1f} points, for 1 point with about" in line.text
    needed = int(line.text.split("about ")[1].split(" people")[0])
    assert needed == pytest.approx(max(30 * least**2, 10), rel=0.06)
    assert about(found, "not shown to distinguish people").mark == OPEN
    worse = evaluated(label, np.full(30, 60.0), subject)
    assert about(worse, MEDIAN).mark == WORSE


@pytest.mark.parametrize("n", [1, 2, 3, 9])
def test_below_the_floor_there_is_no_verdict(n):
    lines = findings(evaluated(*people(n)))
    assert {line.mark for line in lines} == {OPEN, NOTE}
    assert f"too few people ({n}; 10 are needed) to compare with {MEDIAN}" in lines[0].text


def test_people_are_told_apart_by_what_training_knew_of_them():
    label, prediction, subject = people(40)
    training = [(f"p{number}", label[number]) for number in range(12)]
    selected = {f"p{number}" for number in range(8, 24)}
    found = evaluated(label, prediction, subject, training, selected)
    assert [found[key]["people"] for key in ("seen", "unseen", "selected", "new")] == [12, 28, 12, 16]
    error = np.abs(prediction - label)
    assert found["selected"]["mae"]["value"] == pytest.approx(error[12:24].mean())
    assert found["new"]["mae"]["value"] == pytest.approx(error[24:].mean())
    median = np.median(label[:12])
    alone = found["new"]["baselines"]["train_median"]
    assert alone["mae"]["value"] == pytest.approx(np.abs(label[24:] - median).mean())
    assert alone["mae_difference"]["value"] == pytest.approx((error - np.abs(label - median))[24:].mean())
    assert found["baselines"]["identity"]["mae"]["value"] < alone["mae"]["value"]
    assert len([one for one in findings(found) if one.text.startswith("for the 16 new people ")]) == 2
    assert about(found, "knowing who it is").mark == BETTER
    nobody = evaluated(label[:20], prediction[:20], subject[:20], training, selected)
    assert about(nobody, "error on new people is unknown").mark == NOTE and nobody["new"]["baselines"] is None


def test_what_must_be_known_of_the_recordings_is_said():
    label, prediction, subject = people(12)
    prediction[0] = 70.0
    found = evaluated(np.r_[label, label[:1] + 2], np.r_[prediction, 5.0], [*subject, "p0"])
    assert (
        about(found, "1 predictions lie above 63, the highest score; they are left as they are").mark == NOTE
    )
    assert about(found, "1 sessions hold videos of different labels: their label is the mean").mark == NOTE
    assert "this partition selected the epoch" in about(found | {"partition": "dev"}, "optimistic").text
    assert about(found | {"partition": "train"}, "fitted on these recordings").mark == NOTE
    unknown = evaluated(*people(12), training=())
    assert "the training set is unknown" in findings(unknown)[0].text
    unlabelled = evaluated(np.full(3, np.nan), np.ones(3), list("abc"))
    assert [line.text.split(":")[0] for line in findings(unlabelled)] == ["no labels"]


def test_predictions_are_dealt_to_every_other_person():
    label, prediction, subject = people(11, told=0.3, seed=4)
    subject[1] = subject[0]  # two videos of one person
    found = dealt_to_others(label, prediction, subject)
    names, total = sorted(set(subject)), 0.0
    mine = {name: [prediction[i] for i in range(11) if subject[i] == name] for name in names}
    for row in range(11):
        total += np.mean(
            [np.mean(np.abs(np.array(mine[one]) - label[row])) for one in names if one != subject[row]]
        )
    assert found["mae"] == pytest.approx(total / 11)
    assert 0 < found["p"] <= 1 and found == dealt_to_others(label, prediction, subject)
    alike = dealt_to_others(label, np.full(11, 9.0), subject)
    assert alike["p"] == 1.0 and alike["mae"] == pytest.approx(np.abs(label - 9).mean())
    assert dealt_to_others(label, label, subject)["p"] < 0.01


def test_bands_have_the_bias_of_a_calibrated_prediction_beside_their_own():
    label, prediction, subject = people(40)
    found = evaluated(label, prediction, subject)
    severe, share = label >= 29, np.corrcoef(label, prediction)[0, 1] ** 2
    row = found["by_band"]["severe"]
    assert set(row) == {"n", "people", "mae", "bias", "bias_expected"} and row["people"] == severe.sum()
    assert row["bias"]["value"] == pytest.approx((prediction - label)[severe].mean())
    expected = (1 - share) * (label.mean() - label[severe].mean())
    assert row["bias_expected"]["value"] == pytest.approx(expected)
