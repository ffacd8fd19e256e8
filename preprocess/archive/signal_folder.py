"""A signal that this program measures: `signals/<name>/<recording>.csv` beside the crops, and `signal.json`.

Each file is whole or absent. A signal holds for the crops or the sound that it was measured on: whoever makes
these anew takes it away first (`discard`).
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stan_boundary.errors import InputError
from stan_boundary.opening import MOST_JSON_BYTES, read_json, read_regular
from stan_boundary.writing import private_folder, sync_folder, write_whole

SIGNALS = "signals"
DESCRIPTION = "signal.json"
BEHAVIOUR, PROSODY = "behaviour", "prosody"
_MAKER = "stan-lightning"


@dataclass(frozen=True)
class SignalFolder:
    """Where one signal of a set of crops lies.

    Attributes:
        crops: Folder of the crops.
        name: Of the signal.
    """

    crops: Path
    name: str

    @property
    def folder(self) -> Path:
        """Of the signal's files."""
        return self.crops / SIGNALS / self.name

    def path(self, recording: str) -> Path:
        """Where a recording's signal lies, or will."""
        return self.folder / f"{recording}.csv"

    def write(
        self,
        recording: str,
        clock: str,
        moments: Sequence[str],
        values: Mapping[str, npt.NDArray[np.float64]],
    ) -> None:
        """Write a recording's signal; the bytes are a function of the arguments.

        Args:
            recording: Its name.
            clock: Name of the first column: `time_s`, or `frame` where no times are known.
            moments: Its cells, T of them.
            values: Columns, each (T,); NaN becomes an empty cell.

        Raises:
            OSError: The folder cannot be written or the disk is full.
        """
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([clock, *values])
        cells = [[_cell(value) for value in column.tolist()] for column in values.values()]
        writer.writerows(zip(moments, *cells, strict=True))
        private_folder(self.folder, self.crops)
        write_whole(self.path(recording), text.getvalue().encode())

    def refuse_other(self, way_out: str) -> None:
        """Refuse to write where a user keeps a signal of that name.

        Args:
            way_out: What to do about it, for the error.

        Raises:
            InputError: It is there, and was not made by this program.
        """
        if any(self.folder.glob("*.*")) and not self._is_ours():
            raise InputError(f"{self.folder} holds a signal that this program did not make: {way_out}")

    def discard(self, recording: str) -> None:
        """Take a recording's signal away, before what it was measured on is made anew; others' stay."""
        path = self.path(recording)
        if any(folder.is_symlink() for folder in path.parents[:2]):
            return  # what lies behind a link is not ours
        if path.is_file() and self._is_ours():
            path.unlink()
            sync_folder(path.parent)  # or a power failure could leave it beside other crops

    def prepare(self, description: Mapping[str, object], way_out: str) -> bool:
        """Write `signal.json`, and take signals away that were measured in another way.

        Args:
            description: What the signal is and what decides its values; the maker is added.
            way_out: As for `refuse_other`.

        Returns:
            Whether there were such signals.

        Raises:
            InputError: A signal of that name is there, and not made by this program.
        """
        self.refuse_other(way_out)
        signals = sorted(self.folder.glob("*.csv"))
        wanted = {"made_by": f"{_MAKER} {version(_MAKER)}", **description}
        if {**self._described(), "made_by": ""} == {**wanted, "made_by": ""}:
            return False
        private_folder(self.folder, self.crops)
        for path in signals:
            path.unlink()
        write_whole(self.folder / DESCRIPTION, json.dumps(wanted, indent=1).encode())
        return bool(signals)

    def _is_ours(self) -> bool:
        return str(self._described().get("made_by")).startswith(f"{_MAKER} ")

    def _described(self) -> dict[str, object]:
        """What `signal.json` says; nothing where there is none, or none that can be read."""
        file = self.folder / DESCRIPTION
        try:
            found = read_json(read_regular(file, MOST_JSON_BYTES), str(file))
        except InputError:
            return {}
        return found if isinstance(found, dict) else {}


def discard_signals(crops: Path, recording: str, *names: str) -> None:
    """`SignalFolder.discard` of several signals."""
    for name in names:
        SignalFolder(crops, name).discard(recording)


def _cell(value: float) -> str:
    return "" if np.isnan(value) else f"{round(value, 4) + 0.0:.4f}"  # no -0.0000
