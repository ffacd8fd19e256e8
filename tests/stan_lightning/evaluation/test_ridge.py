"""The simple baselines: fitted on whom the network was trained on, and on nothing else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from stan_boundary.configs import CONF
from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.findings import findings
from stan_lightning.evaluation.ridge import fitted, ridge_baselines
from stan_lightning.evaluation.tables import baseline_table, metrics, predictions_table
from stan_lightning.evaluation.verdict import not_fitted

RANGE = (0.0, 63.0)
PEOPLE = {
    "train": [str(number) for number in range(1, 25)],
    "dev": ["30", "31"],
    "test": [str(number) for number in range(40, 56)],
}


def opened(root, *overrides):
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [f"data.root={root}", "data.clip_frames=8", *overrides])
    data = instantiate(config.data, _convert_="all")
    data.setup("test")
    return data, TrainingSessions.from_table(data.tables["train"])


def evaluated(data, training, partition="test", guess=20.0):
    """Metrics of a network that says the same of everybody."""
    recordings = data.tables[partition].assign(partition=partition)
    windows = pd.DataFrame({"recording": recordings["recording"], "window": 0, "output": guess / 63})
    predictions = predictions_table(windows, recordings, RANGE, training)
    said, facts = ridge_baselines(data, partition, training)
    baselines = baseline_table(predictions, training, said)
    found = metrics(predictions, windows, baselines, scale_of(None, RANGE))
    return found | {"ridges": facts, "partition": partition, "score_range": RANGE}, baselines


def said_of(found, name):
    """What is said of one of the two, with its mark."""
    (line,) = [str(one) for one in findings(found) if name in one.text]
    return line


def behave(root: Path, tells, without=(), signal="behaviour"):
    """Signals in which `smile` is what `tells` says of a manifest row."""
    folder = root / "signals" / signal
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    for row in pd.read_csv(root / "manifest.csv").to_dict("records"):
        if str(row["subject"]) not in without:
            table = pd.DataFrame({"time_s": np.arange(10) / 30})
            table["smile"] = tells(row) + random.normal(0, 0.5, 10)
            table["noise"] = random.normal(0, 1, 10)
            table.to_csv(folder / f"{row['recording']}.csv", index=False)


@pytest.fixture
def alike(make_crops):
    """Crops of many people that look alike: neither light nor length tells the score."""

    def make(n_frames=lambda row, random: int(random.integers(6, 40))):
        root = make_crops(PEOPLE, n_frames=4)
        random = np.random.default_rng(0)
        table = pd.read_csv(root / "manifest.csv", dtype=str)
        table["label"] = [str(score) for score in random.integers(0, 45, len(table))]
        table["n_source_frames"] = [str(n_frames(row, random)) for row in table.to_dict("records")]
        table["n_frames"] = "4"
        for recording in table["recording"][1:]:
            (root / f"{recording}.zip").write_bytes((root / f"{table['recording'][0]}.zip").read_bytes())
        table.to_csv(root / "manifest.csv", index=False)
        return root

    return make


def test_longer_videos_of_higher_scores_are_unmasked(alike):
    root = alike(lambda row, random: 60 + 30 * int(row["label"]) + random.integers(0, 90))
    found, _ = evaluated(*opened(root))
    row = found["baselines"]["nuisance"]
    assert row["mae"]["value"] < 4 and row["median_difference"]["high"] < 0
    assert next(iter(found["ridges"]["nuisance"]["weights"])) == "duration_s"
    said = said_of(found, "length, light and sound alone")
    assert said.startswith("- worse than the recording's length") and "no information beyond them" in said
    assert "which predict the score better than the median" in said
    assert not any("statistics of behaviour" in one.text for one in findings(found))
    assert not_fitted(found) == ["shortcut: behaviour: not fitted: these crops have no behaviour signal"]


def test_behaviour_that_tells_is_named_and_length_that_does_not_is_not(alike):
    root = alike()
    behave(root, lambda row: row["label"] / 10)
    found, _ = evaluated(*opened(root))
    assert found["baselines"]["behaviour"]["mae"]["value"] < 3
    assert next(iter(found["ridges"]["behaviour"]["weights"])).startswith("smile")
    assert "which predict the score better than the median" in said_of(
        found, "simple statistics of behaviour"
    )
    assert "which tell" not in said_of(found, "length, light and sound")
    assert found["baselines"]["nuisance"]["median_difference"]["high"] >= 0
    assert not not_fitted(found)


def test_prosody_takes_part_where_crops_have_it(alike):
    root = alike()
    found, baselines = evaluated(*opened(root))
    assert "prosody" not in found["baselines"] and "prosody" not in found["ridges"]
    assert not any("prosody" in one for one in (*baselines.columns, *not_fitted(found)))
    behave(root, lambda row: row["label"] / 10, signal="prosody")
    found, baselines = evaluated(*opened(root))
    assert found["baselines"]["prosody"]["mae"]["value"] < 3 and baselines["prosody"].nunique() > 5
    assert "which predict the score better than the median" in said_of(found, "statistics of prosody")
    for file in (root / "signals" / "prosody").glob("*.csv"):
        if file.stem.split("_")[0] in PEOPLE["test"]:
            file.unlink()
    found, baselines = evaluated(*opened(root))
    assert found["baselines"]["prosody"] is None and baselines["prosody"].isna().all()
    assert "no recording that is evaluated has a prosody signal" in found["ridges"]["prosody"]["reason"]


def test_what_tells_nothing_beats_no_median(alike):
    root = alike()
    behave(root, lambda row: 0)
    found, _ = evaluated(*opened(root))
    for name in ("nuisance", "behaviour"):
        assert found["baselines"][name]["median_difference"]["high"] >= 0
        assert found["ridges"][name]["nothing"]
    assert (
        said_of(found, "behaviour")
        == "  simple statistics of behaviour: no feature found that predicts the score"
    )


def test_a_network_that_sees_nothing_has_the_same_baselines(alike):
    """Nuisance is measured on the crops, also where none of them is read for the network."""
    root = alike()
    behave(root, lambda row: row["label"] / 10)
    said = [
        ridge_baselines(data, "test", training)[0]
        for data, training in (opened(root), opened(root, "data.modalities=[behaviour]"))
    ]
    pd.testing.assert_frame_equal(*said, check_exact=True)


@pytest.mark.parametrize("partition", ["dev", "test"])
@pytest.mark.parametrize("what", ["noise", "none"])
def test_no_label_of_dev_or_test_is_touched(alike, partition, what):
    root = alike()
    behave(root, lambda row: row["label"] / 10)
    data, training = opened(root)
    before, _ = ridge_baselines(data, partition, training)
    for name in ("dev", "test"):
        noise = np.random.default_rng(9).uniform(0, 63, len(data.tables[name]))
        data.tables[name] = data.tables[name].assign(label=noise if what == "noise" else np.nan)
    after, _ = ridge_baselines(data, partition, training)
    pd.testing.assert_frame_equal(before, after, check_exact=True)
    assert before["nuisance"].notna().all() and before["behaviour"].nunique() > 1
    data.tables["train"] = data.tables["train"].assign(label=data.tables["train"]["label"].to_numpy()[::-1])
    assert not ridge_baselines(data, partition, training)[0]["behaviour"].equals(after["behaviour"])


def test_only_whom_the_checkpoint_names_is_learnt_from(alike):
    """Crops may hold more in their train partition than the network was trained on."""
    root = alike()
    data, training = opened(root)
    some = TrainingSessions(training.sessions[:12])
    said, facts = ridge_baselines(data, "test", some)
    assert facts["nuisance"]["n_subjects"] == 12
    others = ~data.tables["train"]["subject"].isin(some.subjects)
    data.tables["train"].loc[others, "label"] = 63.0
    pd.testing.assert_frame_equal(said, ridge_baselines(data, "test", some)[0], check_exact=True)


def test_recordings_without_a_signal_are_imputed_and_counted(alike):
    root = alike()
    behave(root, lambda row: row["label"] / 10, without=("1", "2", "40", "41", "42"))
    found, baselines = evaluated(*opened(root))
    assert found["ridges"]["behaviour"]["n_without"] == 3
    said = baselines.set_index("recording")["behaviour"]
    imputed = [said[f"{name}_3_Freeform"] for name in ("40", "41", "42")]
    assert np.ptp(imputed) == 0 and said.nunique() > 5


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        (PEOPLE["train"], "no recording that was trained on has a behaviour signal"),
        (PEOPLE["test"], "no recording that is evaluated has a behaviour signal"),
    ],
)
def test_one_side_without_signals_says_which(alike, without, reason):
    root = alike()
    behave(root, lambda row: 1, without=without)
    found, _ = evaluated(*opened(root))
    assert found["baselines"]["behaviour"] is None and found["ridges"]["behaviour"] == {"reason": reason}


def test_without_its_training_recordings_a_ridge_says_so(alike):
    data, training = opened(alike())
    data.tables["train"] = data.tables["train"].iloc[:0]
    found, _ = evaluated(data, training)
    assert found["baselines"]["train_median"]["n"] == 16 and found["baselines"]["nuisance"] is None
    assert all("hold no labelled recording" in row["reason"] for row in found["ridges"].values())
    said, facts = ridge_baselines(data, "test", None)
    assert said[["nuisance", "behaviour"]].isna().all(axis=None)
    assert facts["nuisance"] == {"reason": "no training set is known"}


def test_folds_follow_the_subjects_and_too_few_are_refused():
    random = np.random.default_rng(0)
    known = pd.DataFrame({"subject": list("aabbccdd"), "label": random.uniform(0, 40, 8)})
    features = pd.DataFrame({"x": known["label"] + random.normal(0, 1, 8), "never": np.nan})
    said, facts = fitted(features, known, features, RANGE)
    assert (facts["n_folds"], facts["n_subjects"], facts["weights"]["never"]) == (4, 4, 0)
    assert np.abs(said - known["label"]).mean() < 3
    said, facts = fitted(features[:4], known[:4], features, RANGE)
    assert np.isnan(said) and facts == {
        "reason": "2 training subjects are too few for folds by subject; 3 are needed"
    }


def test_what_is_said_stays_within_the_range():
    known = pd.DataFrame({"subject": list("abcdef"), "label": [0.0, 10, 20, 30, 40, 50]})
    features = pd.DataFrame({"x": known["label"]})
    said, _ = fitted(features, known, pd.DataFrame({"x": [-500.0, 500.0]}), RANGE)
    assert list(said) == [0, 63]
