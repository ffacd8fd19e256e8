"""What several tests need: where the shared reference files lie."""

import os
import signal
from pathlib import Path

import pytest


def pytest_configure() -> None:
    """Let tests of both wings share a process.

    MediaPipe's timer sends SIGPROF to a handler that Python does not know of. Lightning puts back the
    handlers that Python knows, which without this line is the default one: the process would end.
    """
    signal.signal(signal.SIGPROF, signal.SIG_IGN)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference vectors and real clips: `STAN_SHARED`, or `shared` beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("STAN_SHARED", beside))
    if not (folder / "reference").is_dir():
        pytest.skip(f"no reference files at {folder}: set STAN_SHARED to their folder")
    return folder
