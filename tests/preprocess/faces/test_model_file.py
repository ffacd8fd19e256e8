import errno
import shutil
import subprocess
import tempfile
import zipfile

import pytest

from preprocess.faces.model_file import (
    FULL_RANGE,
    MESH,
    SHORT_RANGE,
    cache_folder,
    find_mesh,
    find_models,
)
from stan_boundary.errors import InputError


@pytest.fixture
def models():
    return find_models(None)


@pytest.fixture
def mesh():
    """Read before `no_index` empties the cache."""
    return find_mesh(None).read_bytes()


@pytest.fixture
def no_index(tmp_path, monkeypatch):
    """An empty cache and a pip that may ask nobody."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return tmp_path / "cache" / "stan-lightning"


def build_wheel(path, contents):
    with zipfile.ZipFile(path, "w") as wheel:
        for name, content in contents.items():
            room = "face_landmark" if name == MESH else "face_detection"
            wheel.writestr(f"mediapipe/modules/{room}/{name}", content)
    return path


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_cache_is_asked_before_the_index(models, no_index):
    no_index.mkdir(parents=True)
    for path in (models.short_range, models.full_range):
        shutil.copy(path, no_index)
    assert find_models(None).short_range == no_index / SHORT_RANGE


def test_without_index_and_cache_one_line_names_the_way_out(no_index):
    with pytest.raises(InputError, match=r"detector\.model_path") as error:
        find_models(None)
    assert "package index" in one_line(error)


def test_a_damaged_file_in_the_cache_is_not_used(models, no_index):
    no_index.mkdir(parents=True)
    shutil.copy(models.full_range, no_index)
    (no_index / SHORT_RANGE).write_bytes(models.short_range.read_bytes()[:-1] + b"!")
    with pytest.raises(InputError, match="could not be fetched"):
        find_models(None)


def test_the_wheel_itself_will_do(models, no_index, tmp_path):
    contents = {SHORT_RANGE: models.short_range.read_bytes(), FULL_RANGE: models.full_range.read_bytes()}
    found = find_models(str(build_wheel(tmp_path / "mediapipe.whl", contents)))
    assert found.full_range.read_bytes() == contents[FULL_RANGE]
    assert found.full_range.parent == no_index


def test_a_wheel_with_other_models_is_refused(models, no_index, tmp_path):
    contents = {SHORT_RANGE: b"something else", FULL_RANGE: models.full_range.read_bytes()}
    with pytest.raises(InputError, match="SHA-256") as error:
        find_models(str(build_wheel(tmp_path / "mediapipe.whl", contents)))
    assert SHORT_RANGE in one_line(error)
    assert not no_index.exists()


def test_a_folder_must_hold_both(models, tmp_path):
    shutil.copy(models.short_range, tmp_path)
    with pytest.raises(InputError, match=FULL_RANGE):
        find_models(str(tmp_path))
    shutil.copy(models.full_range, tmp_path)
    assert find_models(str(tmp_path)).short_range == tmp_path / SHORT_RANGE


def test_one_model_serves_for_both(models):
    found = find_models(str(models.short_range))
    assert found.short_range == found.full_range == models.short_range


def test_a_path_that_is_nothing_is_named():
    with pytest.raises(InputError, match="/no/such/model"):
        find_models("/no/such/model")


def test_a_relative_cache_home_is_ignored(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder().is_absolute()
    assert "relative" not in cache_folder().parts


def test_a_cache_that_cannot_be_written_is_named(models, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    contents = {SHORT_RANGE: models.short_range.read_bytes(), FULL_RANGE: models.full_range.read_bytes()}
    with pytest.raises(InputError, match="XDG_CACHE_HOME"):
        find_models(str(build_wheel(tmp_path / "mediapipe.whl", contents)))


def test_the_mesh_comes_from_the_same_wheel_and_is_kept(models, mesh, no_index, tmp_path):
    contents = {SHORT_RANGE: models.short_range.read_bytes(), FULL_RANGE: models.full_range.read_bytes()}
    contents[MESH] = mesh
    wheel = str(build_wheel(tmp_path / "mediapipe.whl", contents))
    assert find_models(wheel).short_range == no_index / SHORT_RANGE
    assert find_mesh(None) == no_index / MESH  # nobody needs to ask for it again
    (no_index / MESH).unlink()
    assert find_mesh(wheel).read_bytes() == contents[MESH]


def test_who_needs_no_mesh_needs_no_index(models, no_index, tmp_path):
    for path in (models.short_range, models.full_range):
        shutil.copy(path, tmp_path)
    assert find_models(str(tmp_path)).short_range == tmp_path / SHORT_RANGE
    with pytest.raises(InputError, match=rf"{MESH} could not be fetched.*behaviour=false") as error:
        find_mesh(str(tmp_path))
    one_line(error)


def test_the_mesh_of_a_folder_comes_first_and_the_cache_helps_out(tmp_path):
    fetched = find_mesh(None)
    assert find_mesh(str(tmp_path)) == fetched == find_mesh(str(find_models(None).short_range))
    (tmp_path / MESH).write_bytes(b"my own")
    assert find_mesh(str(tmp_path)) == tmp_path / MESH


def test_a_wheel_without_a_mesh_or_with_another_is_refused(models, no_index, tmp_path):
    contents = {SHORT_RANGE: models.short_range.read_bytes(), FULL_RANGE: models.full_range.read_bytes()}
    with pytest.raises(InputError, match="not the wheel of"):
        find_mesh(str(build_wheel(tmp_path / "a.whl", contents)))
    contents[MESH] = b"something else"
    with pytest.raises(InputError, match=f"{MESH} in it has another SHA-256"):
        find_mesh(str(build_wheel(tmp_path / "b.whl", contents)))


@pytest.mark.parametrize("where", ["folder", "pip"])
def test_a_full_temporary_folder_is_named(no_index, monkeypatch, where):
    monkeypatch.setenv("TMPDIR", "/small")
    if where == "folder":
        full = OSError(errno.ENOSPC, "No space left on device")
        monkeypatch.setattr(tempfile, "TemporaryDirectory", lambda **_: (_ for _ in ()).throw(full))
    else:
        said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
        ended = subprocess.CompletedProcess([], 1, "", said)
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(InputError, match=r"temporary folder /small .TMPDIR.*set TMPDIR to another") as error:
        find_models(None)
    one_line(error)
