"""What training minimises. Each loss takes outputs ``(B, C)`` and targets ``(B,)``, and means over B."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn.functional import cross_entropy, mse_loss, smooth_l1_loss


def points(output: Tensor, target: Tensor, noise: Tensor, score_range: Sequence[float]) -> Tensor:
    """MSE in points against noisy labels (authors' first release, and the replication).

    Args:
        output: Fractions of the score range, ``(B, 1)``.
        target: Scores in points, ``(B,)``.
        noise: Noise of the labels in points, ``(B,)``.
        score_range: Lowest and highest score.
    """
    low, high = score_range
    return mse_loss(low + (high - low) * output[:, 0], target + noise)


def fraction(output: Tensor, target: Tensor, noise: Tensor, score_range: Sequence[float]) -> Tensor:
    """MSE plus smooth L1 on fractions of the range (authors' update of December 2024)."""
    low, high = score_range
    goal = (target + noise - low) / (high - low)
    return mse_loss(output[:, 0], goal) + smooth_l1_loss(output[:, 0], goal)


def classes(output: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy over logits ``(B, C)`` and class indices ``(B,)``."""
    return cross_entropy(output, target.long())


SEVERITY_LOSSES = {"points": points, "fraction": fraction}
