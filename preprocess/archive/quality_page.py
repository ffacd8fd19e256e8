"""`quality.html`: one page, without network, on which a user sees whether the crops can be trusted."""

import base64
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from preprocess.archive.contact_sheet import FOLDER
from preprocess.archive.quality import Quality
from preprocess.archive.record import grid_s
from preprocess.corpora.corpus import PARTITIONS, overlap

PAGE = "quality.html"
_MOST_BINS = 12


@dataclass(frozen=True)
class Partition:
    """One line of the summary: counts, and sessions by label."""

    name: str
    n_recordings: int
    n_failed: int
    n_sessions: int
    n_subjects: int
    n_labelled: int
    histogram: list[int]


def render_page(
    title: str, synthetic: bool, notes: Sequence[str], qualities: Sequence[Quality], output: Path
) -> str:
    """The page as text.

    Args:
        title: Name of the corpus.
        synthetic: Whether it was drawn; the page says so.
        notes: Oddities of the corpus.
        qualities: Of all recordings, worst first.
        output: Folder that the page will lie in; contact sheets found there are linked.
    """
    environment = Environment(
        loader=PackageLoader("preprocess", "archive"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["data_uri"] = lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode()
    environment.filters["outline"] = _outline
    environment.filters["grid_s"] = grid_s
    bins = _bins([quality.row["label"] for quality in qualities])
    partitions = [_partition(name, qualities, bins) for name in (*PARTITIONS, "")]
    sheets = {
        name: f"{FOLDER}/{quote(name)}.jpg"
        for name in (str(quality.row["recording"]) for quality in qualities)
        if (output / FOLDER / f"{name}.jpg").is_file()
    }
    places = [(str(quality.row["subject"]), str(quality.row["partition"])) for quality in qualities]
    return environment.get_template(PAGE).render(
        title=title,
        synthetic=synthetic,
        notes=notes,
        qualities=qualities,
        sheets=sheets,
        states=Counter(str(quality.row["status"]) for quality in qualities),
        n_crops=sum(int(str(quality.row["n_frames"])) for quality in qualities),
        n_subjects=len({subject for subject, _ in places}),
        overlap=overlap(places),
        bins=[name for name, _, _ in bins],
        partitions=[part for part in partitions if part.n_recordings or part.name in PARTITIONS],
        highest=max((count for part in partitions for count in part.histogram), default=0),
    )


def _outline(waveform: Sequence[float]) -> str:
    """An SVG path around a waveform: there along its upper edge, back along the lower."""
    above = [f"{index},{-height:.2f}" for index, height in enumerate(waveform)]
    below = [f"{index},{height:.2f}" for index, height in enumerate(waveform)]
    return f"M{' '.join([*above, *reversed(below)])}Z"


def _bins(labels: Sequence[object]) -> list[tuple[str, float | str, float | str]]:
    """Name, lower and upper bound (excluded) of each bin; names of classes are bins of their own."""
    known = [label for label in labels if label is not None]
    scores = [label for label in known if isinstance(label, int | float)]
    if len(scores) < len(known):
        return [(name, name, name) for name in sorted({str(label) for label in known})]
    if not scores:
        return []
    width = max(scores) - min(scores)
    step = next(
        nice * 10.0**power
        for power in range(-3, 9)
        for nice in (1, 2, 5)
        if width / (nice * 10.0**power) <= _MOST_BINS - 1
    )
    if all(float(score).is_integer() for score in scores):
        step = max(step, 1.0)
    first, last = math.floor(min(scores) / step), math.floor(max(scores) / step)
    return [(f"{index * step:g}", index * step, (index + 1) * step) for index in range(first, last + 1)]


def _partition(
    name: str, qualities: Sequence[Quality], bins: list[tuple[str, float | str, float | str]]
) -> Partition:
    rows = [quality.row for quality in qualities if quality.row["partition"] == name]
    sessions = {(row["session"], row["label"]) for row in rows if row["label"] is not None}
    return Partition(
        name=name or "no partition",
        n_recordings=len(rows),
        n_failed=sum(row["status"] == "failed" for row in rows),
        n_sessions=len({row["session"] for row in rows}),
        n_subjects=len({row["subject"] for row in rows}),
        n_labelled=len({session for session, _ in sessions}),
        histogram=[sum(_within(label, low, high) for _, label in sessions) for _, low, high in bins],
    )


def _within(label: object, low: float | str, high: float | str) -> bool:
    if isinstance(low, str) or isinstance(high, str) or not isinstance(label, int | float):
        return str(label) == low
    return low <= label < high
