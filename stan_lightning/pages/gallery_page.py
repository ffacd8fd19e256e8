"""The gallery's page: recordings by error, each with its faces, sound, windows and signals."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from numpy.typing import NDArray

from stan_lightning.data.notices import DISCLAIMER, SYNTHETIC
from stan_lightning.pages.timeline import HEIGHT, WIDTH, Timeline, timeline

TEMPLATE = Path(__file__).with_name("gallery.html")
FILTERS = ("partition", "task", "group", "people")
"""By which recordings are chosen: columns of the evaluation, and what training knew of the person."""


@dataclass(frozen=True)
class Curve:
    """A signal's column over a recording.

    Attributes:
        name: Of signal and column.
        moments: In the timeline's unit.
        values: At these moments, NaN where missing.
    """

    name: str
    moments: Sequence[float]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Entry:
    """One recording.

    Attributes:
        name: The recording, or its number.
        label: Its score in points, NaN where unknown.
        prediction: In points.
        kinds: What it is of each of `FILTERS`; empty where unknown.
        windows: Its rows of windows.csv.
        span: First and last moment of its crops, in the timeline's unit.
        per_second: Of that unit.
        media: Its film, or sound alone, beside the page; empty where it has neither.
        seen: Whether that is a film.
        strip: JPEG of a few faces beside the page; empty without pictures.
        envelope: Loudness over its sound; None without.
        sound_s: Length of its sound in seconds.
        curves: Of its signals.
        notes: What is not shown.
    """

    name: str
    label: float
    prediction: float
    kinds: Sequence[str]
    windows: pd.DataFrame
    span: tuple[float, float]
    per_second: float
    media: str
    seen: bool
    strip: str
    envelope: NDArray[np.float64] | None
    sound_s: float
    curves: Sequence[Curve]
    notes: Sequence[str]


def page(entries: Sequence[Entry], score_range: Sequence[float], synthetic: bool, names: bool) -> str:
    """The page as HTML, which asks for nothing but the films and pictures in its folder.

    Args:
        entries: The recordings.
        score_range: Lowest and highest score in points.
        synthetic: Whether they show synthetic subjects; the page says so.
        names: Whether they are named, and not numbered.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    choices = {kind: sorted({entry.kinds[place] for entry in entries}) for place, kind in enumerate(FILTERS)}
    ordered = sorted(entries, key=lambda one: -_size(one.label, one.prediction))
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        entries=[_shown(one, score_range) for one in ordered],
        choices={kind: values for kind, values in choices.items() if len(values) > 1},
        places={kind: place for place, kind in enumerate(FILTERS)},
        score_range=[f"{edge:g}" for edge in score_range],
        notes=[SYNTHETIC] if synthetic else [],
        named="it names recordings" if names else "recordings are numbered as in report.html",
        disclaimer=DISCLAIMER,
    )


def _size(label: float, prediction: float) -> float:
    return -1.0 if np.isnan(label) else abs(prediction - label)


def _shown(one: Entry, score_range: Sequence[float]) -> dict[str, Any]:
    """Texts and coordinates of one recording."""
    labels = [] if np.isnan(one.label) else [one.label]
    moments = [*one.span, *([one.sound_s * one.per_second] if one.envelope is not None else [])]
    axis = timeline(one.windows, score_range, moments, labels)
    panels = [] if one.envelope is None else [("sound", _outline(one.envelope, moments[-1], axis))]
    return {
        "name": one.name,
        "label": "" if not labels else f"{one.label:g}",
        "prediction": f"{one.prediction:.1f}",
        "error": "" if not labels else f"{one.prediction - one.label:+.1f}",
        "sort": {
            "size": _size(one.label, one.prediction),
            "error": one.prediction - one.label if labels else None,
            "label": one.label if labels else None,
            "prediction": one.prediction,
        },
        "kinds": list(one.kinds),
        "shown_kinds": [kind for kind in one.kinds if kind],
        "axis": axis,
        "line": axis.down(one.label) if labels else None,
        "panels": panels + [(curve.name, _line(curve, axis)) for curve in one.curves],
        "media": one.media,
        "seen": one.seen,
        "strip": one.strip,
        "script": {"first": axis.first, "width": axis.width, "rate": one.per_second},
        "notes": one.notes,
    }


def _outline(envelope: NDArray[np.float64], end: float, axis: Timeline) -> dict[str, str]:
    """Loudness as a filled shape about the middle of its panel."""
    moments = np.linspace(0, end, len(envelope))
    half = HEIGHT / 2
    tops = [f"{axis.across(at)},{half - half * loud:.1f}" for at, loud in zip(moments, envelope, strict=True)]
    lows = [f"{axis.across(at)},{half + half * loud:.1f}" for at, loud in zip(moments, envelope, strict=True)]
    return {"kind": "filled", "path": f"M{' L'.join([*tops, *reversed(lows)])} Z", "low": "", "high": ""}


def _line(curve: Curve, axis: Timeline) -> dict[str, str]:
    """A column between its lowest and highest value, with gaps where it is missing."""
    known = curve.values[np.isfinite(curve.values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    path, pen = [], "M"
    for moment, value in zip(curve.moments, curve.values, strict=True):
        if not np.isfinite(value):
            pen = "M"
            continue
        y = HEIGHT / 2 if high == low else 95 - 90 * (value - low) / (high - low)
        path.append(f"{pen}{min(max(axis.across(moment), 0), WIDTH)},{y:.1f}")
        pen = "L"
    return {"kind": "curve", "path": " ".join(path), "low": f"{low:.3g}", "high": f"{high:.3g}"}
