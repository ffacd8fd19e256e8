"""Signals of many recordings, measured in parallel; a stopped run goes on where it stood."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rich.console import Console

from preprocess.archive.signal_folder import SignalFolder
from preprocess.workers.pool import Executor
from preprocess.workers.progress import FrameProgress
from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.writing import discard_parts

Progress = Callable[[int], None]


class Task(NamedTuple):
    """How one recording's signal is made.

    Attributes:
        steps: How many its work counts, for the progress.
        make: Function and its arguments, which gets `progress` besides; its result is what a user has to
            know, empty where there is nothing. It can be sent to another process.
    """

    steps: int
    make: tuple[Callable[..., str], tuple[object, ...]]


def make_signals(
    signal: SignalFolder, tasks: Mapping[str, Task], executor: Executor, console: Console, unit: str
) -> tuple[int, int]:
    """Make those that are not there yet; which could not be made is told.

    Args:
        signal: Where they go.
        tasks: By recording.
        executor: Runs them.
        console: Where progress is shown.
        unit: Of the tasks' steps.

    Returns:
        How many were made, and how many could not be.
    """
    discard_parts(signal.folder, signal.crops)
    missing = {name: task for name, task in tasks.items() if not signal.path(name).is_file()}
    progress = FrameProgress(console, {name: task.steps for name, task in missing.items()}, unit)
    failed = 0
    try:
        with progress.shown():
            futures = {}
            for name, task in sorted(missing.items(), key=lambda item: -item[1].steps):
                function, arguments = task.make
                futures[executor.submit(function, *arguments, progress=progress.of(name))] = name
            for future in progress.completed(futures):
                name = futures[future]
                try:
                    said = future.result()
                except InputError as error:
                    said = f"not measured: {error}"
                    failed += 1
                if said:
                    progress.say(printable(said))
                progress.finish(name, missing[name].steps)
    except BaseException:
        executor.stop()
        raise
    finally:
        discard_parts(signal.folder, signal.crops)
    return len(missing) - failed, failed
