"""Where a track is written: ``<crops>/tracks/<name>/<recording>.npz`` and ``track.json``.

Files are whole or absent, and all of one encoder: what `track.json` says of the encoder is what is there.
"""

import json
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stan_boundary.errors import InputError

FILE = "track.json"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = ("face", "voice", "behaviour")
_SOURCE = "source"


class Moments(NamedTuple):
    """What an encoder makes of one recording.

    Attributes:
        clock: What `when` is: `time_s` (seconds on the recording's clock) or `frame` (source frames).
        when: Ascending, shape (N,).
        values: float32, shape (N, F).
    """

    clock: str
    when: npt.NDArray[Any]
    values: npt.NDArray[np.float32]


def track_name(asked: str | None, encoder: str, weights: str) -> str:
    """Name of a track: as asked, or made from its encoder's.

    ``facebook/dinov2-small`` becomes ``dinov2_small``; untrained networks say `random` at the end.

    Raises:
        InputError: Where it cannot be the name of a modality.
    """
    if asked is None:
        made = re.sub(r"[^a-z0-9]+", "_", Path(encoder).name.lower()).strip("_")
        made = made if made[:1].isalpha() else f"track_{made}"
        asked = f"{made}_random" if weights == "random" else made
    if not _NAME.fullmatch(asked):
        raise InputError(f"track={asked}: a track's name is of a-z, 0-9 and _, and begins with a letter")
    if asked in _TAKEN:
        raise InputError(f"track={asked} is the name of a modality of this program; give track=<another>")
    return asked


class TrackFolder:
    """One track of a set of crops.

    Args:
        folder: Where it lies; made where it is not there.
        record: What tells its encoder from every other: the content of ``track.json``.

    Raises:
        InputError: Where the folder holds another track.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.folder = folder
        file = folder / FILE
        if file.is_file():
            self._refuse_another(file, record)
            return
        if any(folder.glob("**/*.npz")) or any(folder.glob("**/*.csv")):
            raise InputError(
                f"{folder} holds files without a {FILE}: whose they are is unknown; give "
                "track=<another name>, or delete the folder"
            )
        folder.mkdir(parents=True, exist_ok=True)
        _write(file, json.dumps(record, indent=2).encode() + b"\n")

    def _refuse_another(self, file: Path, record: Mapping[str, Any]) -> None:
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(
                f"{file}: not JSON ({error}); delete {self.folder}, or give track=<another name>"
            ) from None
        there = there if isinstance(there, dict) else {}
        wanted = json.loads(json.dumps(record))
        differing = [
            key for key in wanted if there.get(key) != wanted[key] and key not in ("what", "encoder")
        ]
        if not differing and there.get("encoder") == wanted["encoder"]:
            return
        one, other = (
            ", ".join([str(of.get("encoder")), *(f"{key} {_short(of.get(key))}" for key in differing[:3])])
            for of in (there, wanted)
        )
        raise InputError(
            f"{self.folder} holds the track of another encoder ({one}) than this ({other}), and tracks are "
            "not mixed: give track=<another name>, or delete the folder"
        )

    def has(self, recording: str, fingerprint: str) -> bool:
        """Whether a recording is there, made from what its crops hold now."""
        try:
            with np.load(self._file(recording)) as content:
                return str(content[_SOURCE]) == fingerprint
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return False

    def write(self, recording: str, moments: Moments, fingerprint: str) -> None:
        """Put a recording's file in its place, whole."""
        file = self._file(recording)
        file.parent.mkdir(parents=True, exist_ok=True)
        members: dict[str, Any] = {moments.clock: moments.when, "values": moments.values}
        members[_SOURCE] = np.array(fingerprint)
        beside = file.with_name(f"{file.name}.part")
        with beside.open("wb") as content:
            np.savez(content, **members)
            content.flush()
            os.fsync(content.fileno())
        os.replace(beside, file)

    def _file(self, recording: str) -> Path:
        return self.folder / f"{recording}.npz"


def _write(file: Path, content: bytes) -> None:
    beside = file.with_name(f"{file.name}.part")
    with beside.open("wb") as target:
        target.write(content)
        target.flush()
        os.fsync(target.fileno())
    os.replace(beside, file)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
