"""What is installed without this checkout holds all that the commands read."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stan_boundary.typed import COMMANDS

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
def test_the_wheel_works_from_another_directory(tmp_path: Path) -> None:
    """Configs, pages' templates and the program are in it: a corpus is drawn, cropped and shown on a page."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    site = tmp_path / "site"
    subprocess.run([*pip, "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "-q", "--no-deps", "--target", str(site), str(wheel)], check=True)
    environment = os.environ | {"PYTHONPATH": str(site)}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    def program(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return run(str(site / "bin" / "stan-lightning"), *arguments)

    code = "import stan_lightning.pages.page as page, preprocess; print(page.TEMPLATE, preprocess.__file__)"
    assert all(path.startswith(str(site)) and Path(path).is_file() for path in run("-c", code).stdout.split())
    small = ["corpus=demo", "corpus.subjects=3", "corpus.sessions={train: 1, dev: 1, test: 1}", "workers=1"]
    assert not (site / "conf").exists()
    for command in COMMANDS:
        told = program(command, "--help")
        assert told.returncode == 0 and len(told.stdout) > 200, told.stderr
    drawn = program("preprocess", *small, "output=crops")
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "crops" / "quality.html").is_file()
    small_network = ["model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]
    clips = ["data.clip_frames=8", "data.image_size=32", "data.batch_size=2", "data.num_workers=0"]
    where = ["data=synthetic", "data.root=crops", "hydra.run.dir=out", "trainer.max_epochs=1"]
    trained = program("train", *where, *small_network, *clips)
    assert trained.returncode == 0, trained.stderr
    scored = program("evaluate", "checkpoint=out/checkpoints/best.ckpt", "output=scores")
    assert scored.returncode == 0, scored.stderr
    assert "config.yaml" in (tmp_path / "scores" / "report.html").read_text()
    refused = program("train", "data.root=nowhere", "hydra.run.dir=run")
    assert refused.returncode == 2 and refused.stderr.startswith("error: ") and "nowhere" in refused.stderr
