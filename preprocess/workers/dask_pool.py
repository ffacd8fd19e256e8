"""Many machines: the same tasks on a Dask cluster that the user has started.

All workers must see the corpus and the crops under the same paths (a shared file system) and have this
project installed. One thread a worker (`dask worker --nthreads 1 --nworkers ...`), as for local processes.
"""

import importlib
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Any, TypeVar

from preprocess.workers.pool import Report, WorkerDiedError
from stan_boundary.errors import InputError

T = TypeVar("T")
_TOPIC = "preprocess-progress"


class DaskPool:
    """Runs tasks on a cluster; the scheduler gives those of a lost worker to another one."""

    def __init__(self, address: str, timeout_s: float) -> None:
        """Connect.

        Args:
            address: The scheduler's, as `tcp://10.0.0.1:8786`.
            timeout_s: How long to wait for the scheduler.

        Raises:
            InputError: Dask is not installed, no scheduler there, or a cluster without workers.
        """
        distributed = _import_distributed()
        self._died = distributed.KilledWorker
        try:
            self._client = distributed.Client(address, timeout=timeout_s, set_as_default=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler at executor.address={address} ({error}): start `dask scheduler` there"
            ) from None
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            self._client.close()
            raise InputError(f"{address} has no workers: start `dask worker {address} --nthreads 1`")
        self._listeners: dict[str, Callable[[int], None]] = {}
        self._client.subscribe_topic(_TOPIC, self._hear)
        self._executor = self._client.get_executor()

    def __enter__(self) -> "DaskPool":
        """Hand over the pool."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the cluster; it drops what this run has not finished."""
        self.stop()
        self._client.close()

    def submit(
        self, function: Callable[..., T], /, *args: object, progress: Callable[[int], None]
    ) -> Future[T]:
        """Run `function(*args, report)` on the cluster; see `pool.Executor`.

        The future raises `WorkerDiedError` once the task has cost several workers.
        """
        key = uuid.uuid4().hex
        self._listeners[key] = progress
        remote: Future[T] = self._executor.submit(_report_and_run, key, function, args)
        local: Future[T] = Future()
        remote.add_done_callback(lambda done: self._finish(key, done, local))
        return local

    def stop(self) -> None:
        """Cancel what is not finished."""
        self._executor.shutdown(wait=False)

    def _hear(self, event: tuple[float, tuple[str, int]]) -> None:
        key, count = event[1]
        if progress := self._listeners.get(key):
            progress(count)

    def _finish(self, key: str, remote: Future[T], local: Future[T]) -> None:
        self._listeners.pop(key, None)
        if remote.cancelled():
            local.cancel()
            local.set_running_or_notify_cancel()
        elif (error := remote.exception()) is None:
            local.set_result(remote.result())
        elif isinstance(error, self._died):
            local.set_exception(WorkerDiedError("several worker processes died on it"))
        else:
            local.set_exception(error)


def _report_and_run(key: str, function: Callable[..., T], args: tuple[object, ...]) -> T:
    worker = _import_distributed().get_worker()
    return function(*args, Report(lambda count: worker.log_event(_TOPIC, (key, count))))


def _import_distributed() -> Any:
    try:
        return importlib.import_module("distributed")  # an optional extra, without annotations
    except ModuleNotFoundError:
        raise InputError("executor=dask needs Dask: pip install 'stan-lightning[distributed]'") from None
