"""The models of faces: where they come from and how they are known to be the right ones.

MediaPipe's wheels carry no model since 0.10.22. The last wheel that does is taken from the package index
that the user's pip uses, the files are taken out, checked and kept in a cache folder; nothing of it is
imported or run. The models are Apache-2.0 (MediaPipe: BlazeFace short range and full range sparse, which
detect, and the face mesh, which measures).
"""

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stan_boundary.errors import InputError

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range_sparse.tflite"
MESH = "face_landmark.tflite"
DETECTORS = (SHORT_RANGE, FULL_RANGE)
SHA256 = {
    SHORT_RANGE: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    FULL_RANGE: "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
    MESH: "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}
WHEEL = "mediapipe==0.10.21"
_FOLDERS_IN_WHEEL = {SHORT_RANGE: "face_detection", FULL_RANGE: "face_detection", MESH: "face_landmark"}
_ROOM = "make room for 100 MB, or set TMPDIR to another folder"


@dataclass(frozen=True)
class Models:
    """Paths of the detectors, the near-face and the far-face model."""

    short_range: Path
    full_range: Path


def find_models(model_path: str | None) -> Models:
    """Give the two detectors, fetching them once if the user names none.

    Args:
        model_path: None for the cached or fetched ones; else a folder with both files, the wheel that
            holds them, or one `.tflite` face detector that serves for both. Files named by the user in
            a folder or singly are taken as they are.

    Raises:
        InputError: Nothing usable at `model_path`, no access to a package index, a file that is not the
            one expected, or a cache folder that cannot be written.
    """
    path = None if model_path is None else Path(model_path).expanduser()
    if path is not None and path.suffix == ".tflite" and path.is_file():
        return Models(path, path)
    folder = _folder_with(DETECTORS, path)
    for name in DETECTORS:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name} in it; leave detector.model_path empty to fetch it")
    return Models(folder / SHORT_RANGE, folder / FULL_RANGE)


def find_mesh(model_path: str | None) -> Path:
    """Give the face mesh: out of the user's wheel or folder where it is there, else as without one.

    Args:
        model_path: As for `find_models`. A single detector holds no mesh, nor need a folder.

    Raises:
        InputError: As for `find_models`.
    """
    path = None if model_path is None else Path(model_path).expanduser()
    if path is not None and path.is_file() and path.suffix != ".whl":
        path = None
    folder = _folder_with((MESH,), path)
    return folder / MESH if (folder / MESH).is_file() else _folder_with((MESH,), None) / MESH


def _folder_with(names: Sequence[str], path: Path | None) -> Path:
    """The user's own folder, whatever is in it, or the cache with these models."""
    folder = cache_folder()
    if path is None:
        if not all(_is_intact(folder / name) for name in names):
            try:
                temporary = tempfile.TemporaryDirectory(prefix="stan-lightning-")
            except OSError as error:
                raise InputError(
                    f"{_temporary_folder()} cannot be written ({error.strerror}); {_ROOM}"
                ) from None
            with temporary:
                _unpack(_download(Path(temporary.name), names), folder, names)
    elif path.suffix == ".whl" and path.is_file():
        _unpack(path, folder, names)
    elif path.is_dir():
        return path
    else:
        raise InputError(f"detector.model_path={path}: no such folder, .tflite file or mediapipe wheel")
    return folder


def cache_folder() -> Path:
    """Folder for fetched files: `$XDG_CACHE_HOME/stan-lightning`, or below `~/.cache`."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG rule: a relative path is invalid and to be ignored.
    return (named if named.is_absolute() else Path.home() / ".cache") / "stan-lightning"


def _is_intact(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[path.name]


def _download(folder: Path, names: Sequence[str]) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--python-version", "3.12"]
    command += ["--platform", "manylinux_2_28_x86_64", "--dest", str(folder), WHEEL]
    print(f"fetching {' and '.join(names)} (once: the wheel of {WHEEL}, 35 MB, by pip)", file=sys.stderr)
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = done.stderr.strip().splitlines() or ["no message"]
        if "No space left" in done.stderr:
            raise InputError(f"{_temporary_folder()} is full, where {WHEEL} is unpacked; {_ROOM}")
        raise InputError(
            f"{' and '.join(names)} could not be fetched ({lines[-1]}): give pip access to a package index, "
            f"or download the wheel of {WHEEL} elsewhere and set detector.model_path to it, or to a folder "
            f"with {', '.join(SHA256)}{_without(names)}"
        )
    return wheels[0]


def _temporary_folder() -> str:
    return f"the temporary folder {os.environ.get('TMPDIR') or 'of this machine'} (TMPDIR)"


def _without(names: Sequence[str]) -> str:
    return "; or do without: behaviour=false" if MESH in names else ""


def _unpack(wheel: Path, folder: Path, names: Sequence[str]) -> None:
    """Put a wheel's models into a folder: those asked for, and the others if it has them."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            paths = {name: f"mediapipe/modules/{inside}/{name}" for name, inside in _FOLDERS_IN_WHEEL.items()}
            there = archive.namelist()
            found = [name for name, path in paths.items() if name in names or path in there]
            contents = {name: archive.read(paths[name]) for name in found}
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"{wheel}: not the wheel of {WHEEL} ({error}){_without(names)}") from error
    for name, content in contents.items():
        if hashlib.sha256(content).hexdigest() != SHA256[name]:
            raise InputError(f"{wheel}: {name} in it has another SHA-256 than expected; not used")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            # Several workers may come here at once: each renames a whole file over the last.
            part = folder / f".{name}.{secrets.token_hex(4)}"
            part.write_bytes(content)
            os.replace(part, folder / name)
    except OSError as error:
        raise InputError(f"{folder}: cannot keep the models there ({error}); set XDG_CACHE_HOME") from error
