"""Local worker processes, each on a line of its own.

Why not a library: `ProcessPoolExecutor` and loky fail every pending task when one worker dies. Pebble does
not, but its workers read and write one pipe under one lock, so that a worker killed with the lock in hand
stops the others, and it raises `BrokenProcessPool` for one that dies between tasks. Here a worker shares
nothing: each has one thread of a `ThreadPoolExecutor` and one pipe, which also carries progress.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Protocol, TypeVar

from stan_boundary import cores
from stan_boundary.errors import InputError

T = TypeVar("T")
_REPORT_INTERVAL_S = 0.2


class WorkerDiedError(RuntimeError):
    """The process that worked on a task is gone; says by which signal or exit code."""


class Executor(Protocol):
    """What a run asks of whatever runs its tasks."""

    def submit(
        self, function: Callable[..., T], /, *args: object, progress: Callable[[int], None]
    ) -> Future[T]:
        """Run `function(*args, report)` somewhere; `report(n)` there calls `progress` with sums here."""
        ...

    def stop(self) -> None:
        """Drop what is not finished, at once."""
        ...


@dataclass(frozen=True)
class _Worker:
    process: BaseProcess
    connection: Connection


class ProcessPool:
    """Runs tasks in spawned processes; a process that dies costs the task it holds and is replaced.

    Spawned, not forked: MediaPipe's threads do not survive a fork. Workers end with their parent, however it
    ends.
    """

    def __init__(self, workers: int | None) -> None:
        """Prepare a pool; processes start with the first tasks.

        Args:
            workers: Number of processes; None for as many as there are processors to use.

        Raises:
            InputError: Less than one worker.
        """
        count = cores.usable() if workers is None else workers
        if count < 1:
            raise InputError(f"workers={count}: must be 1 or more")
        self._local = threading.local()
        self._lock = threading.Lock()
        self._stopped = False
        self._workers: set[BaseProcess] = set()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="worker", initializer=_block_interrupts)

    def __enter__(self) -> "ProcessPool":
        """Hand over the pool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the processes, without waiting for their tasks where there was an error."""
        if kind is None:
            self._threads.shutdown()
        self.stop()

    def submit(
        self, function: Callable[..., T], /, *args: object, progress: Callable[[int], None]
    ) -> Future[T]:
        """Run `function(*args, report)` in a worker.

        `function` and `args` are pickled. The future raises what the function raised, or `WorkerDiedError`.
        `progress` is called in a thread of the pool.
        """
        return self._threads.submit(self._run, function, args, progress)

    def stop(self) -> None:
        """Kill all workers and cancel what has not begun."""
        with self._lock:
            self._stopped = True
            for process in self._workers:
                process.kill()
                process.join()
        self._threads.shutdown(cancel_futures=True)

    def _run(
        self, function: Callable[..., T], args: tuple[object, ...], progress: Callable[[int], None]
    ) -> T:
        worker = self._worker()
        try:
            worker.connection.send((function, args))
            kind, value = worker.connection.recv()
            while kind == "progress":
                progress(value)
                kind, value = worker.connection.recv()
        except (EOFError, ConnectionError):
            raise WorkerDiedError(self._bury(worker)) from None
        if kind == "error":
            raise value
        result: T = value
        return result

    def _worker(self) -> _Worker:
        """The process of this thread, a new one where there is none or it died."""
        worker: _Worker | None = getattr(self._local, "worker", None)
        context = multiprocessing.get_context("spawn")
        # One at a time: multiprocessing keeps lists of its children that threads must not share.
        with self._lock:
            if worker is not None and worker.process.is_alive():
                return worker
            if self._stopped:
                raise WorkerDiedError("the run was stopped")
            near, far = context.Pipe()
            process = context.Process(target=_serve, args=(far,), daemon=True)
            process.start()
            far.close()  # else the end of the process would not end the pipe
            self._workers.add(process)
        self._local.worker = started = _Worker(process, near)
        return started

    def _bury(self, worker: _Worker) -> str:
        del self._local.worker
        worker.connection.close()
        with self._lock:
            worker.process.kill()  # it closed its pipe: whatever is left of it is of no use
            worker.process.join()
            self._workers.discard(worker.process)
        code = worker.process.exitcode or 0
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"the worker process died ({how})"


class Report:
    """Sums frames and passes them on a few times a second: a message a frame would cost more than a frame."""

    def __init__(self, send: Callable[[int], None]) -> None:
        """Pass sums to `send`."""
        self._send = send
        self._sum = 0
        self._due = 0.0

    def __call__(self, count: int) -> None:
        """Count so many frames more."""
        self._sum += count
        if time.monotonic() >= self._due:
            self._send(self._sum)
            self._sum = 0
            self._due = time.monotonic() + _REPORT_INTERVAL_S


def _block_interrupts() -> None:
    # A terminal sends Ctrl-C to all processes of the group. Workers inherit this mask from the thread that
    # starts them, so the parent alone decides; a handler set inside of them would come too late for some.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve(connection: Connection) -> None:
    """A worker's life: tasks in, progress and results out, until the pipe or the parent ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Decoders and MediaPipe write to stderr from native code and would tear the progress bar apart. What
    # matters comes back as an exception.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while True:
        try:
            function, args = connection.recv()
        except EOFError:
            return
        report = Report(lambda count: connection.send(("progress", count)))
        try:
            answer: tuple[str, Any] = ("result", function(*args, report))
        except Exception as error:
            error.add_note("in a worker process:\n" + traceback.format_exc())
            answer = ("error", error)
        connection.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        with contextlib.suppress(OSError):
            os.kill(os.getpid(), signal.SIGKILL)
