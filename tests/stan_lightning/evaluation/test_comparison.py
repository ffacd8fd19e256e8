"""Any two that scored the same recordings, and runs that differ by seed alone as one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation import received, results
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.comparison import APART, contenders, holm, matrix, p_value, paired
from stan_lightning.evaluation.ensemble import ensembles
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.runs import Run, by_seed, repeated_seeds
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table

RANGE = [0.0, 63.0]
TRAINING = TrainingSessions.from_rows([("t", "1", 4.0), ("u", "1", 30.0)])


def scored(name, seed=0, people=range(20), sd=3.0, ridges=None, settings=None, labels=None):
    """A run whose error has a spread of `sd` points; two videos a person."""
    random = np.random.default_rng(seed)
    names = [f"p{person:02}_{video}" for person in people for video in range(2)]
    recordings = pd.DataFrame({"recording": names, "subject": [one[:3] for one in names], "session": "1"})
    recordings = recordings.assign(task="F", partition="test", group="")
    recordings["label"] = [float(int(one[1:3]) * 7 % 45) for one in names] if labels is None else labels
    points = recordings.label.fillna(0) + 10 + random.normal(0, sd, len(names))
    windows = pd.DataFrame({"recording": names, "window": 0, "first_frame": 0, "last_frame": 9})
    windows = windows.assign(start_s=0.0, end_s=1.0, output=points / 63)
    predictions = predictions_table(windows, recordings, RANGE, TRAINING)
    said = None if ridges is None else pd.DataFrame({"recording": names, **ridges})
    baselines = baseline_table(predictions, TRAINING, said)
    numbers = {"protocol": "official", "partition": "test", "seed": seed, "n_train_subjects": 2}
    numbers |= metrics(predictions, windows, baselines, scale_of(None, RANGE))
    numbers |= {"n_expected": len(names), "n_missing": 0, "missing": [], "score_range": RANGE}
    numbers |= {"versions": {}, "intervals": received.INTERVALS}
    evaluation = results.Evaluation(numbers, predictions, windows, baselines)
    return Run(name, Path(name), evaluation, settings or {"model": name})


def test_two_runs_are_compared_on_what_both_scored():
    one, other = contenders([scored("face", 1), scored("audio", 2, people=range(10, 30), sd=8)])
    pair = paired(one, other)
    n, metric = pair.n, pair.difference
    assert pair.people == 10
    both = one.scored.merge(other.scored, on="recording")
    expected = (both.prediction_x - both.label_x).abs() - (both.prediction_y - both.label_y).abs()
    assert n == 20 and metric["value"] == pytest.approx(expected.mean())
    turned = paired(other, one).difference
    assert pair.turned().difference == pytest.approx(turned)
    assert turned["value"] == -metric["value"]
    assert (turned["low"], turned["high"]) == pytest.approx((-metric["high"], -metric["low"]))
    cells = matrix([one, other], intervals=True)
    assert cells[0][0] == "" and cells[0][1].endswith("20 recordings")


def test_a_star_marks_an_interval_without_zero():
    same, worse = scored("a", 1), scored("b", 1)
    worse = replace(
        worse, evaluation=replace(worse.evaluation, predictions=worse.evaluation.predictions.copy())
    )
    worse.evaluation.predictions["prediction"] += 5
    found = contenders([scored("face", 1), same, worse])
    cells = matrix(found, intervals=False)
    assert cells[0] == ["", "0.0", "-5.0*"] and cells[2] == ["5.0*", "5.0*", ""]
    assert matrix(found, intervals=True)[2][0] == "5.00* [5.00, 5.00]"


def test_ridges_take_part_once_where_they_say_the_same():
    ridges = {"nuisance": 12.0, "behaviour": np.linspace(0, 40, 40)}
    runs = [scored("face", 1, ridges=ridges), scored("audio", 2, ridges=ridges), scored("old", 3)]
    found = contenders(runs)
    assert [one.name for one in found] == [
        "face",
        "audio",
        "old",
        "shortcut: nuisance",
        "shortcut: behaviour",
    ]
    assert (
        paired(found[0], found[3]).difference
        == runs[0].evaluation.metrics["baselines"]["nuisance"]["mae_difference"]
    )
    other = scored("other", 4, ridges=ridges | {"nuisance": 13.0})
    names = [one.name for one in contenders([*runs, other])][4:]
    assert names == ["shortcut: nuisance (face)", "shortcut: nuisance (other)", "shortcut: behaviour"]


def test_what_is_only_called_alike_is_not_compared():
    """Two drawn corpora have the same recordings' names, and other people's labels."""
    runs = [scored("one", 1), scored("other", 2, labels=np.arange(40.0)), scored("apart", 3, people=[50])]
    cells = matrix(contenders(runs), intervals=True)
    assert cells[0][1] == cells[1][0] == cells[2][0] == APART
    unlabelled = scored("none", 4, labels=np.full(40, np.nan))
    assert paired(*contenders([runs[0], unlabelled])) is None


def test_an_ensemble_is_the_mean_of_seeds_with_intervals_of_its_own():
    ridges = {"nuisance": 12.0, "behaviour": 9.0}
    seeds = [scored(f"s{seed}", seed, sd=8, settings={"k": "2"}, ridges=ridges) for seed in range(3)]
    (found,) = ensembles([*seeds, scored("other", 9)])
    predictions = found.evaluation.predictions
    mean = np.mean([run.evaluation.predictions.prediction for run in seeds], axis=0)
    assert predictions.prediction.to_numpy() == pytest.approx(mean)
    numbers = found.evaluation.metrics
    error = np.abs(mean - predictions.label)
    assert numbers["video"]["mae"]["value"] == pytest.approx(error.mean())
    assert numbers["video"]["mae"]["low"] < error.mean() < numbers["video"]["mae"]["high"]
    maes = [run.evaluation.metrics["video"]["mae"]["value"] for run in seeds]
    said = numbers["ensemble"]
    assert said["runs"] == ["s0", "s1", "s2"] and said["mean_mae"] == pytest.approx(np.mean(maes))
    assert said["mae_difference"]["value"] == pytest.approx(error.mean() - np.mean(maes))
    assert said["mae_difference"]["high"] < 0
    for name in ("train_median", "nuisance", "behaviour"):
        alone = seeds[0].evaluation.metrics["baselines"][name]["mae"]
        assert numbers["baselines"][name]["mae"] == alone
        difference = error.mean() - alone["value"]
        assert numbers["baselines"][name]["mae_difference"]["value"] == pytest.approx(difference)


def test_an_ensemble_is_of_what_all_runs_scored():
    seeds = [scored("s0", 0, settings={"k": "2"}), scored("s1", 1, range(5, 30), settings={"k": "2"})]
    (found,) = ensembles(seeds)
    names = found.evaluation.predictions.recording
    assert len(names) == 30 and names.min() == "p05_0" and names.max() == "p19_1"
    assert found.evaluation.metrics["video"]["n"] == 30


def test_an_ensembles_clips_are_those_of_its_videos():
    """Its window is the mean of clipped windows, as its video is the mean of videos of clipped windows."""
    seeds = [scored(f"s{seed}", seed, sd=30, settings={"k": "2"}) for seed in range(2)]
    assert any((run.evaluation.windows.output < 0).any() for run in seeds)
    (found,) = ensembles(seeds)
    assert found.evaluation.metrics["clip"]["mae"] == pytest.approx(found.evaluation.metrics["video"]["mae"])


def test_a_seed_that_is_there_twice_counts_once_and_is_said():
    runs = [scored(f"run{number}", seed, settings={"k": "2"}) for number, seed in enumerate((0, 1, 2, 2))]
    ((*names,),) = [[run.name for run in group] for group in by_seed(runs)]
    assert names == ["run0", "run1", "run2"] and len(ensembles(runs)) == 1
    assert repeated_seeds(runs) == ["run3 has the settings and the seed of run2: over seeds it is left out"]
    assert repeated_seeds(runs[:3]) == [] and by_seed(runs[2:]) == []


def test_p_belongs_to_the_interval_and_holm_corrects_it():
    values = np.random.default_rng(0).normal(1, 2, 15)
    from_t = stats.ttest_1samp(values, 0)
    low, high = from_t.confidence_interval()
    found = p_value({"value": values.mean(), "low": low, "high": high}, 15)
    assert found == pytest.approx(from_t.pvalue)
    assert p_value({"value": 1.0, "low": None, "high": None}, 5) is None
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.6, 0.9]) == [1.0, 1.0]


def test_a_recipe_has_an_interval_over_runs_and_people():
    seeds = [scored(f"s{seed}", seed, sd=8, settings={"k": "2"}) for seed in range(3)]
    (found,) = ensembles(seeds)
    numbers = found.evaluation.metrics
    mae, difference = numbers["over_runs"]["mae"], numbers["over_runs"]["median_difference"]
    maes = [run.evaluation.metrics["video"]["mae"]["value"] for run in seeds]
    assert mae["value"] == pytest.approx(np.mean(maes)) and (mae["runs"], mae["people"]) == (3, 20)
    median = numbers["baselines"]["train_median"]["mae"]["value"]
    assert difference["value"] == pytest.approx(np.mean(maes) - median)
    said = findings(numbers)[0].text
    assert said.startswith("a training of this recipe, over 3 runs and 20 people, is ")
    assert f"{100 * mae['run_share']:.0f} % of the variance is between runs" in said
    assert not any("another seed" in one.text for one in findings(numbers))
