"""Where the files of a signal lie, and what ``signal.json`` beside them says."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stan_boundary.errors import InputError
from stan_boundary.file_names import name_key
from stan_boundary.opening import MOST_JSON_BYTES, read_json, read_regular
from stan_lightning.data.signal_file import RESAMPLINGS

OF_CROPS = ("face", "audio")
"""What crops show by themselves; any other modality is the signal of that name."""
SUFFIXES = (".csv", ".npz")
DESCRIPTION = "signal.json"


class Described(NamedTuple):
    """What ``signal.json`` says.

    Attributes:
        columns: Those it names; None where it names none.
        resample: One of `RESAMPLINGS`.
        made_here: Whether this program measured the signal, on the crops or their sound.
    """

    columns: tuple[str, ...] | None = None
    resample: str = RESAMPLINGS[0]
    made_here: bool = False


def described(home: Path) -> Described:
    """Read a signal's description.

    Raises:
        InputError: It is there and cannot be used.
    """
    file = home / DESCRIPTION
    if not file.exists():
        return Described()
    said: Any = read_json(read_regular(file, MOST_JSON_BYTES), str(file))
    columns = said.get("columns") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(columns, dict | None):
        raise InputError(
            f"{file}: it holds an object, and its `columns`, where it names any, are one of names and units"
        )
    resample = said.get("resample", RESAMPLINGS[0])
    if resample not in RESAMPLINGS:
        raise InputError(f"{file}: resample is {resample!r}, none of {', '.join(RESAMPLINGS)}")
    made_here = str(said.get("made_by", "")).startswith("stan-lightning ") or "encoder" in said
    return Described(tuple(str(one) for one in columns) if columns else None, str(resample), made_here)


def find(table: pd.DataFrame, name: str, homes: Sequence[Path], key: str) -> list[str]:
    """Each recording's file, called as it or its video is, in any normal form; "" where it has none.

    Raises:
        InputError: A folder is not there, or one file is called as two recordings are.
    """
    files: dict[Path, dict[str, str]] = {}
    found: list[str] = []
    taken: dict[Path, str] = {}
    for recording, video, home in zip(table.recording, table.video, homes, strict=True):
        if home not in files:
            if not home.is_dir():
                raise InputError(
                    f"{home}: no such folder of the signal {name} (crops themselves show "
                    f"{' and '.join(OF_CROPS)}): put its files there, or name one by {key}.{name}=<folder>"
                )
            present = os.listdir(home)
            files[home] = {name_key(one): one for one in present} | {one: one for one in present}
        names = [f"{stem}{suffix}" for stem in (recording, Path(str(video)).stem) for suffix in SUFFIXES]
        keys = [key for one in names for key in (one, name_key(one))]
        file = next((home / files[home][key] for key in keys if key in files[home]), None)
        if file is not None and file in taken:
            raise InputError(
                f"{file}: would be read for {taken[file]} and for {recording}, whose videos are called "
                f"alike; call it {recording}{file.suffix} or {taken[file]}{file.suffix}"
            )
        if file is not None:
            taken[file] = recording
        found.append(str(file or ""))
    return found
