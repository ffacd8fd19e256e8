import errno
import os
import stat
from pathlib import Path

import pytest

from stan_boundary.errors import InputError
from stan_boundary.writing import discard_parts, output_folder, private_folder, whole_path, write_whole


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


def test_output_folders_are_their_owners_alone_and_no_links(tmp_path: Path) -> None:
    output = private_folder(tmp_path / "new" / "output")
    inner = private_folder(output / "signals" / "behaviour", output)
    assert [folder.stat().st_mode & 0o777 for folder in (output, inner.parent, inner)] == [0o700] * 3
    output.chmod(0o750)
    assert private_folder(output).stat().st_mode & 0o777 == 0o750  # its owner's decision stands
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / ".0123456789abcdef.part").write_bytes(b"another's")
    (output / "sheets").symlink_to(elsewhere)
    (output / "gone").symlink_to("nowhere")
    (output / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(output)
    for folder in ("sheets", "sheets/deeper", "gone", "file", "file/deeper"):
        with pytest.raises(InputError):
            private_folder(output / folder, output)
    with pytest.raises(InputError, match="is a link"):
        private_folder(tmp_path / "link")
    assert private_folder(tmp_path / "link" / "signals").is_dir()  # above the output, links are the user's
    assert discard_parts(output / "sheets") == 0 and len(list(elsewhere.iterdir())) == 1


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EOPNOTSUPP, errno.EBADF])
def test_a_folder_that_cannot_be_synced_is_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    sync = os.fsync

    def refuse_folders(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(code, os.strerror(code))
        sync(handle)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_whole(tmp_path / "a", b"whole")
    assert (tmp_path / "a").read_bytes() == b"whole" and len(list(tmp_path.iterdir())) == 1


def test_a_disk_that_fails_in_syncing_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "broken")))
    with pytest.raises(OSError, match="broken"):
        write_whole(tmp_path / "a", b"whole")
    assert not list(tmp_path.iterdir())


def test_libraries_that_open_paths_write_whole_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By an absolute path, as FFmpeg takes `12:30/film` for a protocol; a link is replaced."""
    monkeypatch.chdir(tmp_path)
    folder = Path("12:30")
    folder.mkdir()
    (folder / "film").symlink_to(tmp_path / "precious")
    with whole_path(folder / "film") as part:
        assert part.is_absolute() and part.parent == tmp_path / folder
        part.write_bytes(b"new")
        assert not (tmp_path / "precious").exists()
    assert (folder / "film").read_bytes() == b"new" and not (folder / "film").is_symlink()
    with pytest.raises(FileNotFoundError) as gone, whole_path(tmp_path / "gone" / "film"):
        pass
    assert gone.value.filename == str(tmp_path / "gone" / "film")  # not a hidden name that nobody knows
    with pytest.raises(KeyError), whole_path(folder / "film") as part:
        part.write_bytes(b"half")
        raise KeyError
    with pytest.raises(InputError, match="is a folder"), whole_path(folder):
        pass
    assert os.listdir(tmp_path) == ["12:30"]
    assert os.listdir(folder) == ["film"] and (folder / "film").read_bytes() == b"new"


def test_nothing_behind_a_link_is_discarded(tmp_path: Path) -> None:
    """Nor behind one above the folder, within the output: `tracks -> elsewhere` of a received folder."""
    theirs = tmp_path / "elsewhere" / "behaviour" / ".0123456789abcdef.part"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"another's")
    output = tmp_path / "output"
    output.mkdir()
    (output / "signals").symlink_to(tmp_path / "elsewhere")
    assert discard_parts(output / "signals" / "behaviour", output) == 0 and theirs.exists()
    (output / "signals").unlink()
    (tmp_path / "elsewhere").rename(output / "signals")
    assert discard_parts(output / "signals" / "behaviour", output) == 1


def test_an_output_that_cannot_be_written_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert output_folder(tmp_path / "new").is_dir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write all but a read-only mount
    with pytest.raises(InputError, match="new cannot be written: choose another output"):
        output_folder(tmp_path / "new")
