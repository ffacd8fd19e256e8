"""Embedding through its command: faces and voices to signals, gone on with, and refused."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import stan_lightning.embed
from stan_boundary.typed import typed_python
from stan_lightning.embedding.signal_folder import SignalFolder


@pytest.fixture
def embed(monkeypatch, capfd, tmp_path) -> Callable[..., tuple[int, str]]:
    """Runs the command line in this process; returns its exit code and what it said."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["stan_lightning.embed", *arguments])
        code = 0
        try:
            stan_lightning.embed.main()
        except SystemExit as end:
            code = int(end.code or 0)
        said, errors = capfd.readouterr()
        return code, said + errors

    return run


def files_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_faces_become_a_signal_and_stay(make_crops, dinov2, embed):
    root = make_crops()
    asked = [f"encoder.name={dinov2}", f"data.root={root}", "encoder.batch_size=16"]
    code, said = embed(*asked)
    assert code == 0 and "11 recordings embedded, 0 were there: 16 numbers each moment" in said, said
    folder = root / "signals" / "tiny_dinov2"
    assert len(files_of(folder)) == 12 and str(folder) in said
    with np.load(folder / "1_1_Freeform.npz") as content:
        assert content["values"].shape == (40, 16) and np.isfinite(content["values"]).all()
        assert content["time_s"] == pytest.approx(np.arange(0, 120, 3) / 30, abs=1e-3)
    before = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    code, said = embed(*asked)
    assert code == 0 and "0 recordings embedded, 11 were there" in said, said
    assert before == {file: file.stat().st_mtime_ns for file in folder.iterdir()}


def test_crops_that_changed_are_embedded_again(make_crops, dinov2, embed):
    root = make_crops()
    embed(f"encoder.name={dinov2}", f"data.root={root}")
    before = files_of(root / "signals" / "tiny_dinov2")
    (root / "2_1_Freeform.zip").write_bytes((root / "3_1_Freeform.zip").read_bytes())
    code, said = embed(f"encoder.name={dinov2}", f"data.root={root}")
    assert code == 0 and "1 recordings embedded, 10 were there" in said, said
    after = files_of(root / "signals" / "tiny_dinov2")
    assert [name for name in before if before[name] != after[name]] == ["2_1_Freeform.npz"]
    assert after["2_1_Freeform.npz"] == after["3_1_Freeform.npz"]


def test_voices_become_a_signal_and_the_silent_get_no_file(make_voiced, wavlm, embed):
    root = make_voiced()
    code, said = embed("encoder=speech", f"encoder.name={wavlm}", f"data.root={root}")
    assert code == 0 and "8 recordings embedded" in said, said
    assert "3 recordings have no sound and get no file, such as 3_1_Freeform" in said
    folder = root / "signals" / "tiny_wavlm"
    table = pd.read_csv(root / "manifest.csv", dtype=str)
    heard = set(table.recording[table.sound_s == "4.0"])
    assert {file.stem for file in folder.glob("*.npz")} == heard
    with np.load(folder / f"{min(heard)}.npz") as content:
        assert content["values"].shape == (199, 16)
        assert content["time_s"][:2].tolist() == [199.5 / 16_000, 519.5 / 16_000]


def test_folders_of_images(dinov2, embed, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for frame in (1, 4, 7):
            cv2.imwrite(str(tmp_path / name / f"{frame:05d}.jpg"), np.full((24, 24, 3), 9 * frame, np.uint8))
    (tmp_path / "mine.csv").write_text("video,subject\na,1\nb,2\n")
    code, said = embed(f"encoder.name={dinov2}", f"data.root={tmp_path / 'mine.csv'}", "signal=faces")
    assert code == 0, said
    with np.load(tmp_path / "signals" / "faces" / "a.npz") as content:
        assert content["frame"].tolist() == [1, 4, 7] and "time_s" not in content


def test_where_nobody_speaks_nothing_is_written(make_crops, dinov2, wavlm, embed):
    root = make_crops({"train": ["1"]})
    code, said = embed("encoder=speech", f"encoder.name={wavlm}", f"data.root={root}")
    assert code == 2 and f"no recording has audio; `{typed_python()} -m preprocess` adds sound" in said
    code, said = embed("encoder=speech", f"encoder.name={dinov2}", f"data.root={root}")
    assert code == 2 and "reads pixel_values, not input_values" in said
    assert not (root / "signals").exists()


def test_an_interrupted_run_goes_on_to_the_same_bytes(make_crops, dinov2, embed, monkeypatch):
    root = make_crops()
    asked = [f"encoder.name={dinov2}", f"data.root={root}"]
    embed(*asked, "signal=whole")
    write, written = SignalFolder.write, []

    def three_times(self, recording, *more):
        if len(written) == 3:
            raise KeyboardInterrupt
        written.append(recording)
        write(self, recording, *more)

    with monkeypatch.context() as patch:
        patch.setattr(SignalFolder, "write", three_times)
        code, said = embed(*asked, "signal=parts")
    assert code == 130 and "the same command goes on from there" in said and "Traceback" not in said
    code, said = embed(*asked, "signal=parts")
    assert code == 0 and "8 recordings embedded, 3 were there" in said, said
    assert files_of(root / "signals" / "parts") == files_of(root / "signals" / "whole")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["encoder.pooling=max"], "encoder.pooling=max is none of pooled, mean"),
        (["encoder.batch_size=0"], "encoder.batch_size=0: at least 1"),
        (["signal=face"], "signal=face is the name of a modality"),
        (["encoder.name=no/such/model"], "encoder.name=no/such/model: no such folder"),
        (["data.root=nowhere"], "no crops at nowhere"),
        (["encoder=sight"], "Could not find 'encoder/sight'"),
        (["encoder.pool=mean"], "there is no key encoder.pool; did you mean encoder.pooling"),
        (["encoder=speech", "encoder.stretch_s=0"], "encoder.stretch_s=0"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(arguments, words, make_crops, dinov2, embed):
    root = make_crops({"train": ["1"]})
    code, said = embed(f"encoder.name={dinov2}", f"data.root={root}", *arguments)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert code == 2 and len(errors) == 1 and words in errors[0] and "Traceback" not in said, said
    assert not (root / "signals").exists()


def test_what_is_asked_first(embed):
    code, said = embed()
    assert code == 2 and "data.root is not set" in said
    code, said = embed("data.root=crops")
    assert code == 2 and "encoder.name is not set" in said
    code, said = embed("--help")
    assert code == 0 and "encoder.pooling=pooled" in said and "encoder: face | speech" in said


def test_two_encoders_are_not_mixed(make_crops, dinov2, embed):
    root = make_crops({"train": ["1"]})
    asked = [f"encoder.name={dinov2}", f"data.root={root}", "signal=mine"]
    embed(*asked)
    before = files_of(root / "signals" / "mine")
    code, said = embed(*asked, "encoder.weights=random")
    assert code == 2 and "weights pretrained" in said and "weights random, seed 0" in said, said
    assert "give signal=<another name>, or delete the folder" in said
    assert files_of(root / "signals" / "mine") == before


def test_without_the_extra_the_way_to_it_is_named(make_crops, dinov2, embed, monkeypatch):
    root = make_crops({"train": ["1"]})
    monkeypatch.setitem(sys.modules, "transformers", None)
    code, said = embed(f"encoder.name={dinov2}", f"data.root={root}")
    assert code == 2 and "pip install 'stan-lightning[pretrained]'" in said and "Traceback" not in said


def test_a_hub_that_cannot_be_reached(make_crops, tmp_path):
    root = make_crops({"train": ["1"]})
    asked = [f"data.root={root}", "encoder.name=facebook/dinov2-small"]
    done = subprocess.run(
        [sys.executable, "-m", "stan_lightning.embed", *asked],
        env=os.environ | {"HF_HOME": str(tmp_path / "cache"), "HF_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "facebook/dinov2-small" in done.stderr and "the hub cannot be reached" in done.stderr
    assert "give its folder" in done.stderr


def test_training_knows_nothing_of_it():
    """What torchmetrics looks up of transformers where that is installed is no model and no loader."""
    code = (
        "import sys, stan_lightning.train; "
        "sys.exit('stan_lightning.embedding' in sys.modules or 'transformers.modeling_utils' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- slow ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["face", "speech"])
def test_killed_once_and_gone_on_it_is_the_same(kind, dinov2, wavlm, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run = [sys.executable, "-m"]
    drawn = ["corpus=demo", "corpus.subjects=12", "corpus.sessions={train: 4, dev: 4, test: 4}", "workers=1"]
    root = tmp_path / "crops"
    subprocess.run([*run, "preprocess", *drawn, f"output={root}"], check=True, capture_output=True)
    name = {"face": dinov2, "speech": wavlm}[kind]
    asked = [*run, "stan_lightning.embed", f"encoder={kind}", f"encoder.name={name}", f"data.root={root}"]
    subprocess.run([*asked, "signal=whole"], check=True, capture_output=True)
    killed = root / "signals" / "killed"
    process = subprocess.Popen([*asked, "signal=killed"], stdout=subprocess.DEVNULL)
    while len(list(killed.glob("*.npz"))) < 3 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    present = {file: file.stat().st_mtime_ns for file in killed.glob("*.npz")}
    assert 3 <= len(present) < 24
    done = subprocess.run([*asked, "signal=killed"], check=True, capture_output=True, text=True)
    assert f"{24 - len(present)} recordings embedded, {len(present)} were there" in done.stdout
    assert all(file.stat().st_mtime_ns == then for file, then in present.items())
    assert files_of(killed) == files_of(killed.with_name("whole"))
