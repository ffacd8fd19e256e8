"""A linear reader of statistics over time, fitted in closed form and not by steps.

Frozen features with a linear reader are the first thing to try where recordings are few. What is fitted lies
in arrays of the network, so that it loads, scores and is handed on like any other.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Encoder, Network

STATISTICS = ("mean", "deviation", "p10", "median", "p90", "change")
"""Of each column over the moments that are there; change: mean absolute difference of neighbours."""
_QUANTILES = (0.1, 0.5, 0.9)
MOST_FEATURES = 1_000_000


class Statistics(Encoder):
    """A signal's `STATISTICS`, nothing of it learnt.

    Args:
        modality: Name of the signal that it reads.
        columns: How many columns the signal has.
        num_classes: Outputs of a head of its own.

    Raises:
        InputError: There are too many columns.
    """

    skips_missing = True

    def __init__(self, modality: str, columns: int, num_classes: int = 1) -> None:
        super().__init__()
        if type(columns) is not int or not 1 <= columns <= MOST_FEATURES // len(STATISTICS):
            raise InputError(f"columns is {columns}: a whole number from 1 to {MOST_FEATURES // 6:,}")
        self.modality, self.columns, self.width = modality, columns, len(STATISTICS) * columns

    def pooled(self, x: Tensor) -> Tensor:
        """Statistics of clips ``(B, T, F)``, NaN where missing.

        Returns:
            ``(B, 6 F)``, a column's `STATISTICS` in F places each; NaN where nothing was measured.
        """
        x = x.float()
        known = ~x.isnan()
        count = known.sum(1)
        mean = x.nansum(1) / count
        spread = (((x - mean[:, None]) ** 2).nansum(1) / count).sqrt()
        quantiles = _quantiles(x, count)
        steps = (x[:, 1:] - x[:, :-1]).abs()
        change = steps.nansum(1) / (~steps.isnan()).sum(1)
        return torch.cat([mean, spread, *quantiles, change], 1)

    def tokens(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The statistics as the one token, zeros where nothing was measured."""
        return self.pooled(x).nan_to_num(0.0)[:, None], None

    def example(self, frames: int, size: int, sound: tuple[int, int]) -> Tensor:
        """Two clips of so many moments."""
        return torch.zeros(2, frames, self.columns)


def _quantiles(x: Tensor, count: Tensor) -> list[Tensor]:
    """Of ``(B, T, F)`` over the `count` ``(B, F)`` moments that are there, ``(B, F)`` each, interpolated."""
    ordered = x.sort(1).values  # NaN at the end
    found = []
    for share in _QUANTILES:
        place = share * (count - 1).clamp(min=0)
        below = place.floor().long()
        above = torch.minimum(below + 1, (count - 1).clamp(min=0))
        low, high = (ordered.gather(1, at[:, None])[:, 0] for at in (below, above))
        found.append(low + (place - below) * (high - low))
    return found


class Probe(Network):
    """Statistics of one or several signals, and a linear layer that scikit-learn fits.

    Args:
        encoders: By signal, `Statistics`.
        reader: An estimator of scikit-learn that has `coef_` and `intercept_` once it is fitted; None: the
            layer is trained by steps.
        grid: Of its settings, the choices among which folds of training subjects decide.
        num_classes: Outputs; 1 for severity.
        recentre: Move its scores by the median of what the folds left over, whose error in MAE is least.
        folds: Of training subjects, at most.

    Raises:
        InputError: There is no signal, or too many features.
    """

    centre: Tensor
    scale: Tensor

    def __init__(
        self,
        encoders: Mapping[str, Encoder],
        reader: Any,
        grid: Mapping[str, Sequence[Any]] | None = None,
        num_classes: int = 1,
        recentre: bool = True,
        folds: int = 5,
    ) -> None:
        super().__init__()
        if not encoders:
            raise InputError("a probe reads one signal or more: model.network.encoders is empty")
        if isinstance(reader, nn.Module):
            raise InputError(
                f"model.network.reader is {type(reader).__name__}, a module of torch: an estimator of "
                "scikit-learn is needed"
            )
        if type(folds) is not int or folds < 2:
            raise InputError(f"model.network.folds={folds}: a whole number of at least 2")
        features = sum(encoder.width for encoder in encoders.values())
        if features > MOST_FEATURES:
            raise InputError(f"a probe of {features:,} features: at most {MOST_FEATURES:,}")
        self.modalities = tuple(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.reader, self.grid, self.recentre, self.folds = reader, dict(grid or {}), recentre, folds
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        self.head = nn.Linear(features, num_classes)

    @property
    def parts(self) -> Mapping[str, Encoder]:
        """The encoders."""
        return {name: self.encoders[name] for name in self.modalities}  # type: ignore[misc] # made of them

    @property
    def heads(self) -> Sequence[nn.Linear]:
        """The linear layer."""
        return [self.head]

    def features(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What the reader reads, ``(B, N)``, NaN where a recording has none."""
        return torch.cat([self.parts[name].pooled(inputs[name]) for name in self.modalities], 1)

    def score(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """Outputs ``(B, num_classes)``; a feature that is missing counts as its training mean."""
        standard = ((self.features(inputs) - self.centre) * self.scale).nan_to_num(0.0)
        output: Tensor = self.head(standard)
        return output

    def forward(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """As `score`."""
        return self.score(inputs, present)

    def take(self, centre: Tensor, scale: Tensor, weight: Tensor, bias: Tensor) -> None:
        """Take what was fitted: features' means and 1 / deviations ``(N,)``, and the layer's parameters."""
        with torch.no_grad():
            for own, given in (
                (self.centre, centre),
                (self.scale, scale),
                (self.head.weight, weight),
                (self.head.bias, bias),
            ):
                own.copy_(given)
