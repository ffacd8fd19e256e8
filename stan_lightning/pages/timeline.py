"""Where windows and scores lie in a picture of one recording's time, 1000 wide and 100 high."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

WIDTH, HEIGHT = 1000, 100


@dataclass(frozen=True)
class Timeline:
    """One recording's windows on an axis of time.

    Attributes:
        first, last: Ends of the axis, in `unit`.
        unit: ``s``, or ``frames`` where nobody knows the time.
        low, top: Scores at the lower and upper edge.
        spans: Of each window: first moment, last moment, score in points.
        places: Of a score, behind its point.
    """

    first: float
    last: float
    unit: str
    low: float
    top: float
    spans: Sequence[tuple[float, float, float]]
    places: int = 1

    @property
    def width(self) -> float:
        """Of the axis, in `unit`."""
        return max(self.last - self.first, 1e-9)

    def across(self, moment: float) -> float:
        """Where a moment lies from the left."""
        return round(WIDTH * (moment - self.first) / self.width, 2)

    def down(self, score: float) -> float:
        """Where a score lies from above."""
        return round(HEIGHT * (self.top - score) / (self.top - self.low), 2)

    @property
    def bars(self) -> list[dict[str, Any]]:
        """Each window: from, to, y, and what it says."""
        return [
            {
                "from": self.across(start),
                "to": self.across(end),
                "y": self.down(score),
                "said": f"{start:.1f} to {end:.1f} {self.unit}: {score:.{self.places}f}",
            }
            for start, end, score in self.spans
        ]

    @property
    def mean(self) -> float:
        """Height of the windows' mean score."""
        return self.down(sum(score for _, _, score in self.spans) / len(self.spans))

    @property
    def ends(self) -> tuple[str, str]:
        """Both ends of the axis in words."""
        places = 1 if self.unit == "s" else 0
        return f"{self.first:.{places}f}", f"{self.last:.{places}f}"


def timeline(
    windows: pd.DataFrame,
    score_range: Sequence[float],
    moments: Sequence[float] = (),
    scores: Sequence[float] = (),
) -> Timeline:
    """An axis for a recording's windows.

    Args:
        windows: Its rows, as `stan_lightning.evaluation.tables.WINDOWS`.
        score_range: Lowest and highest score in points.
        moments: Others that the axis must hold, in its unit.
        scores: Others that the picture must hold, in points.
    """
    low, high = (float(edge) for edge in score_range)
    points = low + windows["output"].clip(lower=0) * (high - low)
    clocked = bool(windows["start_s"].notna().all())
    starts, ends = ("start_s", "end_s") if clocked else ("first_frame", "last_frame")
    return Timeline(
        first=min(float(windows[starts].min()), *moments, float("inf")),
        last=max(float(windows[ends].max()), *moments, float("-inf")),
        unit="s" if clocked else "frames",
        low=low,
        top=max(high, float(points.max()), *scores),
        places=1 if high - low > 1 else 2,
        spans=list(zip(windows[starts].astype(float), windows[ends].astype(float), points, strict=True)),
    )
