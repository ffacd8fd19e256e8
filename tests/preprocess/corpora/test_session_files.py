"""Files of sessions in folders, zips and tar.gz: found by name in any case, damage said, the rest read."""

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from preprocess.corpora.session_files import SessionFile, session_files
from stan_boundary.errors import InputError

PATTERNS = {"features": "*_CLNF_features.txt", "turns": "*_transcript.csv"}
FILES = {
    "300_P/300_CLNF_features.txt": b"f" * 5000,
    "300_P/300_CLNF_features3D.txt": b"3D",
    "300_P/300_TRANSCRIPT.csv": b"turns",
    "300_P/._300_TRANSCRIPT.csv": b"\x00\x05",
    "300_P/.~lock.300_TRANSCRIPT.csv#": b"lock",
    "__MACOSX/300_P/300_TRANSCRIPT.csv": b"mac",
}
WANTED = [("features", b"f" * 5000), ("turns", b"turns")]


def read(root: Path, most_bytes: int = 2**20) -> tuple[list[SessionFile], list[str]]:
    faults: list[str] = []
    return list(session_files(root, PATTERNS, faults, most_bytes)), faults


def as_folder(root: Path) -> None:
    for name, data in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def as_zip(root: Path) -> None:
    with zipfile.ZipFile(root / "300_P.ZIP", "w") as archive:
        for name, data in FILES.items():
            archive.writestr(name, data)


def as_tar(root: Path) -> None:
    with tarfile.open(root / "300_P.tar.gz", "w:gz") as archive:
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


@pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar])
def test_the_same_files_are_found_however_they_are_packed(pack, tmp_path):
    pack(tmp_path)
    found, faults = read(tmp_path)
    assert [(one.kind, one.data) for one in found] == WANTED
    assert found[1].place.endswith("300_P/300_TRANSCRIPT.csv")
    assert faults == []


@pytest.mark.parametrize("pack", [as_zip, as_tar])
def test_a_truncated_archive_is_said_in_one_line_and_the_rest_is_read(pack, tmp_path):
    pack(tmp_path)
    (archive,) = tmp_path.iterdir()
    archive.write_bytes(archive.read_bytes()[:-12])
    (tmp_path / "301_TRANSCRIPT.csv").write_bytes(b"next")
    found, faults = read(tmp_path)
    assert found[-1] == SessionFile("turns", "301_TRANSCRIPT.csv", b"next")
    assert len(faults) == 1 and archive.name in faults[0] and "\n" not in faults[0]


def test_one_damaged_member_of_a_zip_costs_only_itself(tmp_path):
    as_zip(tmp_path)
    archive = tmp_path / "300_P.ZIP"
    archive.write_bytes(archive.read_bytes().replace(b"f" * 5000, b"g" * 5000))
    found, faults = read(tmp_path)
    assert [one.kind for one in found] == ["turns"]
    assert len(faults) == 1 and "300_P.ZIP/300_P/300_CLNF_features.txt" in faults[0]


@pytest.mark.parametrize("pack", [as_folder, as_zip, as_tar])
def test_a_file_beyond_the_bound_is_left_out_and_said(pack, tmp_path):
    pack(tmp_path)
    found, faults = read(tmp_path, most_bytes=100)
    assert [one.kind for one in found] == ["turns"]
    assert len(faults) == 1 and "longer than 100 bytes" in faults[0]


def test_a_root_that_is_no_folder_names_the_setting(tmp_path):
    with pytest.raises(InputError, match=r"corpus\.root"):
        read(tmp_path / "absent")


@pytest.mark.parametrize("name", ["300_P.zip", "300_P.tar.gz", "300_TRANSCRIPT.csv"])
def test_a_pipe_is_said_and_not_waited_for(name, tmp_path):
    os.mkfifo(tmp_path / name)
    (tmp_path / "301_TRANSCRIPT.csv").write_bytes(b"next")
    found, faults = read(tmp_path)
    assert [one.data for one in found] == [b"next"]
    assert len(faults) == 1 and name in faults[0]
