"""Scales of severity: range, bands and cut-offs, as ``conf/data/scale`` describes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from omegaconf import OmegaConf

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError

ONLY_ONE = "bdi2"
"""What scores of its range were on before checkpoints named their scale."""
_MOST_BANDS, _MOST_NAME = 8, 40


@dataclass(frozen=True)
class SeverityScale:
    """What scores are on.

    Attributes:
        name: As tables and pages call it.
        range: Lowest and highest score in points.
        bands: Name and first score of each severity band, ascending; empty where it has none.
        cutoffs: Scores from which on a person counts as depressed, ascending.
    """

    name: str
    range: tuple[float, float]
    bands: tuple[tuple[str, float], ...] = ()
    cutoffs: tuple[float, ...] = ()

    @property
    def band_names(self) -> tuple[str, ...]:
        """From the least severe on."""
        return tuple(name for name, _ in self.bands)

    @property
    def edges(self) -> tuple[float, ...]:
        """First score of each band but the lowest."""
        return tuple(first for _, first in self.bands[1:])

    @property
    def spans(self) -> tuple[tuple[str, float, float], ...]:
        """Name, first score and end of each band."""
        ends = (*self.edges, self.range[1])
        return tuple((*band, end) for band, end in zip(self.bands, ends, strict=False))

    def band(self, score: ArrayLike) -> NDArray[np.int64]:
        """Number of each score's band, unrounded: on the BDI-II 13.99 is still minimal, 14 is mild."""
        return np.digitize(np.asarray(score, dtype=np.float64), self.edges).astype(np.int64)

    def record(self) -> dict[str, Any]:
        """Plain data, as `scale_of` reads it."""
        return {
            "name": self.name,
            "range": list(self.range),
            "bands": dict(self.bands),
            "cutoffs": list(self.cutoffs),
        }


def scale_of(described: Mapping[str, Any] | None, score_range: Sequence[float]) -> SeverityScale:
    """The scale that scores of a range are on.

    Args:
        described: As a file of ``conf/data/scale``; None where nobody says.
        score_range: Lowest and highest score. Where it is not the described scale's, scores are on another
            one, of which nothing else is known.

    Raises:
        InputError: The description cannot be.
    """
    low, high = (float(edge) for edge in score_range)
    if described is None:
        described = _shipped(ONLY_ONE)
    scale = _checked(described)
    return scale if scale.range == (low, high) else SeverityScale("score", (low, high))


def _shipped(name: str) -> Mapping[str, Any]:
    found: Any = OmegaConf.to_container(OmegaConf.load(Path(CONF) / "data" / "scale" / f"{name}.yaml"))
    return found  # type: ignore[no-any-return] # a mapping


def _checked(described: Mapping[str, Any]) -> SeverityScale:
    try:
        low, high = (float(edge) for edge in described["range"])
        bands = tuple((str(name), float(first)) for name, first in dict(described["bands"]).items())
        cutoffs = tuple(float(one) for one in described["cutoffs"])
        name = str(described["name"])
    except (KeyError, TypeError, ValueError):
        raise InputError(
            "data.scale: give name, range, bands and cutoffs, as the files of conf/data/scale"
        ) from None
    starts = [first for _, first in bands]
    names = [name, *(one for one, _ in bands)]
    if not low < high or len(bands) > _MOST_BANDS or len(cutoffs) > _MOST_BANDS:
        raise InputError(f"data.scale: range {low:g} to {high:g} with {len(bands)} bands cannot be")
    if starts and (starts != sorted(set(starts)) or starts[0] != low or starts[-1] >= high):
        raise InputError("data.scale.bands: give first scores that ascend from the range's lowest score")
    if list(cutoffs) != sorted(set(cutoffs)) or any(not low < one <= high for one in cutoffs):
        raise InputError("data.scale.cutoffs: give scores within the range, ascending")
    if any(not 0 < len(one) <= _MOST_NAME or not one.isprintable() for one in names):
        raise InputError("data.scale: give short printable names")
    return SeverityScale(name, (low, high), bands, cutoffs)
