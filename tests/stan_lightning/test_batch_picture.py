"""The picture of a batch in docs/architecture.md is drawn by the code that trains."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "batch_picture.py"


@pytest.mark.slow
def test_a_batch_of_any_crops_can_be_drawn(tmp_path: Path, make_crops: Callable[..., Path]) -> None:
    picture = tmp_path / "batch.png"
    done = subprocess.run([sys.executable, SCRIPT, make_crops(), picture], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Every pixel of a recording's crops is four times its label, in the archive and in the worker's clip.
    drawn = np.asarray(Image.open(picture).convert("L")).astype(int)
    labels = [17, 34, 51, 8, 25]
    frames = [(abs(drawn - 4 * label) <= 3).sum() for label in labels]
    assert max(frames) > 80_000, frames
