"""Crops of a drawn person, and commands that run as a user's do."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from preprocess.archive.settings import Settings
from preprocess.run.tasks import crop_recording

ROOT = Path(__file__).resolve().parents[3]
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def cropped(tmp_path_factory: pytest.TempPathFactory, film_face, write_video, recording_of) -> Path:
    """A folder with `a.zip`: ten crops of a drawn person."""
    folder = tmp_path_factory.mktemp("cropped")
    video = write_video(folder / "a.mp4", film_face(30))
    row = crop_recording(
        recording_of(video), Settings(3, "frames", 112, "eyes", 1.0, 95, None), folder, lambda count: None
    )
    assert row["n_frames"] == 10
    return folder


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """`command(module, *arguments)` in `tmp_path`: exit code, stdout, stderr."""

    def run(module: str, *arguments: str) -> tuple[int, str, str]:
        ended = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return ended.returncode, ended.stdout, ended.stderr

    return run
