"""Training through its command line: whole, interrupted, repeated, and refused."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stan_lightning.training.module import StanModule

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *(
        "data=folders",
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
    ),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=4"),
]
SameRun = Callable[[Path, Path], None]


def start(*arguments: str, module: str = "stan_lightning.train") -> "subprocess.Popen[str]":
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def whole(
    once: Callable[[str, Callable[[Path], None]], Path],
    make_crops: Callable[..., Path],
    train: Callable[..., tuple[int, str]],
) -> tuple[list[str], Path]:
    """The arguments of a short run, and the folder of one that nothing disturbed, made once a session."""

    def arguments(home: Path) -> list[str]:
        return [*TINY, f"data.root={home / 'crops'}", "model.scheduler.T_0=2"]

    def make(home: Path) -> None:
        shutil.move(make_crops(), home / "crops")
        code, said = train(*arguments(home), f"hydra.run.dir={home / 'run'}")
        assert code == 0, said

    home = once("undisturbed", make)
    return arguments(home), home / "run"


def test_resumed_equals_undisturbed(
    whole: tuple[list[str], Path],
    tmp_path: Path,
    train: Callable[..., tuple[int, str]],
    assert_same_run: SameRun,
) -> None:
    """2 + 2 epochs are 4, bit for bit, also with workers, in a moved folder, and after a cut checkpoint."""
    arguments, undisturbed = whole
    before, run = tmp_path / "before", tmp_path / "moved here, [a=b]"
    code, said = train(*arguments, f"hydra.run.dir={before}", "trainer.max_epochs=2", "data.num_workers=2")
    assert code == 0, said
    before.rename(run)
    last = run / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:-1000])
    code, said = train(f'resume="{run}"', "trainer.max_epochs=4")
    assert code == 0, said
    assert "damaged or cut short: going on from" in said and "last.previous.ckpt" in said
    assert_same_run(run, undisturbed)


def test_interrupted_in_its_first_epoch(
    whole: tuple[list[str], Path],
    tmp_path: Path,
    train: Callable[..., tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
    assert_same_run: SameRun,
) -> None:
    """What is left is the start: a fresh run is refused there, the same command with go_on ends the run."""
    arguments, undisturbed = whole
    run, step = tmp_path / "interrupted", StanModule.training_step

    def interrupted(self: StanModule, batch: Any, batch_idx: int) -> torch.Tensor:
        if batch_idx == 1:
            raise KeyboardInterrupt
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(StanModule, "training_step", interrupted)
        code, said = train(*arguments, f"hydra.run.dir={run}")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning left it ignored
    assert code == 130, said
    assert "0 whole epochs are kept" in said
    code, said = train(*arguments, f"hydra.run.dir={run}")
    assert code == 2 and "holds a run already" in said
    code, said = train(*arguments, f"hydra.run.dir={run}", "go_on=true", "model.seed=1")
    assert code == 2 and "holds another run, with model.seed=" in said
    code, said = train(*arguments, f"hydra.run.dir={run}", "go_on=true")
    assert code == 0, said
    assert_same_run(run, undisturbed)


def test_folder_repeats_its_run(
    whole: tuple[list[str], Path],
    tmp_path: Path,
    train: Callable[..., tuple[int, str]],
    assert_same_run: SameRun,
) -> None:
    """The documented command makes the run again from what its folder holds."""
    _, run = whole
    again = tmp_path / "again"
    code, said = train(f"--config-dir={run}", "--config-name=config", f"hydra.run.dir={again}")
    assert code == 0, said
    assert_same_run(again, run)
    assert "torch==" in (again / "versions.txt").read_text()


def test_terminated_says_how_to_go_on(
    whole: tuple[list[str], Path],
    tmp_path: Path,
    train: Callable[..., tuple[int, str]],
    assert_same_run: SameRun,
) -> None:
    """SIGTERM: exit code 143, one line; the line's command ends as if nothing had happened."""
    arguments, undisturbed = whole
    run = tmp_path / "terminated"
    process = start(*arguments, f"hydra.run.dir={run}")
    while not (run / "metrics.csv").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 143, said
    assert "Traceback" not in said
    command = said.strip().splitlines()[-1].partition("go on with: ")[2]
    assert command == f"{sys.executable} -m stan_lightning.train resume={run}"
    code, said = train(command.split()[-1])
    assert code == 0, said
    assert_same_run(run, undisturbed)


def rows(run: Path) -> int:
    """Epochs in a run's table so far."""
    file = run / "metrics.csv"
    return file.read_text().count("\n") - 1 if file.exists() else 0


@pytest.mark.slow
def test_twenty_kills_at_random_moments(
    whole: tuple[list[str], Path], tmp_path: Path, assert_same_run: SameRun
) -> None:
    """SIGKILL, with workers: some while it starts, the others within five epochs and anywhere in one."""
    arguments, _ = whole
    undisturbed, run = tmp_path / "long", tmp_path / "killed"
    arguments = [*arguments, "trainer.max_epochs=100", "go_on=true"]
    process = start(*arguments, f"hydra.run.dir={undisturbed}")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    moments, at = random.Random(0), []
    for kill in range(20):
        process = start(*arguments, f"hydra.run.dir={run}", "data.num_workers=2")
        if kill % 5 == 4:
            time.sleep(moments.uniform(0, 10))
        else:
            enough = rows(run) + moments.randint(0, 5)
            while (rows(run) < enough or not run.exists()) and process.poll() is None:
                time.sleep(0.005)
            time.sleep(moments.uniform(0, 0.5))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL, "the run was over too early"
        at.append(rows(run))
    print("epochs done at the kills:", at)
    process = start(*arguments, f"hydra.run.dir={run}")
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert_same_run(run, undisturbed)
