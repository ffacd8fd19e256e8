"""Losses of scores beside torch's own; each takes predictions and labels ``(B,)``, in points."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError


class Sum(nn.Module):
    """The sum of several losses."""

    def __init__(self, losses: Sequence[nn.Module]) -> None:
        super().__init__()
        self.losses = nn.ModuleList(losses)

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Add them."""
        values = [loss(prediction, target) for loss in self.losses]
        return torch.stack(values).sum()


class Concordance(nn.Module):
    """1 - Lin's concordance correlation coefficient of a batch (Lin 1989; as a loss Weninger et al. 2016).

    It rewards predictions that spread as labels do, where squared errors shrink them to the mean. Batches
    should be large: the coefficient of one clip is undefined, and such a batch costs 1 and teaches nothing.
    """

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Moments are the population's."""
        p, y = prediction - prediction.mean(), target - target.mean()
        apart = (prediction.mean() - target.mean()) ** 2
        both = (p**2).mean() + (y**2).mean() + apart
        return 1 - 2 * (p * y).mean() / both.clamp(min=1e-8)


class PairwiseRanking(nn.Module):
    """Mean over pairs of unequal labels of log(1 + exp(-difference / scale)) (RankNet, Burges et al. 2005).

    It asks for the order of scores alone: add it to another loss by `Sum`, which says where they lie.

    Args:
        scale: Points by which the right order is well told.

    Raises:
        InputError: `scale` is not above 0.
    """

    def __init__(self, scale: float = 5.0) -> None:
        super().__init__()
        if isinstance(scale, bool) or not 0 < scale < float("inf"):
            raise InputError(f"scale is {scale}: it must be a number above 0")
        self.scale = scale

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """0 where all labels of the batch are equal."""
        above = target[:, None] > target[None]
        margin = (prediction[:, None] - prediction[None]) / self.scale
        costs = nn.functional.softplus(-margin) * above
        return costs.sum() / above.sum().clamp(min=1)
