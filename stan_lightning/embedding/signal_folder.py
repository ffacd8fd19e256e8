"""Where a signal is written: ``<crops>/signals/<name>/<recording>.npz`` and ``signal.json``.

Files are whole or absent, and all of one encoder: what `signal.json` says of the encoder is what is there.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from stan_boundary.errors import InputError
from stan_boundary.names import check_recording_name, printable
from stan_boundary.opening import MOST_JSON_BYTES, read_json, read_regular
from stan_boundary.writing import private_folder, whole_file, write_whole
from stan_lightning.data.npz import read_npz

FILE = "signal.json"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = ("face", "audio", "behaviour")
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


def signal_name(asked: str | None, encoder: str, weights: str) -> str:
    """Name of a signal: as asked, or made from its encoder's.

    ``facebook/dinov2-small`` becomes ``dinov2_small``; untrained networks say `random` at the end.

    Raises:
        InputError: Where it cannot be the name of a modality.
    """
    if asked is None:
        made = re.sub(r"[^a-z0-9]+", "_", Path(encoder).name.lower()).strip("_")
        made = made if made[:1].isalpha() else f"signal_{made}"
        asked = f"{made}_random" if weights == "random" else made
    if not _NAME.fullmatch(asked):
        raise InputError(f"signal={asked}: a signal's name is of a-z, 0-9 and _, and begins with a letter")
    if asked in _TAKEN:
        raise InputError(f"signal={asked} is the name of a modality of this program; give signal=<another>")
    return asked


class SignalFolder:
    """One signal of a set of crops.

    Args:
        folder: Where it lies, ``signals/<name>`` in the crops' folder; made where it is not there, for its
            owner alone.
        record: What tells its encoder from every other: the content of ``signal.json``.

    Raises:
        InputError: Where the folder holds another signal, or is a link.
    """

    def __init__(self, folder: Path, record: Mapping[str, Any]) -> None:
        self.folder = folder
        private_folder(folder, folder.parent)
        file = folder / FILE
        if file.exists():
            self._refuse_another(file, record)
            return
        if any(folder.glob("**/*.npz")) or any(folder.glob("**/*.csv")):
            raise InputError(
                f"{folder} holds files without a {FILE}: whose they are is unknown; give "
                "signal=<another name>, or delete the folder"
            )
        write_whole(file, json.dumps(record, indent=2).encode() + b"\n")

    def _refuse_another(self, file: Path, record: Mapping[str, Any]) -> None:
        try:
            present = read_json(read_regular(file, MOST_JSON_BYTES), str(file))
        except InputError as error:
            raise InputError(f"{error}; delete {self.folder}, or give signal=<another name>") from None
        present = present if isinstance(present, dict) else {}
        wanted = json.loads(json.dumps(record))
        differing = [
            key for key in wanted if present.get(key) != wanted[key] and key not in ("what", "encoder")
        ]
        if not differing and present.get("encoder") == wanted["encoder"]:
            return
        one, other = (
            ", ".join([_short(of.get("encoder")), *(f"{key} {_short(of.get(key))}" for key in differing[:3])])
            for of in (present, wanted)
        )
        raise InputError(
            f"{self.folder} holds the signal of another encoder ({one}) than this ({other}), and signals are "
            "not mixed: give signal=<another name>, or delete the folder"
        )

    def has(self, recording: str, fingerprint: str) -> bool:
        """Whether a recording is there, made from what its crops hold now."""
        try:
            return str(read_npz(str(self._file(recording)), (_SOURCE,)).get(_SOURCE)) == fingerprint
        except InputError:
            return False

    def write(self, recording: str, moments: Moments, fingerprint: str) -> None:
        """Put a recording's file in its place, whole."""
        file = self._file(recording)
        members: dict[str, Any] = {moments.clock: moments.when, "values": moments.values}
        members[_SOURCE] = np.array(fingerprint)
        with whole_file(file) as content:
            np.savez(content, **members)

    def _file(self, recording: str) -> Path:
        check_recording_name(recording, str(self.folder))
        return self.folder / f"{recording}.npz"


def _short(value: Any) -> str:
    text = printable(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
