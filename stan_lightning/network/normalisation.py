"""The three normalisations that the network can be built with."""

from torch import Tensor, nn

from stan_boundary.errors import InputError

NORMS = ("batch", "group", "frozen")


class FrozenBatchNorm(nn.BatchNorm3d):
    """Batch normalisation whose statistics and affine stay as they were loaded, in training too.

    The state dict is that of `nn.BatchNorm3d`, so weights interchange. It means something only after
    weights were loaded: fresh statistics (mean 0, variance 1) normalise nothing.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        for parameter in self.parameters():
            parameter.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> "FrozenBatchNorm":
        """Stay in evaluation mode whatever is asked for."""
        return super().train(False)


def normalisation(norm: str, channels: int, blocks: int = 1) -> nn.Module:
    """Build one normalisation over `channels`.

    Args:
        norm: "batch", "group" or "frozen" (see `FrozenBatchNorm`).
        channels: channels C of the input ``(B, C, T, H, W)``.
        blocks: "group" never mixes these equal runs of consecutive channels (an attention group, a branch).

    Returns:
        A module from ``(B, C, T, H, W)`` to the same shape.

    Raises:
        InputError: `norm` is none of the three.
    """
    if norm == "batch":
        return nn.BatchNorm3d(channels)
    if norm == "frozen":
        return FrozenBatchNorm(channels)
    if norm == "group":
        return nn.GroupNorm(blocks * group_count(channels // blocks), channels)
    raise InputError(f"unknown norm '{norm}': choose one of {', '.join(NORMS)}")


def group_count(channels: int) -> int:
    """Choose in how many groups to normalise: at most 32, each of at least 4 channels where that divides."""
    counts = [count for count in range(2, 33) if channels % count == 0 and channels // count >= 4]
    return max(counts, default=1)


def normalise(norm: nn.Module, x: Tensor) -> Tensor:
    """Apply `norm` and a ReLU that reuses the normalised tensor's memory."""
    return nn.functional.relu(norm(x), inplace=True)
