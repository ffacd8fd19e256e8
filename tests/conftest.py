"""What several tests need: where the shared reference files lie."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference vectors and real clips: `STAN_SHARED`, or `shared` beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("STAN_SHARED", beside))
    if not (folder / "reference").is_dir():
        pytest.skip(f"no reference files at {folder}: set STAN_SHARED to their folder")
    return folder
