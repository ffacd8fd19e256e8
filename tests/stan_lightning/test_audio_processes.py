"""A network that sees and hears, killed at any moment, and in two processes."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

FUSION = [
    *(
        "data=manifest",
        "model=fusion",
        *(f"model.network.encoders.{one}.features=2" for one in ("face", "audio")),
        *(f"model.network.encoders.{one}.layers=[1,1,1,1]" for one in ("face", "audio")),
        "model.scheduler.T_0=2",
    ),
    *("data.clip_frames=16", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
    "trainer.max_epochs=4",
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "stan_lightning.train", *arguments]


@pytest.mark.slow
def test_five_kills_at_random_moments(assert_same_run, make_voiced, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    arguments = [*FUSION, f"data.root={make_voiced()}", "trainer.max_epochs=30", "go_on=true"]
    subprocess.run(
        command(*arguments, f"hydra.run.dir={tmp_path / 'whole'}"), check=True, capture_output=True
    )
    random = np.random.default_rng(0)
    for _ in range(5):
        process = subprocess.Popen(
            command(*arguments, f"hydra.run.dir={tmp_path / 'killed'}"), stdout=subprocess.DEVNULL
        )
        time.sleep(random.uniform(6, 11))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(
        command(*arguments, f"hydra.run.dir={tmp_path / 'killed'}"), check=True, capture_output=True
    )
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_two_processes_validate_as_one(make_voiced, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    arguments = [
        *FUSION,
        f"data.root={make_voiced()}",
        "model.optimizer.lr=0",
        *(f"model.network.encoders.{one}.norm=group" for one in ("face", "audio")),
        "trainer.accelerator=cpu",
    ]
    curves = []
    for name, more in (("one", []), ("two", ["trainer=ddp"])):
        done = subprocess.run(
            command(*arguments, *more, f"hydra.run.dir={tmp_path / name}"),
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        curves.append(pd.read_csv(tmp_path / name / "metrics.csv")[["val/mae", "val/rmse"]])
    assert curves[0].equals(curves[1])
    scored = []
    for name, more in (("alone", []), ("shared", ["trainer.devices=2", "+trainer.strategy=ddp"])):
        asked = [f"checkpoint={tmp_path / 'one' / 'checkpoints' / 'best.ckpt'}", f"output={tmp_path / name}"]
        asked += ["partition=train", "trainer.accelerator=cpu", *more]
        done = subprocess.run(
            [sys.executable, "-m", "stan_lightning.evaluate", *asked], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        numbers = json.loads((tmp_path / name / "metrics.json").read_text())
        scored.append((numbers["modalities"], pd.read_csv(tmp_path / name / "windows.csv")))
    (alone, windows), (shared, again) = scored
    for one in ("face", "audio"):  # each window once; its batch, and so its last digit, may be another
        gates = [found["gates"][one] for found in (alone, shared)]
        assert gates[0]["n"] == gates[1]["n"] == len(windows) - 3
        assert gates[0]["mean"] == pytest.approx(gates[1]["mean"], abs=1e-6)
    pd.testing.assert_frame_equal(windows, again, check_exact=False, rtol=0, atol=1e-6)
