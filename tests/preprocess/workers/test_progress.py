"""What is waited for is said while no frame has come."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from preprocess.workers import progress
from preprocess.workers.progress import FrameProgress


def test_a_slow_start_is_said_until_the_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LINE_INTERVAL_S", 0.05)
    said = io.StringIO()
    shown = FrameProgress(Console(file=said, width=200), {"a": 10, "b": 10})
    started, done = threading.Event(), threading.Event()

    def work(name: str) -> str:
        started.wait(10)
        shown.of(name)(5)
        done.wait(10)
        return name

    threading.Timer(0.3, started.set).start()
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(work, "a"), pool.submit(work, "b")]
        threading.Timer(0.8, done.set).start()
        assert sorted(future.result() for future in shown.completed(futures)) == ["a", "b"]
    lines = said.getvalue().splitlines()
    waiting = [line for line in lines if "MediaPipe" in line]
    assert 1 <= len(waiting) <= 7, "said while nothing came, and no more once frames did"
