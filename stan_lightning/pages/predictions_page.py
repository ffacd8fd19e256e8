"""What one prediction leaves as a page: each recording's score, its timeline, and the film that it moves."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, StrictUndefined

from stan_lightning.data.notices import DISCLAIMER, TRAINED_ON_SYNTHETIC
from stan_lightning.data.scale import SeverityScale
from stan_lightning.pages.timeline import timeline

PAGE = "predictions.html"
TEMPLATE = Path(__file__).with_name("predictions.html")


@dataclass(frozen=True)
class Film:
    """A film beside the page.

    Attributes:
        name: Its file, in the page's folder.
        rate: Frames a second.
        moments: When in its recording each frame of the film is, in the timeline's unit.
        explained: First and last moment of the stretch whose frames show where the network looks.
        picture: JPEG of that stretch.
        large: The picture's file, in the page's folder.
        views: How many pictures stand side by side: the face alone, or where the network looks, too.
        hears: Whether the picture shows the stretch's sound.
    """

    name: str
    rate: float
    moments: Sequence[float]
    explained: tuple[float, float]
    picture: bytes
    large: str
    views: int
    hears: bool


@dataclass(frozen=True)
class Scored:
    """One recording.

    Attributes:
        name: The recording.
        prediction: Its score in points.
        sd: Of its windows' scores, in points; NaN where there is one window.
        bounds: Lowest and highest score of 9 of 10 new people scored so; NaN where unknown.
        windows: Its rows of windows.csv.
        facts: What is known of its crops: names with values.
        strip: JPEG of a few crops side by side; empty where there are none to show.
        film: None without views.
        called: The class that is told; None where a score is. `prediction` and `windows` are then of its
            probability.
        probabilities: Of each class.
    """

    name: str
    prediction: float
    sd: float
    bounds: tuple[float, float]
    windows: pd.DataFrame
    facts: Sequence[tuple[str, str]]
    strip: bytes
    film: Film | None
    called: str | None = None
    probabilities: Mapping[str, float] = field(default_factory=dict)


def page(
    found: Sequence[Scored],
    refusals: Mapping[str, str],
    scale: SeverityScale,
    synthetic: bool,
    new_person: str,
) -> str:
    """The page as HTML, self-contained but for the films and files beside it.

    Args:
        found: The recordings that were scored.
        refusals: Those that were not, and why.
        scale: What scores are on, or probabilities.
        synthetic: Whether the network was trained on synthetic subjects; the page says so.
        new_person: What is known of errors on new people.
    """
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["jpeg"] = lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode()
    environment.filters["address"] = quote
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        recordings=[_shown(one, scale) for one in found],
        bounded=any(not math.isnan(one.bounds[0]) for one in found),
        refusals=refusals,
        score_range=[f"{edge:g}" for edge in scale.range],
        scale=scale.name,
        classes=list(found[0].probabilities) if found else [],
        notes=[TRAINED_ON_SYNTHETIC] if synthetic else [],
        new_person=new_person,
        disclaimer=DISCLAIMER,
    )


def said_bounds(low: float, high: float) -> str:
    """An interval in points; empty where there is none."""
    return "" if math.isnan(low) else f"{low:.1f} to {high:.1f}"


def _shown(one: Scored, scale: SeverityScale) -> dict[str, Any]:
    """Texts and coordinates of one recording."""
    axis = timeline(one.windows, scale.range, one.film.moments if one.film else ())
    n_windows, places = len(one.windows), 1 if one.called is None else 2
    spread = f"sd {one.sd:.{places}f} over {n_windows} windows" if n_windows > 1 else "one window"
    chance = "" if one.called is None else f"probability {one.prediction:.2f}, "
    return {
        "name": one.name,
        "score": f"{one.prediction:.1f}" if one.called is None else one.called,
        "spread": f"{chance}{spread}",
        "what": "Score" if one.called is None else f"Probability of {one.called}",
        "probabilities": {name: f"{chance:.2f}" for name, chance in one.probabilities.items()},
        "bounds": said_bounds(*one.bounds),
        "facts": one.facts,
        "strip": one.strip,
        "film": one.film,
        "stretch": [axis.across(moment) for moment in one.film.explained] if one.film else [],
        "bars": axis.bars,
        "mean": axis.mean,
        "bands": [
            {"name": name, "y": axis.down(above), "height": round(axis.down(below) - axis.down(above), 2)}
            for name, below, above in scale.spans
        ],
        "top": f"{axis.top:g}",
        "ends": axis.ends,
        "unit": axis.unit,
        "script": {
            "first": axis.first,
            "width": axis.width,
            "rate": one.film.rate,
            "moments": [round(moment, 3) for moment in one.film.moments],
            "opens": one.film.explained[0],
        }
        if one.film
        else {},
    }
