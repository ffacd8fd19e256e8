"""Classes end to end: the commands in processes of their own, on synthetic subjects, and the page."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium import webdriver
from sklearn import metrics as reference

from stan_lightning import Model
from stan_lightning.data.notices import SYNTHETIC

pytestmark = pytest.mark.slow
CORPUS = [
    *("corpus=synthetic", "corpus.subjects=28", "corpus.sessions={train: 14, dev: 8, test: 16}"),
    "corpus.shared_subjects={train_dev: 2, train_test: 3, dev_test: 1, all_three: 2}",
    *("corpus.seconds=[2, 3]", "corpus.size=[160, 120]", "crop_size=48", "workers=1"),
]
TRAINING = [
    *("model=probe", "model/objective=classes", "data=synthetic", "data.clip_frames=null"),
    *("data.num_workers=0", "~model.network.grid", "+model.network.grid={C: [0.001, 0.01, 0.1, 1]}"),
    "model.network.reader._target_=sklearn.linear_model.LogisticRegression",
]
Once = Callable[[str, Callable[[Path], None]], Path]


def command(name: str, *arguments: object, fails: bool = False) -> str:
    """What a command says; it must succeed, or fail in one line."""
    environment = os.environ | {"COLUMNS": "200", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", name, *map(str, arguments)], capture_output=True, text=True, env=environment
    )
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def made(home: Path) -> None:
    """Crops of synthetic subjects, of two classes and of three, and a run of each."""
    command("preprocess", *CORPUS, f"output={home}/crops")
    manifest = home / "crops" / "manifest.csv"
    scores = pd.read_csv(manifest, dtype=str)
    points = scores["label"].astype(float)
    two = np.where(points >= 14, "depressed", "control")
    three = np.select([points >= 20, points >= 10], ["severe", "mild"], "none")
    for name, labels in (("two", two), ("three", three)):
        scores.assign(label=labels).to_csv(manifest, index=False)
        command("stan_lightning.train", *TRAINING, f"data.root={home}/crops", f"hydra.run.dir={home / name}")
        said = command("stan_lightning.evaluate", f"checkpoint={home / name}/checkpoints/best.ckpt")
        (home / name / "said.txt").write_text(said)


@pytest.fixture(scope="module")
def home(once: Once) -> Path:
    return once("classes", made)


def tables(home: Path, name: str) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    folder = home / name / "evaluation" / "test"
    read = (
        pd.read_csv(folder / f"{one}.csv", dtype={"subject": str}) for one in ("predictions", "baselines")
    )
    return *read, json.loads((folder / "metrics.json").read_text())


@pytest.mark.parametrize("name", ["two", "three"])
def test_the_numbers_are_those_of_the_tables(home: Path, name: str) -> None:
    predictions, baselines, numbers = tables(home, name)
    classes, video = numbers["classes"], numbers["video"]
    chance = predictions[[f"probability_{one}" for one in classes]].to_numpy()
    assert chance.sum(1) == pytest.approx(1) and len(predictions) == video["n"] == 32
    assert video["people"] == predictions["subject"].nunique() == 16
    called = np.array(classes)[chance.argmax(1)]
    assert (called == predictions["predicted"]).all()
    label, two = predictions["label"], len(classes) == 2
    told = chance[:, 1] if two else chance
    expected = {
        "accuracy": reference.accuracy_score(label, called),
        "macro_f1": reference.f1_score(label, called, average="macro"),
        "weighted_f1": reference.f1_score(label, called, average="weighted"),
        "uar": reference.recall_score(label, called, average="macro"),
        "auc": reference.roc_auc_score(label, told, multi_class="ovr"),
        "brier": reference.brier_score_loss(
            label, told if two else chance, **({"pos_label": classes[1]} if two else {})
        ),
    }
    if two:
        expected["f1"] = reference.f1_score(label, called, pos_label="depressed")
        expected["sensitivity"] = reference.recall_score(label, called, pos_label="depressed")
        expected["specificity"] = reference.recall_score(label, called, pos_label="control")
    assert numbers["positive"] == ("depressed" if two else None)
    assert {one: video[one]["value"] for one in expected} == pytest.approx(expected)
    for baseline in ("majority", "prevalence", "identity", "nuisance", "behaviour"):
        said = np.array(classes)[baselines[[f"{baseline}_{one}" for one in classes]].to_numpy().argmax(1)]
        own = numbers["baselines"][baseline]
        assert own["accuracy"]["value"] == pytest.approx((said == label).mean())
        right = (called == label).mean() - (said == label).mean()
        assert own["accuracy_difference"]["value"] == pytest.approx(right)
    sessions = predictions.groupby("session")[[f"probability_{one}" for one in classes]].mean()
    truth = predictions.groupby("session")["label"].first()
    right = np.array(classes)[sessions.to_numpy().argmax(1)] == truth
    assert numbers["session"]["accuracy"]["value"] == pytest.approx(right.mean())


def test_the_terminal_says_what_the_numbers_are_of(home: Path) -> None:
    said = (home / "two" / "said.txt").read_text()
    assert "level: recording, n 32 of 16 people (control: 16 of 8 people, depressed: 16 of 8 people)" in said
    assert (
        "labels: names of classes as in the manifest; positive (F1, sensitivity, specificity): depressed"
        in said
    )
    assert "averaging: a recording is called the class with the highest mean probability" in said
    assert "always calling the commonest training class (accuracy" in said and SYNTHETIC in said
    three = (home / "three" / "said.txt").read_text()
    assert "AUC is the mean of one class against the rest" in three and "sensitivity" not in three


def test_the_other_class_can_be_the_positive_one(home: Path, tmp_path: Path) -> None:
    checkpoint = f"checkpoint={home}/two/checkpoints/best.ckpt"
    # crops now hold the three classes that were trained on last
    said = command("stan_lightning.evaluate", checkpoint, f"output={tmp_path}/a", fails=True)
    assert "is none of the network's classes control, depressed; mend it in the manifest" in said
    three = f"checkpoint={home}/three/checkpoints/best.ckpt"
    said = command("stan_lightning.evaluate", three, f"output={tmp_path}/b", "positive=sad", fails=True)
    assert "positive=sad: the network tells mild, none, severe; name one of them" in said
    said = command("stan_lightning.evaluate", three, f"output={tmp_path}/c", "robustness=true", fails=True)
    assert "robustness=true is for networks that give scores" in said
    assert not any((tmp_path / one).exists() for one in "abc")


def test_a_comparison_of_runs_refuses_classes_in_one_line(home: Path, tmp_path: Path) -> None:
    said = command("stan_lightning.report", home / "two", "--output", tmp_path / "report", fails=True)
    assert "is of a network that tells classes: only scores are compared here" in said
    assert len(said.strip().splitlines()) == 1 and not (tmp_path / "report").exists()


def test_a_model_folder_of_classes_is_handed_on(home: Path, tmp_path: Path) -> None:
    predictions, _, numbers = tables(home, "three")
    command("stan_lightning.share", f"run={home}/three", f"output={tmp_path}/model")
    card = (tmp_path / "model" / "README.md").read_text()
    assert "Gives probabilities of classes" in card and "| told by | accuracy | macro-F1 |" in card
    accuracy = numbers["video"]["accuracy"]["value"]
    assert f"| this network | {accuracy:.2f} [" in card and "(mild 4, none 6, severe 4)" in card
    assert "Level: recording, n 32 of 16 people" in card
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["calibration"]["training_classes"] == {"mild": 4, "none": 6, "severe": 4}
    crops, output = f"data.root={home}/crops", tmp_path / "again"
    said = command("stan_lightning.evaluate", f"model={tmp_path}/model", crops, f"output={output}")
    assert "the training set is unknown" in said and "better than its own predictions swapped" in said
    again = json.loads((output / "metrics.json").read_text())
    assert again["video"]["confusion"] == numbers["video"]["confusion"] and again["baselines"] is None
    found = Model.load(tmp_path / "model").predict(home / "crops").set_index("recording")
    assert (found.loc[predictions["recording"], "predicted"].to_numpy() == predictions["predicted"]).all()


def test_training_selects_by_what_is_named_and_refuses_what_cannot_select(home: Path, tmp_path: Path) -> None:
    run = ["stan_lightning.train", *TRAINING, f"data.root={home}/crops"]
    monitor = "trainer.callbacks.best.monitor="
    command(*run, f"{monitor}val/macro_f1", f"hydra.run.dir={tmp_path}/a")
    summary = json.loads((tmp_path / "a" / "summary.json").read_text())
    curves = pd.read_csv(tmp_path / "a" / "metrics.csv")
    assert (summary["metric"], summary["mode"]) == ("val/macro_f1", "max")
    assert summary["value"] == pytest.approx(curves["val/macro_f1"].max()) and "val/auc" in curves
    crops = tmp_path / "one"
    shutil.copytree(home / "crops", crops)
    table = pd.read_csv(crops / "manifest.csv", dtype=str)
    table.assign(label=table["label"].where(table["partition"] != "dev", "mild")).to_csv(
        crops / "manifest.csv", index=False
    )
    run[-1] = f"data.root={crops}"
    said = command(*run, f"{monitor}val/auc", f"hydra.run.dir={tmp_path}/b", fails=True)
    assert "val/auc is monitored, but all development recordings are of class mild" in said
    assert not (tmp_path / "b" / "checkpoints").exists()


@pytest.mark.parametrize("name", ["two", "three"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_a_desk_and_a_phone(
    home: Path, browser: webdriver.Chrome, name: str, width: int, tmp_path: Path
) -> None:
    page = home / name / "evaluation" / "test" / "report.html"
    browser.set_window_size(width, 900)
    browser.get("about:blank")
    offset = width - browser.execute_script("return window.innerWidth")
    browser.set_window_size(width + offset, 900)
    browser.get(f"file://{page}")
    browser.execute_script("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= max(
        width, browser.execute_script("return window.innerWidth")
    )
    text = browser.find_element("tag name", "body").text
    for expected in (
        "Confusion matrix",
        "Reliability",
        "Level: recording, n 32 of 16 people",
        "Averaging: a",
    ):
        assert expected in text
    assert SYNTHETIC in text and "p0" not in text
    loaded = "return [...document.images].every(one => one.complete && one.naturalWidth > 0)"
    assert browser.execute_script(loaded) and len(browser.find_elements("tag name", "img")) >= 3
    log = [one for one in browser.get_log("browser") if one["level"] == "SEVERE"]
    assert not log


@pytest.mark.parametrize("name", ["two", "three"])
def test_predictions_are_probabilities_of_classes(
    home: Path, name: str, tmp_path: Path, browser: webdriver.Chrome
) -> None:
    predictions, _, numbers = tables(home, name)
    checkpoint, output = f"checkpoint={home / name}/checkpoints/best.ckpt", tmp_path / "scores"
    said = command(
        "stan_lightning.predict", checkpoint, f"video={home}/crops", f"output={output}", "views=false"
    )
    assert "A class is the network's output for a recording" in said
    found = pd.read_csv(output / "predictions.csv").set_index("recording")
    columns = [f"probability_{one}" for one in numbers["classes"]]
    both = predictions.set_index("recording")
    assert np.allclose(found.loc[both.index, columns], both[columns], atol=1e-6)
    assert (found.loc[both.index, "predicted"] == both["predicted"]).all()
    assert list(pd.read_csv(output / "windows.csv").columns[-len(columns) :]) == columns
    browser.set_window_size(400, 900)
    browser.get(f"file://{output / 'predictions.html'}")
    text = browser.find_element("tag name", "body").text
    first = found.iloc[0]
    assert "Predicted classes" in text and f"probability {first[columns].max():.2f}, one window" in text
    assert f"probability of {numbers['classes'][0]}\n{first[columns[0]]:.2f}" in text
    assert f"Probability of {first['predicted']} in each window over time" in text
    wide = "return [document.documentElement.scrollWidth, window.innerWidth]"
    assert browser.execute_script(wide)[0] <= browser.execute_script(wide)[1]
