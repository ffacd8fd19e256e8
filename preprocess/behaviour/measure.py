"""The crops of one recording to its behaviour signal."""

import itertools
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from preprocess.archive.quality import decoded
from preprocess.archive.recording_zip import FRAME_NAME, track_of
from preprocess.behaviour.columns import FROM_MESH
from preprocess.behaviour.geometry import Points, Values, measure
from preprocess.behaviour.listing import Listed
from preprocess.behaviour.mesh import N_POINTS, FaceMesh, load_mesh
from preprocess.behaviour.movement import carriage, speeds
from preprocess.behaviour.signal_file import signal_of
from preprocess.faces.detector import Picture
from preprocess.faces.model_file import find_mesh
from stan_boundary.errors import InputError
from stan_boundary.opening import open_zip, read_member, read_regular
from stan_boundary.picture import MOST_BYTES

Progress = Callable[[int], None]
_BLOCK = 64  # crops that are held and measured at once


def measure_zip(crops: Path, recording: str, mesh: FaceMesh, progress: Progress) -> str:
    """Measure the crops in `<crops>/<recording>.zip` and write the signal, on the clock of `track.csv`.

    Args:
        crops: Folder of the zip.
        recording: Its name.
        mesh: The model.
        progress: Told of each crop.

    Returns:
        What a user has to know, empty where there is nothing.

    Raises:
        InputError: The zip cannot be used.
        OSError: The signal cannot be written.
    """
    path = crops / f"{recording}.zip"
    with open_zip(path) as archive:
        rows = track_of(archive, path)
        names = [FRAME_NAME.format(int(row["frame"])) for row in rows]
        found, unread = _find((_member(archive, name) for name in names), len(names), mesh, progress)
    values = found | carriage(rows)
    values |= speeds(np.array([float(row["time_s"]) for row in rows]), values)
    signal_of(crops).write(recording, "time_s", [row["time_s"] for row in rows], values)
    return _said(path, unread)


def measure_listed(listed: Listed, crops: Path, model_path: str | None, progress: Progress) -> str:
    """Measure what a manifest lists; see `measure_zip` and `measure_folder`.

    Raises:
        InputError: The model cannot be had or loaded, or a zip cannot be used.
    """
    mesh = load_mesh(find_mesh(model_path))
    if listed.images:
        return measure_folder(crops, listed.recording, listed.images, mesh, progress)
    return measure_zip(crops, listed.recording, mesh, progress)


def measure_folder(
    crops: Path, recording: str, images: Iterable[tuple[int, Path]], mesh: FaceMesh, progress: Progress
) -> str:
    """Measure a folder of images: what a mesh gives alone, by source frames, as no times are known.

    Args:
        crops: Folder of the signal.
        recording: Name of the recording.
        images: Source frame and file, ascending.
        mesh: The model.
        progress: Told of each image.

    Returns:
        What a user has to know, empty where there is nothing.

    Raises:
        OSError: The signal cannot be written.
    """
    numbered = list(images)
    values, unread = _find((_file(path) for _, path in numbered), len(numbered), mesh, progress)
    signal_of(crops).write(recording, "frame", [str(frame) for frame, _ in numbered], values)
    return _said(numbered[0][1].parent, unread) if numbered else ""


def _find(
    crops: Iterable[bytes], count: int, mesh: FaceMesh, progress: Progress
) -> tuple[dict[str, Values], int]:
    """Columns of the mesh, NaN where there is no face, and how many crops are no pictures."""
    values: dict[str, Values] = {name: np.full(count, np.nan) for name in FROM_MESH}
    unread = 0
    numbered = enumerate(crops)
    while block := list(itertools.islice(numbered, _BLOCK)):
        points: Points = np.full((len(block), N_POINTS, 3), np.nan)
        for place, (_, data) in enumerate(block):
            crop = _decoded(data)
            if crop is None:
                unread += 1
            elif (found := mesh.find(crop)) is not None:
                points[place] = found
            progress(1)
        for name, value in measure(points).items():
            values[name][block[0][0] : block[-1][0] + 1] = value
    return values, unread


def _decoded(data: bytes) -> Picture | None:
    try:
        return decoded(data, "crop", cv2.IMREAD_COLOR_RGB)
    except InputError:  # larger than a crop can be
        return None


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        return read_member(archive, name, MOST_BYTES)
    except InputError:
        return b""


def _file(path: Path) -> bytes:
    try:
        return read_regular(path, MOST_BYTES)
    except InputError:
        return b""


def _said(path: Path, unread: int) -> str:
    return f"{path}: {unread} crops cannot be read, their behaviour is missing" if unread else ""
