"""What the machine refuses is known by what the libraries say of it, and defects keep their traceback."""

import errno
import os

import pytest

from stan_boundary import trouble

TORCH = "[enforce fail at inline_container.cc:672] . "
LOADER = "DataLoader worker (pid(s) 17) "


def of(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (of(errno.ENOSPC, "runs/a.ckpt"), ["runs/a.ckpt", "the disk is full", "make room"]),
        (of(errno.EDQUOT), ["the disk is full", "quota"]),
        (of(errno.EROFS, "runs/config.yaml"), ["runs/config.yaml", "Read-only", "give another"]),
        (of(errno.EMFILE), ["Too many open files"]),
        (
            FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp', '/x']"),
            ["temporary files", "TMPDIR"],
        ),
        (RuntimeError(TORCH + "unexpected pos 768 vs 662"), ["checkpoint", "disk is full"]),
        (RuntimeError(TORCH + "PytorchStreamWriter failed writing file data/0"), ["disk is full"]),
        (RuntimeError(LOADER + "exited unexpectedly"), ["was killed", "data.num_workers=0"]),
        (
            RuntimeError("DataLoader worker (pid 17) is killed by signal: Killed. "),
            ["was killed (Killed)", "data.num_workers=0"],
        ),
        (
            RuntimeError(
                "DataLoader worker (pid 17) is killed by signal: Bus error. It is possible that ..."
            ),
            ["shared memory", "data.num_workers=0", "--shm-size"],
        ),
        (
            RuntimeError("unable to write to file </torch_1_2_0>: No space left on device (28)"),
            ["shared memory", "data.num_workers=0"],
        ),
        (RuntimeError("You set `--ntasks=2` in your SLURM bash script"), ["--ntasks-per-node"]),
        (RuntimeError("Could not determine home directory."), ["set HOME"]),
        (UnicodeEncodeError("ascii", "data/\xe9tude", 5, 6, "no"), ["data/\\xe9tude", "PYTHONUTF8=1"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_one_line_with_the_way_on(error: BaseException, words: list[str]) -> None:
    found = trouble.said(error)
    assert found is not None and "\n" not in found
    assert [word for word in words if word not in found] == []


def test_the_cause_is_asked_too() -> None:
    try:
        try:
            raise of(errno.ENOSPC, "a")
        except OSError as error:
            raise ValueError("wrapped") from error
    except ValueError as error:
        assert "disk is full" in (trouble.said(error) or "")


@pytest.mark.parametrize(
    "defect",
    [ValueError("x"), RuntimeError("shapes do not match"), FileNotFoundError(2, "no", "a"), KeyError(1)],
)
def test_a_defect_keeps_its_traceback(defect: BaseException) -> None:
    assert trouble.said(defect) is None
