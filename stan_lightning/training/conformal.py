"""How far a score may be from the label of a new person: conformal intervals from development.

Source: split conformal prediction with grouped data, each person weighted equally (Lee, Barber and Willett
2023, "Distribution-free inference with hierarchical data", section 3; Dunn, Wasserman and Ramdas 2022). For a
person exchangeable with those of development it holds with at least `LEVEL`, whatever the errors look like.
Differs: development has also chosen the epoch, which makes its errors somewhat too small.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stan_boundary.errors import InputError

LEVEL = 0.9
FEWEST = math.ceil(LEVEL / (1 - LEVEL) - 1e-9)
"""People below whom the interval is infinite."""
_MOST = 1e9


@dataclass(frozen=True)
class Conformal:
    """What development tells of errors on people whom training has not seen.

    Attributes:
        people: Such people in development.
        half_width: In points; None where it is infinite, since they are too few.
    """

    people: int
    half_width: float | None

    @classmethod
    def measured(
        cls,
        label: NDArray[np.float64],
        said: NDArray[np.float64],
        subject: Sequence[str],
        trained_on: Collection[str],
    ) -> "Conformal":
        """From development.

        Args:
            label: (N,) points, one a recording.
            said: (N,) points.
            subject: (N,) whom each recording shows.
            trained_on: Subjects whose errors tell nothing of a new person's.
        """
        people = np.asarray(subject, str)
        new = ~np.isin(people, sorted(trained_on))
        residual = np.abs(said - label)[new]
        return cls(len(set(people[new])), half_width(residual, people[new]))

    @classmethod
    def from_record(cls, record: Any) -> "Conformal | None":
        """What a checkpoint or a model folder holds; None where it holds none.

        Raises:
            InputError: It cannot be.
        """
        if record is None:
            return None
        known: Mapping[str, Any] = record if isinstance(record, Mapping) else {}
        people, width = known.get("people"), known.get("half_width")
        if type(people) is int and 0 <= people < _MOST:
            enough = people >= FEWEST
            if width is None and not enough:
                return cls(people, None)
            if enough and isinstance(width, float) and 0 <= width < _MOST:
                return cls(people, float(width))
        raise InputError("says of errors on new people what cannot be: train again, or ask for another")

    def record(self) -> dict[str, Any]:
        """Plain data, as `from_record` reads it."""
        return asdict(self)

    def bounds(self, prediction: float, score_range: Sequence[float]) -> tuple[float, float] | None:
        """Lowest and highest score, within the range; None where the interval is infinite."""
        if self.half_width is None:
            return None
        low, high = (float(edge) for edge in score_range)
        ends = (prediction - self.half_width, prediction + self.half_width)
        return min(max(ends[0], low), high), max(min(ends[1], high), low)


def half_width(residual: NDArray[np.float64], subject: NDArray[np.str_]) -> float | None:
    """The `LEVEL` quantile of absolute residuals (N,), of a person's many each a part, and a new one's.

    The new person counts as one with an infinite residual: None where the quantile is that.
    """
    _, codes, counts = np.unique(subject, return_inverse=True, return_counts=True)
    order = np.argsort(residual, kind="stable")
    weight = 1 / counts[codes] / (len(counts) + 1)
    reached = np.cumsum(weight[order]) >= LEVEL - 1e-9
    return float(residual[order][reached.argmax()]) if reached.any() else None


def told(found: Conformal | None) -> str:
    """What is known of new people, in a sentence."""
    if found is None:
        return (
            "No interval for a new person: this network comes without one "
            "(released weights, or trained before there was one, or saved between validations)."
        )
    if found.half_width is None:
        held = "one person" if found.people == 1 else f"{found.people} people"
        return (
            f"No interval for a new person: development held {held} whom training had not seen, and "
            f"{FEWEST} are needed."
        )
    return (
        f"A score ± {found.half_width:.1f} points holds for 9 of 10 new people of the corpus trained on, "
        f"filmed in the same way: from errors on {found.people} people of development, which also chose the "
        "epoch, so that it is somewhat too narrow."
    )
