"""Networks on signals, through the commands: trained, resumed, evaluated, asked, and refused."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.evaluate import evaluate
from stan_lightning.predict import predict

TINY = [
    *("data=manifest", "data.clip_frames=16"),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=2"),
]


def fused(*signals: str, face: bool = True, kind: str = "fusion") -> list[str]:
    """A fusion of signals, with a small face beside them or without one."""
    seen = [f"model.network.encoders.face.{one}" for one in ("features=2", "layers=[1,1,1,1]")]
    chosen = [f"model={kind}", "~model.network.encoders.audio"]
    chosen += seen if face else ["~model.network.encoders.face"]
    return chosen + [f"+model/encoder@model.network.encoders.{name}=signal" for name in signals]


def alone(signal: str) -> list[str]:
    """A network of one signal."""
    return ["model=signal", f"model.network.encoder.modality={signal}"]


UNITS = ["01", "02", "04", "05", "06", "07", "09", "10", "12", "14", "15", "17", "20", "23", "25", "26", "45"]
OPENFACE = ["frame", "face_id", "timestamp", "confidence", "success"]
GAZE = [f"gaze_{eye}_{axis}" for eye in "01" for axis in "xyz"] + ["gaze_angle_x", "gaze_angle_y"]
POSE = [f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"]
ACTIONS = [f"AU{unit}_r" for unit in UNITS] + [f"AU{unit}_c" for unit in sorted([*UNITS, "28"])]


def openface(path: Path, score: float, random: np.random.Generator) -> None:
    """A CSV as OpenFace's FeatureExtraction writes it, at 30 Hz, of which a stretch failed."""
    n = 118
    table = pd.DataFrame(
        random.normal(size=(n, len([*GAZE, *POSE, *ACTIONS]))), columns=GAZE + POSE + ACTIONS
    )
    table["AU12_r"] = 5 * score / 63 + 0.1 * table["AU12_r"]
    success = np.ones(n, int)
    success[30:50] = 0
    head = [np.arange(1, n + 1), np.zeros(n, int), np.round(np.arange(n) / 30, 3), np.full(n, 0.98), success]
    for place, (name, column) in enumerate(zip(OPENFACE, head, strict=True)):
        table.insert(place, name, column)
    text = table.round(3).to_csv(index=False).replace(",", ", ")
    path.with_suffix(".csv").write_text(text)


def animation(path: Path, score: float, random: np.random.Generator) -> None:
    """Facial animation parameters, at 25 Hz, without a unit: frame numbers are not the video's, times are."""
    times = np.arange(0, 3.9, 0.04)
    names = [f"FAP{number}" for number in range(3, 33)]
    table = pd.DataFrame(random.integers(-300, 300, (len(times), len(names))), columns=names)
    table["FAP12"] = (10 * score + random.normal(size=len(times))).round().astype(int)
    table.insert(0, "time_s", times.round(2))
    table.to_csv(path.with_suffix(".csv"), index=False)


def pulse(path: Path, score: float, random: np.random.Generator) -> None:
    """A remote pulse wave, at 30 Hz, whose rows are left out while the head moved."""
    times = np.arange(118) / 30
    wave = np.sin(2 * np.pi * (1 + score / 63) * times) + 0.1 * random.normal(size=118)
    quality = random.uniform(size=118)
    table = pd.DataFrame({"time_s": times, "rppg": wave, "quality": quality})
    keep = (times < 1.0) | (times > 1.7)
    table[keep].to_csv(path.with_suffix(".csv"), index=False)


MAKERS: dict[str, Callable[[Path, float, np.random.Generator], None]] = {
    "openface": openface,
    "fap": animation,
    "rppg": pulse,
}


@pytest.fixture
def root(make_crops: Callable[..., Path]) -> Path:
    return make_crops()


@pytest.fixture
def theirs(root: Path, tmp_path: Path) -> Callable[[str], Path]:
    """`theirs(kind)` makes a folder of a user's own files, called as the videos are; one video has none."""

    def make(kind: str) -> Path:
        folder, random = tmp_path / kind, np.random.default_rng(0)
        folder.mkdir()
        table = pd.read_csv(root / "manifest.csv")
        for recording, score in zip(table.recording, table.label, strict=True):
            if recording != "4_1_Freeform":
                MAKERS[kind](folder / recording, score, random)
        return folder

    return make


def shorten(root: Path, recording: str, n_frames: int) -> None:
    """Leave a recording its first crops alone."""
    path = root / f"{recording}.zip"
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        left = sorted(one for one in members if one.endswith(".jpg"))[:n_frames]
        for name in [*left, "track.csv", "recording.json"]:
            archive.writestr(name, members[name])
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    table.loc[table.recording == recording, "n_frames"] = str(n_frames)
    table.to_csv(root / "manifest.csv", index=False)


def evaluation(checkpoint: Path, output: Path, *more: str) -> dict:
    asked = [f"checkpoint={checkpoint}", f"output={output}", *more]
    with initialize_config_dir(CONF, version_base="1.3"):
        evaluate(compose("evaluate", [*asked, "+trainer.enable_progress_bar=false"]), asked)
    return json.loads((output / "metrics.json").read_text())


def another_process(*asked: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stan_lightning.evaluate", *asked]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("openface", [*GAZE, *POSE, *ACTIONS]),
        pytest.param("fap", [f"FAP{n}" for n in range(3, 33)], marks=pytest.mark.slow),
        pytest.param("rppg", ["rppg", "quality"], marks=pytest.mark.slow),
    ],
)
def test_a_user_s_files_join_a_fusion_by_three_overrides(kind, columns, root, theirs, train, tmp_path):
    folder, run = theirs(kind), tmp_path / "run"
    three = [*fused(kind), f"data.signals.{kind}={folder}"]
    code, said = train(*TINY, f"data.root={root}", f"hydra.run.dir={run}", *three)
    assert code == 0, said
    assert f"1 of 11 recordings have no {kind}, such as 4_1_Freeform" in said
    assert f"Fusion: gated of face (STADRN), {kind} (SignalNet)" in said
    content = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    assert content["hyper_parameters"]["data"]["columns"] == {kind: columns}
    state = content["state_dict"]
    assert state[f"network.encoders.{kind}.mean"].shape == (len(columns),)
    assert (state[f"network.encoders.{kind}.deviation"] > 0).all()
    numbers = evaluation(run / "checkpoints" / "best.ckpt", tmp_path / "evaluation", "partition=train")
    rows = {row["name"]: row for row in numbers["modalities"]["rows"]}
    assert list(rows) == [
        *(f"face + {kind}", "face alone", f"{kind} alone"),
        *("another person's face", f"another person's {kind}"),
    ]
    assert numbers["modalities"]["n_without"] == 1 and {row["n"] for row in rows.values()} == {4}
    assert numbers["video"]["n"] == 5  # the one without a file is scored by its face
    assert len({row["mae"]["value"] for row in rows.values()}) == 5


def test_a_signal_alone_resumed_is_as_uninterrupted_and_evaluates_in_another_process(
    root, theirs, train, tmp_path, assert_same_run
):
    given = [*TINY, *alone("openface"), f"data.root={root}"]
    given.append(f"data.signals.openface={theirs('openface')}")
    code, said = train(*given, f"hydra.run.dir={tmp_path / 'whole'}", "trainer.max_epochs=4")
    assert code == 0 and "openface (SignalNet), " in said, said
    code, said = train(*given, f"hydra.run.dir={tmp_path / 'parts'}")
    assert code == 0, said
    code, said = train(f"resume={tmp_path / 'parts'}", "trainer.max_epochs=4")
    assert code == 0, said
    assert_same_run(tmp_path / "whole", tmp_path / "parts")
    losses = pd.read_csv(tmp_path / "whole" / "metrics.csv")["train/loss"]
    assert np.isfinite(losses).all() and losses.nunique() == 4
    checkpoint = tmp_path / "parts" / "checkpoints" / "best.ckpt"
    asked = [f"checkpoint={checkpoint}", f"output={tmp_path / 'out'}", "partition=dev", "identity_audit=true"]
    asked.append("robustness=true")  # of which nothing is to be told here
    done = another_process(*asked, f"data.signals.openface={tmp_path / 'openface'}")
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "out" / "metrics.json").read_text())
    summary = json.loads((tmp_path / "parts" / "summary.json").read_text())
    assert numbers["video"]["mae"]["value"] == pytest.approx(summary["value"], abs=1e-4)
    assert set(numbers["identity_audit"]) == {"openface"}


def test_whole_recordings_in_one_window(root, theirs, train, tmp_path, capfd):
    """Of unlike length: a batch is padded, and scores as one by one."""
    folder, run = theirs("openface"), tmp_path / "run"
    shorten(root, "10_3_Freeform", 25)
    given = [*TINY, *alone("openface"), "data.clip_frames=null"]
    code, said = train(*given, f"data.root={root}", f"data.signals.openface={folder}", f"hydra.run.dir={run}")
    assert code == 0, said
    scores = []
    for size in (1, 3):
        output = tmp_path / f"out{size}"
        evaluation(run / "checkpoints" / "best.ckpt", output, f"data.batch_size={size}")
        windows = pd.read_csv(output / "windows.csv")
        assert windows.window.tolist() == [0, 0, 0] and windows.end_s.tolist() == [3.9, 2.4, 3.9]
        scores.append(windows.output)
    assert np.abs(scores[0] - scores[1]).max() < 1e-6
    asked = [
        f"checkpoint={run / 'checkpoints' / 'best.ckpt'}",
        f"video={root}",
        f"output={tmp_path / 'scored'}",
    ]
    asked += [f"+signals.openface={folder}", "trainer.accelerator=cpu", "+trainer.enable_progress_bar=false"]
    with initialize_config_dir(CONF, version_base="1.3"):
        assert predict(compose("predict", asked)) == 1
    said = capfd.readouterr().out
    assert "not scored: 4_1_Freeform: no openface, and this network reads nothing else" in said
    assert len(pd.read_csv(tmp_path / "scored" / "predictions.csv")) == 10


def test_encoders_start_from_a_run_on_the_same_columns_and_stay(root, theirs, train, tmp_path):
    folder = theirs("openface")
    given = [
        *TINY,
        f"data.root={root}",
        f"data.signals.openface={folder}",
        f"data.signals.fap={theirs('fap')}",
    ]
    code, said = train(*given, *alone("openface"), f"hydra.run.dir={tmp_path / 'alone'}")
    assert code == 0 and "data.signals.fap: no network here reads the signal fap" in said, said
    both = fused("openface", "fap", face=False, kind="fusion_attention")
    own = [f"model.init_weights.openface={tmp_path / 'alone'}", "model.network.frozen=[openface]"]
    code, said = train(*given, *both, *own, f"hydra.run.dir={tmp_path / 'both'}")
    assert code == 0 and "openface: took" in said, said
    before = torch.load(tmp_path / "alone" / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    after = torch.load(tmp_path / "both" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    kept = [name for name in after if name.startswith("network.encoders.openface.")]
    assert kept and all(
        torch.equal(after[n], before[n.replace("encoders.openface.", "encoder.")]) for n in kept
    )
    wrong = [f"model.init_weights.fap={tmp_path / 'alone'}", f"hydra.run.dir={tmp_path / 'wrong'}"]
    code, said = train(*given, *both, *wrong)
    assert code == 2 and "was trained on other columns of its signal" in said and "Traceback" not in said, (
        said
    )


def test_other_columns_at_evaluation_are_read_by_name(root, theirs, train, tmp_path):
    folder, run = theirs("rppg"), tmp_path / "run"
    given = [*TINY, *alone("rppg"), f"data.root={root}"]
    code, said = train(*given, f"data.signals.rppg={folder}", f"hydra.run.dir={run}")
    assert code == 0, said
    checkpoint = run / "checkpoints" / "best.ckpt"
    want = evaluation(checkpoint, tmp_path / "a")["video"]["mae"]["value"]
    moved = tmp_path / "moved"
    moved.mkdir()
    for file in folder.glob("*.csv"):
        table = pd.read_csv(file)
        table[["time_s", "quality", "rppg"]].assign(more=1).to_csv(moved / file.name, index=False)
    found = evaluation(checkpoint, tmp_path / "b", f"+data.signals.rppg={moved}")["video"]["mae"]["value"]
    assert found == want
    for file in moved.glob("*.csv"):
        pd.read_csv(file)[["time_s", "more"]].to_csv(file, index=False)
    with pytest.raises(InputError, match="has none of the columns that are read of rppg: rppg, quality"):
        evaluation(checkpoint, tmp_path / "c", f"+data.signals.rppg={moved}")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model=signal"], "signals/behaviour: no such folder of the signal behaviour"),
        (
            [*fused("rppg"), "data.clip_frames=null"],
            "but face is read in clips",
        ),
        (alone("face"), "nobody knows those of face, which is none"),
        ([*alone("rppg"), "model.network.encoder.kernel=4"], "kernel is 4: it must be odd"),
        ([*alone("rppg"), "data.signals.rppg=/no/such"], "/no/such: no such folder"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments, words, root, theirs, train, tmp_path):
    run = tmp_path / "run"
    given = [f"data.signals.rppg={theirs('rppg')}"] if not any("/no/such" in one for one in arguments) else []
    code, said = train(*TINY, f"data.root={root}", f"hydra.run.dir={run}", *given, *arguments)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and words in errors[0] and "Traceback" not in said, said
    assert not any(run.glob("**/*.ckpt"))


def test_prediction_reads_signals_beside_the_crops_or_where_it_is_told(root, theirs, train, tmp_path, capfd):
    folder, run = theirs("rppg"), tmp_path / "run"
    beside = root / "signals" / "rppg"
    beside.parent.mkdir()
    folder.rename(beside)
    three = fused("rppg")
    code, said = train(*TINY, f"data.root={root}", f"hydra.run.dir={run}", *three)
    assert code == 0, said

    def ask(video: Path, output: str, *more: str) -> int:
        given = [f"checkpoint={run / 'checkpoints' / 'best.ckpt'}", f"video={video}"]
        given += [f"output={tmp_path / output}", "trainer.accelerator=cpu", *more]
        with initialize_config_dir(CONF, version_base="1.3"):
            return predict(compose("predict", [*given, "+trainer.enable_progress_bar=false"]))

    assert ask(root, "a", "views=false") == 0
    assert "no rppg: 4_1_Freeform is scored by its face alone" in capfd.readouterr().out
    whole = pd.read_csv(tmp_path / "a" / "predictions.csv")
    elsewhere = tmp_path / "elsewhere"
    beside.rename(elsewhere)
    some = tmp_path / "some"
    some.mkdir()
    table = pd.read_csv(root / "manifest.csv", dtype=str)[:1]
    table.to_csv(some / "manifest.csv", index=False)
    (some / "1_1_Freeform.zip").write_bytes((root / "1_1_Freeform.zip").read_bytes())
    assert ask(some, "b", f"+signals.rppg={elsewhere}") == 0
    found = pd.read_csv(tmp_path / "b" / "predictions.csv")
    assert found.prediction[0] == pytest.approx(whole.prediction[0], abs=1e-4)
    assert (tmp_path / "b" / "1_1_Freeform_attention.png").is_file()
    with pytest.raises(InputError, match=r"signals/rppg: no such folder .* by signals\.rppg=<folder>"):
        ask(some, "c")
    (tmp_path / "my.mp4").write_bytes(b"a video")
    with pytest.raises(InputError, match=r"my\.mp4: this network reads the signal rppg, which nothing"):
        ask(tmp_path / "my.mp4", "d")
