"""A folder with a page on which an evaluation's errors can be looked at and listened to."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track

from stan_boundary.errors import InputError
from stan_boundary.names import printable
from stan_boundary.writing import private_folder, write_whole
from stan_lightning.data.crops import Crops, open_crops
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.dataset import Source
from stan_lightning.data.facts import NOMINAL_FPS
from stan_lightning.data.log_mel import RATE
from stan_lightning.evaluation.results import Evaluation
from stan_lightning.pages.gallery_media import envelope, film, strip
from stan_lightning.pages.gallery_page import FILTERS, Curve, Entry, page

FOLDER, PAGE = "gallery", "index.html"
_OURS = re.compile(r"\d+\.(mp4|jpg)")
_POINTS = 400
"""Of a waveform, and of a signal's curve."""
_MOST_CURVES = 4


def discard(output: Path) -> None:
    """Take away the page of an evaluation before, whose numbers are no longer these."""
    if (output / FOLDER).is_dir():
        (output / FOLDER / PAGE).unlink(missing_ok=True)


def write(found: Evaluation, data: CropDataModule, output: Path, names: bool = False) -> Path:
    """Write the folder `FOLDER`: a page, and of each recording a film with sound and a strip of faces.

    Args:
        found: The evaluation.
        data: Its recordings' crops and signals.
        output: The evaluation's folder.
        names: Show recordings' names, where they are numbered otherwise.

    Returns:
        The page's path.

    Raises:
        InputError: Crops cannot be read, or the folder cannot be written.
    """
    home = private_folder(output / FOLDER, output)
    discard(output)
    table = data.tables[found.metrics["partition"]].set_index("recording", drop=False)
    table = table.loc[found.predictions["recording"]]
    windows = dict(iter(found.windows.groupby("recording")))
    people = _people(found)
    scored = found.predictions.to_dict("records")
    rows = list(zip(scored, table["fps"].astype(float), data.sources(table), strict=True))
    console = Console()
    entries, kept = [], {PAGE}
    for number, (row, fps, source) in enumerate(
        track(rows, "gallery", console=console, disable=not console.is_terminal), start=1
    ):
        name = str(row["recording"])
        stem = home / f"{number:04d}"
        kinds = [str(row[kind] or "") for kind in FILTERS[:-1]]
        entry = _entry(
            name if names else f"recording {number}",
            {"label": row["label"], "prediction": row["prediction"], "kinds": [*kinds, people.get(name, "")]},
            *(windows[name], source, fps, stem),
        )
        kept |= {entry.media, entry.strip}
        entries.append(entry)
    for file in home.iterdir():  # of an evaluation before, which had more recordings
        if _OURS.fullmatch(file.name) and file.name not in kept:
            file.unlink()
    numbers = found.metrics
    html = page(entries, numbers["score_range"], bool(numbers["synthetic"]), names)
    write_whole(home / PAGE, html.encode())
    return home / PAGE


def _people(found: Evaluation) -> dict[str, str]:
    """What training knew of each recording's person; nothing where nobody knows."""
    if found.baselines is None:
        return {}
    return dict(zip(found.baselines["recording"], found.baselines["exposure"], strict=True))


def _entry(
    name: str, row: Mapping[str, Any], windows: pd.DataFrame, source: Source, fps: float, stem: Path
) -> Entry:
    """One recording, with its film and faces written."""
    crops = open_crops(source.crops)
    times = _times(crops, fps)
    timed = crops.times is not None or fps > 0
    moments = times if timed else times * NOMINAL_FPS
    seen = crops.grid is None
    curves, notes = _curves(source, crops, moments)
    media, faces, loudness = "", b"", None
    try:
        faces = strip(crops)
        loudness = envelope(crops, _POINTS) if crops.has_sound else None
        if seen or crops.has_sound:
            film(crops, times.tolist() if seen else [], stem.with_name(f"{stem.name}.mp4"))
            media = f"{stem.name}.mp4"
    except InputError as error:
        print(printable(f"gallery: {error}"))
        notes.append("not all of its crops can be read: the terminal said why")
    if faces:
        write_whole(stem.with_name(f"{stem.name}.jpg"), faces)
    return Entry(
        name=name,
        label=float(row["label"]),
        prediction=float(row["prediction"]),
        kinds=row["kinds"],
        windows=windows,
        span=(float(moments[0]), float(moments[-1])),
        per_second=1.0 if timed else NOMINAL_FPS,
        media=media,
        seen=seen,
        strip=f"{stem.name}.jpg" if faces else "",
        envelope=loudness,
        sound_s=0.0 if loudness is None else crops.sound_samples / RATE,
        curves=curves,
        notes=notes,
    )


def _times(crops: Crops, fps: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Seconds of each crop: by its own clock, its film's rate, or a usual one."""
    if crops.times is not None:
        return crops.times
    return crops.frames / (fps if fps > 0 else NOMINAL_FPS)


def _curves(source: Source, crops: Crops, moments: Any) -> tuple[list[Curve], list[str]]:
    """The first columns of each signal, at no more than `_POINTS` moments."""
    positions = np.unique(np.linspace(0, len(crops.frames) - 1, _POINTS).astype(int))
    curves, notes = [], []
    for name, member in source.signals.items():
        if not member.path:
            notes.append(f"no {name}")
            continue
        values = member.read(crops, positions.tolist()).double().numpy()
        for place, column in enumerate(member.columns[:_MOST_CURVES]):
            curves.append(Curve(f"{name} {column}", moments[positions].tolist(), values[:, place]))
        if len(member.columns) > _MOST_CURVES:
            notes.append(f"{name}: the first {_MOST_CURVES} of its {len(member.columns)} columns")
    return curves, notes
