"""Evaluation end to end: a checkpoint from a real fit, released weights, and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.evaluate import evaluate, main
from stan_lightning.network import STADRN
from stan_lightning.network.weights import save_released

TINY = [
    "data.clip_frames=8",
    "data.frame_stride=1",
    "data.image_size=32",
    "data.num_workers=0",
    "model.network.encoder.layers=[1,1,1,1]",
    "model.network.encoder.features=2",
]
GENTLE = ["data.batch_size=3", "model.optimizer.lr=1e-4", "model.objective.start_at_mean=true"]
BRIEF = ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false"]


def write_crops(root: Path, subjects: dict[str, list[str]], sessions: int = 2) -> Path:
    """Folders of 32 px noise whose brightness follows the label."""
    rng = np.random.default_rng(0)
    rows = []
    for partition, names in subjects.items():
        for name in names:
            for session in range(sessions):
                recording = f"{partition}_{name}_{session}"
                (root / recording).mkdir(parents=True)
                label = (7 * int(name[1:]) + session) % 45
                for frame in range(12 + session):
                    picture = rng.normal(60 + 3 * label, 10, (32, 32, 3)).clip(0, 255).astype(np.uint8)
                    cv2.imwrite(str(root / recording / f"{frame * 3:05d}.png"), picture)
                rows.append((recording, label, name, f"{partition}{session}", partition, "F"))
    columns = ["video", "label", "subject", "session", "partition", "task"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "manifest.csv", index=False)
    return root


def fit(run: Path, crops: Path, *overrides: str) -> Path:
    """One epoch of the project's own module and data; returns the checkpoint."""
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose(
            "train",
            [
                "data=folders",
                f"data.root={crops}",
                *TINY,
                "data.frame_stride=3",
                "data.batch_size=3",
                "model.objective.start_at_mean=true",  # outputs within the range, none clipped to 0
                "model.optimizer.lr=1e-4",
                *overrides,
            ],
        )
    L.seed_everything(config.seed, verbose=False)
    data = instantiate(config.data, _convert_="all")
    data.setup("fit")
    module = instantiate(config.model, data=data.facts(), _convert_="all")
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    trainer = L.Trainer(max_epochs=1, accelerator="cpu", enable_model_summary=False, **quiet)
    trainer.fit(module, data)
    trainer.save_checkpoint(run / "checkpoints" / "best.ckpt")
    return run / "checkpoints" / "best.ckpt"


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    subjects = {"train": ["s1", "s2", "s3", "s4"], "dev": ["s5", "s6"], "test": ["s1", "s7", "s8"]}
    return write_crops(tmp_path_factory.mktemp("crops"), subjects)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, crops: Path) -> Path:
    return fit(tmp_path_factory.mktemp("run"), crops)


def run(*overrides: str) -> None:
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("evaluate", [*BRIEF, *overrides])
    evaluate(config, list(overrides))


def test_a_checkpoint_alone_is_enough(checkpoint, crops, tmp_path, capsys):
    run(f"checkpoint={checkpoint}", f"output={tmp_path}")
    said = capsys.readouterr().out
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    windows = pd.read_csv(tmp_path / "windows.csv")
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    assert len(predictions) == 6 and predictions.seen_subject.tolist() == [True] * 2 + [False] * 4
    scores = (windows.output.clip(lower=0) * 63).groupby(windows.recording).mean()
    assert predictions.set_index("recording").prediction.to_dict() == pytest.approx(scores.to_dict())
    assert windows.groupby("recording").first_frame.first().eq(0).all()
    assert windows.groupby("recording").last_frame.last().tolist() == [33, 36] * 3
    error = (predictions.prediction - predictions.label).abs().mean()
    assert numbers["video"]["mae"]["value"] == pytest.approx(error)
    assert (numbers["protocol"], numbers["partition"], numbers["seed"]) == ("official", "test", 0)
    assert (numbers["n_train_subjects"], numbers["n_expected"], numbers["n_missing"]) == (4, 6, 0)
    assert (numbers["seen"]["n"], numbers["unseen"]["n"]) == (2, 4)
    assert numbers["overlap"]["train+test"] == 1
    train = pd.read_csv(crops / "manifest.csv").query("partition == 'train'")
    assert numbers["baselines"]["train_median"]["mae"]["value"] == pytest.approx(
        (predictions.label - train.label.median()).abs().mean()
    )
    assert "training median (MAE" in said and "not a diagnostic device" in said
    nuisance = numbers["ridges"]["nuisance"]
    assert (nuisance["n"], nuisance["n_subjects"], nuisance["n_folds"]) == (8, 4, 4)
    baselines = pd.read_csv(tmp_path / "baselines.csv")
    error = (predictions.prediction - predictions.label).abs() - (
        baselines.nuisance - predictions.label
    ).abs()
    assert numbers["baselines"]["nuisance"]["mae_difference"]["value"] == pytest.approx(error.mean())
    assert "the recording's length, light and sound" in said
    assert numbers["baselines"]["behaviour"] is None and baselines.behaviour.isna().all()
    assert "shortcut: behaviour: not fitted: these crops have no behaviour signal" in said
    html = (tmp_path / "report.html").read_text()
    assert (
        "shortcut: nuisance" in html and "no behaviour signal" in html and "simple baselines lean on" in html
    )
    *_, page, following = said.rstrip().splitlines()
    assert page == str(tmp_path / "report.html")
    assert following.startswith("next: ") and following.endswith("best.ckpt video=<video>")


def test_evaluation_repeats_itself_and_knows_its_run(checkpoint, tmp_path):
    run(f"checkpoint={checkpoint}")
    run(f"checkpoint={checkpoint}", f"output={tmp_path}", "data.batch_size=2", "data.num_workers=1")
    for name in ("predictions.csv", "windows.csv"):
        first = pd.read_csv(checkpoint.parents[1] / "evaluation" / "test" / name)
        pd.testing.assert_frame_equal(first, pd.read_csv(tmp_path / name), rtol=1e-3, atol=1e-4)


def test_missing_labels_are_said_and_predicted(checkpoint, crops, tmp_path, capsys):
    table = pd.read_csv(crops / "manifest.csv", dtype=str)
    table["video"] = [str(crops / name) for name in table.video]
    unlabelled = tmp_path / "some.csv"
    table.assign(label=table.label.where(table.subject != "s7", "")).to_csv(unlabelled, index=False)
    run(f"checkpoint={checkpoint}", f"data.root={unlabelled}", f"output={tmp_path / 'some'}")
    assert "2 of 6 recordings have no label" in capsys.readouterr().out
    predictions = pd.read_csv(tmp_path / "some" / "predictions.csv")
    assert predictions.prediction.notna().all() and predictions.label.isna().sum() == 2
    table.assign(label="").to_csv(unlabelled, index=False)
    run(f"checkpoint={checkpoint}", f"data.root={unlabelled}", f"output={tmp_path / 'none'}")
    assert "no labels: the error of these predictions is unknown" in capsys.readouterr().out
    numbers = json.loads((tmp_path / "none" / "metrics.json").read_text())
    assert numbers["video"]["mae"] == {"value": None, "low": None, "high": None}


def test_robustness_and_identity_audit(checkpoint, tmp_path):
    flags = ("robustness=true", "identity_audit=true", "data.image_size=32")
    run(f"checkpoint={checkpoint}", f"output={tmp_path}", *flags)
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    noise = [row["mae"]["value"] for row in numbers["robustness"]["noise"]]
    assert noise[0] == numbers["video"]["mae"]["value"] and len(set(noise)) == len(noise)
    audit = numbers["identity_audit"]["face"]
    assert (audit["n_candidates"], audit["n_sessions"]) == (8, 18)
    assert "<h2>Robustness</h2>" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.protocol=subject_disjoint", "trained with official"),
        ("data.score_range=[0,24]", "trained with"),
        ("data.train_people=2", "trained with None: who is trained on"),
        ("model.network.encoder.k=4", "knows its own network"),
        ("partition=tset", "none of train, dev, test"),
        ("data.frame_stride=4", "stride of 4 cannot be read"),
        ("weights=w.pth", "one of them|weights=<released"),
        ("checkpoint=nowhere.ckpt", "no checkpoint at nowhere.ckpt"),
        ("checkpoint=/", r"no checkpoint at / \(a folder\): give the path"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(checkpoint, override, said):
    with pytest.raises(InputError, match=said) as error:
        run(f"checkpoint={checkpoint}", override)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_checkpoint(tmp_path):
    (tmp_path / "cut.ckpt").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(InputError, match="cannot be read as a file of torch"):
        run(f"checkpoint={tmp_path / 'cut.ckpt'}")
    torch.save({"conv_1.weight": torch.zeros(1)}, tmp_path / "weights.pth")
    with pytest.raises(InputError, match="give released weights as weights="):
        run(f"checkpoint={tmp_path / 'weights.pth'}")


def test_new_subjects_are_a_promise_that_other_crops_can_break(crops, tmp_path):
    disjoint = fit(tmp_path / "run", crops, "data.protocol=subject_disjoint")
    run(f"checkpoint={disjoint}", f"output={tmp_path / 'out'}")
    numbers = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (numbers["protocol"], numbers["seen"]["n"], numbers["n_train_subjects"]) == (
        "subject_disjoint",
        0,
        3,
    )
    other = write_crops(tmp_path / "other", {"train": ["s9"], "dev": ["s5"], "test": ["s2"]})
    with pytest.raises(InputError, match="s2 was trained on"):
        run(f"checkpoint={disjoint}", f"data.root={other}")


def test_released_weights_without_a_training_set(crops, tmp_path, capsys):
    network = STADRN(layers=(1, 1, 1, 1), features=2)
    save_released(network, tmp_path / "weights.pth")
    table = pd.read_csv(crops / "manifest.csv").query("partition == 'test'")
    table.assign(video=[str(crops / name) for name in table.video]).to_csv(tmp_path / "m.csv", index=False)
    given = [f"weights={tmp_path / 'weights.pth'}", "data=folders", *TINY, "data.frame_stride=3"]
    run(*given, f"data.root={tmp_path / 'm.csv'}", f"output={tmp_path / 'alone'}")
    numbers = json.loads((tmp_path / "alone" / "metrics.json").read_text())
    assert (numbers["baselines"], numbers["seen"], numbers["n_train_subjects"]) == (None, None, None)
    html = (tmp_path / "alone" / "report.html").read_text()
    assert "The training set is unknown" in html and "Shortcut: nuisance: not fitted: no training set" in html
    said = capsys.readouterr().out
    assert said.count("not fitted: no training set is known") == 2
    run(*given, f"data.root={crops}", f"output={tmp_path / 'trained'}")
    numbers = json.loads((tmp_path / "trained" / "metrics.json").read_text())
    assert numbers["n_train_subjects"] == 4 and numbers["baselines"]["identity"]["n"] == 6
    assert numbers["baselines"]["nuisance"]["n"] == 6


def test_behaviour_signals_beside_the_crops_are_read(checkpoint, crops, tmp_path, capsys):
    """Crops of the test set alone have no recording that was trained on, and the rows say so."""
    copied = tmp_path / "crops"
    shutil.copytree(crops, copied)
    (copied / "signals" / "behaviour").mkdir(parents=True)
    table = pd.read_csv(copied / "manifest.csv", dtype=str)
    for name, label in zip(table.video, table.label.astype(float), strict=True):
        signal = pd.DataFrame({"time_s": [0, 0.1, 0.2], "smile": [label, label + 1, label]})
        signal.to_csv(copied / "signals" / "behaviour" / f"{name}.csv", index=False)
    run(f"checkpoint={checkpoint}", f"data.root={copied}", f"output={tmp_path / 'all'}")
    numbers = json.loads((tmp_path / "all" / "metrics.json").read_text())
    assert numbers["baselines"]["behaviour"]["mae"]["value"] < 3
    assert "not fitted" not in capsys.readouterr().out
    table[table.partition == "test"].to_csv(copied / "manifest.csv", index=False)
    run(f"checkpoint={checkpoint}", f"data.root={copied}", f"output={tmp_path / 'alone'}")
    numbers = json.loads((tmp_path / "alone" / "metrics.json").read_text())
    assert numbers["baselines"]["train_median"]["n"] == 6 and numbers["baselines"]["behaviour"] is None
    assert capsys.readouterr().out.count("not fitted: these crops hold no labelled recording that was") == 2
    for name in ("predictions.csv", "windows.csv"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


@pytest.mark.parametrize("case", ["open_plain", "open_stride"])
def test_the_released_codes_scores_come_out_of_the_command(shared, tmp_path, case, monkeypatch):
    folder = shared / "reference" / "evaluation" / case
    expected = json.loads((folder / "expected.json").read_text())
    network = expected["network"]
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"video,label,subject,partition\n{folder / 'crops' / f'{case}_aligned'},,a,test\n")
    given = [
        "data=folders",
        f"data.root={manifest}",
        f"weights={folder / 'weights.pth'}",
        "data.num_workers=0",
    ]
    given += [f"data.{name}={expected[name]}" for name in ("clip_frames", "frame_stride")]
    given += [f"data.image_size={expected['size']}", f"output={tmp_path / 'out'}"]
    given += [
        f"model.network.encoder.{name}={str(value).replace(' ', '')}" for name, value in network.items()
    ]
    if case == "open_plain":
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["stan_lightning.evaluate", "trainer.accelerator=cpu", *given])
        main()
    else:
        run(*given)
    outputs = pd.read_csv(tmp_path / "out" / "windows.csv").output
    assert outputs.tolist() == pytest.approx(expected["windows_out"], abs=1e-4)
    predictions = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert predictions.prediction.item() == pytest.approx(expected["score"], abs=63e-4)
    assert predictions.recording.item() == f"{case}_aligned"


@pytest.mark.slow
def test_two_processes_give_the_numbers_of_one(checkpoint, tmp_path):
    """Real processes through the real command; 11 windows do not divide evenly."""
    common = [
        sys.executable,
        "-m",
        "stan_lightning.evaluate",
        f"checkpoint={checkpoint}",
        "trainer.accelerator=cpu",
    ]
    for name, processes in (("one", []), ("two", ["trainer.devices=2", "+trainer.strategy=ddp"])):
        command = [*common, *processes, f"output={tmp_path / name}"]
        done = subprocess.run(command, cwd=Path(CONF).parent, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    one, two = (pd.read_csv(tmp_path / name / "windows.csv") for name in ("one", "two"))
    pd.testing.assert_frame_equal(one, two, rtol=0, atol=1e-4 / 63)
    numbers = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("one", "two")]
    assert numbers[0]["video"]["n"] == numbers[1]["video"]["n"]
    assert numbers[0]["video"]["mae"]["value"] == pytest.approx(numbers[1]["video"]["mae"]["value"], abs=1e-4)
