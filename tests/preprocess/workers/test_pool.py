import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from preprocess.workers.pool import ProcessPool, WorkerDiedError
from stan_boundary.errors import InputError

PREFACE = """
import os, signal, sys, time
from pathlib import Path
from preprocess.workers.pool import ProcessPool

def task(number, report):
    report(10)
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 4:
        raise EOFError("the file's end, not the worker's")
    return number * number

def mark(folder, number, report):
    Path(folder, f"pid{os.getpid()}").touch()
    time.sleep(60)
"""


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A module that spawned workers can import."""
    (tmp_path / "pool_tasks.py").write_text(PREFACE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "pool_tasks", raising=False)
    import pool_tasks

    return pool_tasks


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition, timeout_s: float = 20.0) -> bool:
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(condition())


def test_a_worker_that_dies_costs_its_own_task_only(tasks) -> None:
    counted = []
    with ProcessPool(2) as pool:
        futures = [pool.submit(tasks.task, number, progress=counted.append) for number in range(8)]
        errors = [future.exception() for future in futures]
    assert [future.result() for future, error in zip(futures, errors, strict=True) if error is None] == [
        0, 1, 4, 25, 36, 49,
    ]  # fmt: skip
    assert isinstance(errors[3], WorkerDiedError) and "SIGSEGV" in str(errors[3])
    assert type(errors[4]) is EOFError  # what a task raises is not taken for a worker's death
    assert sum(counted) <= 80 and len(counted) >= 7


def test_stop_kills_what_is_at_work(tasks, tmp_path: Path) -> None:
    pool = ProcessPool(2)
    futures = [pool.submit(tasks.mark, str(tmp_path), number, progress=print) for number in range(4)]
    assert wait_for(lambda: len(list(tmp_path.glob("pid*"))) == 2)
    start = time.monotonic()
    pool.stop()
    assert time.monotonic() - start < 5
    assert all(future.cancelled() or isinstance(future.exception(), WorkerDiedError) for future in futures)
    assert not any(alive(int(path.name[3:])) for path in tmp_path.glob("pid*"))


def test_workers_end_with_a_parent_that_is_killed(tasks, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\nfrom preprocess.workers.pool import ProcessPool\nimport pool_tasks\n"
        "if __name__ == '__main__':\n"
        "    pool = ProcessPool(2)\n"
        "    [pool.submit(pool_tasks.mark, sys.argv[1], n, progress=print) for n in range(2)]\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env={**os.environ, "PYTHONPATH": path}
    )
    assert wait_for(lambda: len(list(tmp_path.glob("pid*"))) == 2)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    workers = [int(path.name[3:]) for path in tmp_path.glob("pid*")]
    assert wait_for(lambda: not any(alive(pid) for pid in workers), 3.0)


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(InputError, match="workers=0"):
        ProcessPool(0)


@pytest.mark.slow
def test_a_dask_cluster_survives_the_death_of_a_worker(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra `distributed` is not installed")
    from preprocess.workers.dask_pool import DaskPool

    (tmp_path / "dask_tasks.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        "def work(folder, number, report):\n"
        "    Path(folder, f'pid{os.getpid()}').touch()\n"
        "    for _ in range(10):\n        time.sleep(0.1); report(1)\n"
        "    return number * number\n"
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[3])])
    quiet = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
        "env": {**os.environ, "PYTHONPATH": path},
    }
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    port = address.rpartition(":")[2]
    started = [subprocess.Popen([*dask, "--host", "127.0.0.1", "--port", port, "--no-dashboard"], **quiet)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
    try:
        started += [subprocess.Popen([*worker, "--no-dashboard"], **quiet, cwd=tmp_path) for _ in range(2)]
        sys.path.insert(0, str(tmp_path))
        import dask_tasks

        assert wait_for(lambda: _has_workers(address, 2), 60)
        counted = []
        with DaskPool(address, 20) as pool:
            futures = [
                pool.submit(dask_tasks.work, str(tmp_path), number, progress=counted.append)
                for number in range(8)
            ]
            assert wait_for(lambda: len(list(tmp_path.glob("pid*"))) == 2)
            started[1].kill()
            assert [future.result(timeout=60) for future in futures] == [number**2 for number in range(8)]
        assert sum(counted) > 0
        with pytest.raises(InputError, match="no Dask scheduler"):
            DaskPool("tcp://127.0.0.1:1", 1)
    finally:
        sys.path.remove(str(tmp_path))
        for process in started:
            process.kill()
            process.wait()


def _has_workers(address: str, count: int) -> bool:
    import distributed

    try:
        with distributed.Client(address, timeout=5, set_as_default=False) as client:
            return len(client.scheduler_info(n_workers=-1)["workers"]) == count
    except OSError:
        return False
