"""One progress bar over all frames of all recordings."""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from stan_boundary.file_names import as_text
from stan_boundary.names import printable

T = TypeVar("T")
_LINE_INTERVAL_S = 30.0


class FrameProgress:
    """Counts source frames by recording; the bar's length is corrected where a container's count lied."""

    def __init__(self, console: Console, estimates: Mapping[str, int], unit: str = "frames") -> None:
        """Prepare a bar.

        Args:
            console: Where to draw; a console that is no terminal gets a line now and then instead.
            estimates: Expected source frames by recording.
            unit: What is counted in place of source frames, such as ``s`` of sound.
        """
        self._unit = unit
        self._console = console
        self._expected = dict(estimates)
        self._decoded = dict.fromkeys(estimates, 0)
        self._finished = 0
        self._lock = threading.Lock()
        self._start = self._last_line = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn(f"{{task.completed:,.0f}}/{{task.total:,.0f}} {unit}"),
            _Rate(unit),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(self._title(), total=max(1, sum(estimates.values())))

    @contextmanager
    def shown(self) -> "Iterator[FrameProgress]":
        """Draw while the context lasts."""
        with self._bar:
            yield self

    def of(self, recording: str) -> Callable[[int], None]:
        """A function that counts decoded frames of one recording; may be called from any thread."""

        def count(frames: int) -> None:
            with self._lock:
                self._decoded[recording] += frames
                self._draw()

        return count

    def completed(self, futures: Collection[Future[T]]) -> Iterator[Future[T]]:
        """Give futures as they are done; while no frame has come yet, say now and then what is waited for."""
        pending, start = set(futures), time.monotonic()
        while pending:
            done, pending = wait(pending, _LINE_INTERVAL_S, FIRST_COMPLETED)
            if not done and not any(self._decoded.values()):
                self.say(
                    f"no frame after {time.monotonic() - start:.0f} s: the workers are starting, each "
                    "loads MediaPipe first, which takes minutes where other programs keep the machine busy"
                )
            yield from done

    def finish(self, recording: str, frames: int) -> None:
        """Say that a recording is over and how many frames it really had."""
        with self._lock:
            self._finished += 1
            self._decoded[recording] = self._expected[recording] = frames
            self._draw()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        lines = "\n".join(printable(as_text(line)) for line in text.split("\n"))
        self._bar.console.print(Text(lines), soft_wrap=True)

    def _draw(self) -> None:
        done, total = sum(self._decoded.values()), max(1, sum(self._expected.values()))
        self._bar.update(self._task, completed=done, total=max(done, total), description=self._title())
        if not self._console.is_terminal and time.monotonic() - self._last_line >= _LINE_INTERVAL_S:
            self._last_line = time.monotonic()
            rate = done / (self._last_line - self._start)
            left = (total - done) / rate if rate else 0.0
            done_of = f"{done:,} of {total:,} {self._unit}, {rate:,.0f} {self._unit}/s"
            self.say(f"{self._title()}: {done_of}, {left:,.0f} s left")

    def _title(self) -> str:
        return f"{self._finished}/{len(self._expected)} recordings"


class _Rate(ProgressColumn):
    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """Units a second over the last half minute."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed else f"- {self._unit}/s")
