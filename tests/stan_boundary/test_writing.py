import errno
import os
from pathlib import Path

import pytest

from stan_boundary.writing import discard_parts, write_whole


def test_a_link_is_replaced_and_never_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"mine")
    (tmp_path / "page").symlink_to(precious)
    write_whole(tmp_path / "page", b"new")
    assert precious.read_bytes() == b"mine" and not (tmp_path / "page").is_symlink()


def test_leftovers_of_killed_writers_go_and_nothing_else(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.zip", b"whole")
    (tmp_path / ".0123456789abcdef.part").write_bytes(b"half")
    assert discard_parts(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_write_whole_keeps_the_old_file_on_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "full")))
    with pytest.raises(OSError):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]
