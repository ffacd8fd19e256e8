"""The lowest versions that pyproject.toml allows do what the newest do."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TINY = [
    *(
        "model.network.encoder.features=2",
        "model.network.encoder.layers=[1,1,1,1]",
        "data.clip_frames=16",
        "data.image_size=32",
    ),
    *("data.batch_size=2", "data.num_workers=1", "trainer.max_epochs=1"),
]
AS_INSTALLED = ("torch",)
"""Gigabytes in any other version."""


def lowest() -> list[str]:
    """Each dependency pinned to its lower bound; ``>=2`` is the first of the second."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = []
    for line in project["dependencies"]:
        name, bound = re.fullmatch(r"([\w-]+)>=([\d.]+)", line).groups()
        if name in AS_INSTALLED:
            pins.append(f"{name}=={version(name).partition('+')[0]}")
        else:
            pins.append(f"{name}=={'.'.join([*bound.split('.'), '0', '0'][:3])}")
    # Its version has a fourth part, the build; mediapipe brings the second, and both are cv2.
    pins = [re.sub(r"(opencv-python==[\d.]+)", r"\1.*", pin) for pin in pins]
    return [*pins, *(pin.replace("-python", "-contrib-python") for pin in pins if "opencv" in pin)]


def test_every_dependency_has_a_lower_bound() -> None:
    assert len(lowest()) > 10 and "numpy==2.0.0" in lowest()


@pytest.mark.slow
def test_the_whole_road_on_the_lowest_versions(tmp_path: Path, make_crops: Callable[..., Path]) -> None:
    """Minutes: a virtual environment of its own, filled from the package index."""
    python = tmp_path / "lowest" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "lowest"], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--only-binary=:all:"]
    pip += ["--no-binary=antlr4-python3-runtime"]  # which hydra needs, and which has no wheel
    done = subprocess.run([*pip, *lowest()], capture_output=True, text=True)
    if "No matching distribution" in done.stderr or "onnection" in done.stderr:
        pytest.skip(f"the package index lacks one of them here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    subprocess.run([*pip[:-2], "--no-deps", str(ROOT)], check=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    root, run, drawn = make_crops(), tmp_path / "run", tmp_path / "drawn"
    best = f"checkpoint={run / 'checkpoints' / 'best.ckpt'}"
    people = ["corpus.subjects=3", "corpus.sessions={train:1,dev:1,test:1}", "corpus.seconds=[2,3]"]
    for command in (
        ["preprocess", "corpus=demo", *people, f"output={drawn}", "workers=1"],
        ["stan_lightning.train", "data=folders", f"data.root={root}", *TINY, f"hydra.run.dir={run}"],
        ["stan_lightning.train", f"resume={run}", "trainer.max_epochs=2"],
        ["stan_lightning.evaluate", best],
        ["stan_lightning.predict", best, f"video={root}", f"output={tmp_path / 'out'}"],
        ["stan_lightning.report", str(run), f"--output={tmp_path / 'report'}"],
    ):
        done = subprocess.run(
            [python, "-m", *command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
