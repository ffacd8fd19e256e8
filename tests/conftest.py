"""What several tests need: where the shared reference files lie."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from stan_boundary.environment import set_defaults

set_defaults()  # before a test loads torch


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


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A real browser without a window."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip("no chromium with chromedriver here: apt install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    profile = tmp_path_factory.mktemp("browser")
    for flag in ("headless", "no-sandbox", "disable-gpu", "disable-background-networking", "no-first-run"):
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={profile}")
    found = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield found
    found.quit()
