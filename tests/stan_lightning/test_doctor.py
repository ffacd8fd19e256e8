"""The doctor as it is typed: on a bare Python, and on this machine with a broken library."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def doctor(
    *words: str, flags: tuple[str, ...] = (), **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *flags, "-m", "stan_lightning.doctor", *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
    )


def test_a_python_without_any_package_is_told_what_to_install(tmp_path: Path) -> None:
    done = doctor(flags=("-S",), HOME=str(tmp_path / "gone"), XDG_CACHE_HOME="")
    assert done.returncode == 3 and not done.stderr, done.stderr
    mend = done.stdout.split("to mend:")[1]
    assert " -m pip install 'torch' 'lightning'" in mend and "export HOME=" in mend
    assert "not tried, since its libraries do not load" in done.stdout


def test_help_has_examples() -> None:
    done = doctor("--help")
    assert done.returncode == 0 and "stan_lightning.doctor experiment=demo data.root=crops" in done.stdout


@pytest.mark.slow
def test_this_machine_with_a_broken_library(tmp_path: Path, make_crops: Callable[..., Path]) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "wandb.py").write_text("raise ImportError('no symbol')\n")
    words = ["data=folders", f"data.root={make_crops()}", "data.clip_frames=16", "data.image_size=32"]
    words += ["data.batch_size=2", "data.num_workers=0", "model.network.encoder.layers=[1,1,1,1]"]
    whole = doctor(*words)
    assert whole.returncode == 0, whole.stdout
    assert "time: about" in whole.stdout and "codecs: reads h264" in whole.stdout
    broken = doctor(*words, PYTHONPATH=f"{tmp_path / 'broken'}{os.pathsep}{ROOT}")
    assert broken.returncode == 3, broken.stdout
    assert "wandb is installed and does not load: no symbol" in broken.stdout
    assert "-m pip install --force-reinstall wandb" in broken.stdout.split("to mend:")[1]
