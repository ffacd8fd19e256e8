"""The four attention modules of STA-DRN (Pan et al., ESWA 237 (2024) 121410).

Each stands where a bottleneck has its 3x3x3 convolution, and maps ``(B, C, T, H, W)`` to
``(B, C, T', H', W')``. The C channels are read as ``(k, C/k)``; attention is a softmax over the k axis, or a
sigmoid where k is 1.

Names in the state dict: `group_conv`, `bn` and `fc` for one branch. The two branches of `sta` and `sta_af`
read the same input with the same groups, so they are one grouped convolution and one normalisation over 2C
channels that are read as ``(k, 2, C/k)``, temporal before spatial within each group: `group_conv`, `bn`,
`fc_temporal`, `fc_spatial`.
Differs: the release keeps the two branches apart; `stan_lightning.network.weights` translates.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d

from stan_lightning.network.normalisation import normalisation, normalise


class ColumnConvolution(nn.Conv3d):
    """One pixel wide, of clips one pixel wide: by the planar one, which takes half the time on a CPU."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Map ``(B, C, T, H, 1)`` to the same shape over the stride."""
        stride, padding = self.stride[:2], self.padding[:2]
        y = conv2d(input.squeeze(4), weight.squeeze(4), bias, stride, padding, groups=self.groups)
        return y.unsqueeze(4)


def convolution(
    channels: int,
    planes: int,
    size: int,
    stride: int | tuple[int, int, int],
    column: bool,
    groups: int = 1,
    bias: bool = True,
) -> nn.Conv3d:
    """A convolution of odd `size` that keeps the size but for its stride; for a `column` one pixel wide."""
    width = 1 if column else size
    sizes, padding = (size, size, width), (size // 2, size // 2, width // 2)
    kind = ColumnConvolution if column else nn.Conv3d
    return kind(channels, planes, sizes, stride, padding, groups=groups, bias=bias)


def attend(logits: Tensor, k: int) -> Tensor:
    """Turn logits ``(B, C, T, H, W)`` into attention ``(B, k, C/k, T, H, W)`` over the k axis."""
    logits = torch.unflatten(logits, 1, (k, -1))
    return logits.sigmoid() if k == 1 else logits.softmax(dim=1)


class TemporalAttention(nn.Module):
    """`ta`: every channel and time step is weighted; the weight is one over the whole picture."""

    pooled: tuple[int, ...] = (3, 4)

    def __init__(self, channels: int, k: int, stride: int, norm: str, column: bool = False) -> None:
        super().__init__()
        self.k = k
        self.group_conv = convolution(channels, channels, 3, stride, column, groups=k)
        self.bn = normalisation(norm, channels, blocks=k)
        self.fc = nn.Conv3d(channels, channels, 1, groups=k)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, T, H, W)`` to the same shape over the stride."""
        x = normalise(self.bn, self.group_conv(x))
        weight = attend(self.fc(x.mean(self.pooled, keepdim=True)), self.k).to(x.dtype)
        return (torch.unflatten(x, 1, (self.k, -1)) * weight).flatten(1, 2)


class SpatialAttention(TemporalAttention):
    """`sa`: every channel and place is weighted; the weight is one over the whole clip."""

    pooled = (2,)


class JoinedBranches(nn.Module):
    """What `sta` and `sta_af` share: a temporal and a spatial branch, computed as one."""

    def __init__(self, channels: int, k: int, stride: int, norm: str, column: bool = False) -> None:
        super().__init__()
        self.k = k
        self.group_conv = convolution(channels, 2 * channels, 3, stride, column, groups=k)
        self.bn = normalisation(norm, 2 * channels, blocks=2 * k)
        if isinstance(self.bn, nn.BatchNorm3d):
            # One counter a branch, so that released weights keep both.
            self.bn.register_buffer("num_batches_tracked", torch.zeros(2, dtype=torch.long))
        self.fc_temporal = nn.Conv3d(channels, channels, 1, groups=k)
        self.fc_spatial = nn.Conv3d(channels, channels, 1, groups=k)

    def branches(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Compute both branches of ``(B, C, T, H, W)``.

        Returns:
            x_t and x_s of shape ``(B, k, C/k, T, H, W)``, a_t of ``(B, k, C/k, T, 1, 1)`` and a_s of
            ``(B, k, C/k, 1, H, W)``.
        """
        joined = torch.unflatten(normalise(self.bn, self.group_conv(x)), 1, (self.k, 2, -1))
        temporal, spatial = joined.unbind(2)
        a_t = attend(self.fc_temporal(temporal.mean((4, 5), keepdim=True).flatten(1, 2)), self.k)
        a_s = attend(self.fc_spatial(spatial.mean(3, keepdim=True).flatten(1, 2)), self.k)
        return temporal, spatial, a_t.to(joined.dtype), a_s.to(joined.dtype)


class SumAttention(JoinedBranches):
    """`sta`: the sum of temporal and spatial attention."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, T, H, W)`` to the same shape over the stride."""
        temporal, spatial, a_t, a_s = self.branches(x)
        return (temporal * a_t + spatial * a_s).flatten(1, 2)


class FusedAttention(JoinedBranches):
    """`sta_af`, the paper's model: the product of both attentions weights the sum of both branches."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, T, H, W)`` to the same shape over the stride."""
        out: Tensor = Gate.apply(*self.branches(x))  # type: ignore[no-untyped-call] # torch's, untyped
        return out.flatten(1, 2)


class Gate(torch.autograd.Function):
    """``(a_s * a_t) * (x_s + x_t)``, keeping none of its full-size intermediates for the backward pass."""

    @staticmethod
    def forward(ctx: Any, temporal: Tensor, spatial: Tensor, a_t: Tensor, a_s: Tensor) -> Tensor:
        """Take what `JoinedBranches.branches` gives; return ``(B, k, C/k, T, H, W)``."""
        ctx.save_for_backward(temporal, spatial, a_t, a_s)
        return (spatial + temporal).mul_(a_t).mul_(a_s)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        """Gradients for all four."""
        temporal, spatial, a_t, a_s = ctx.saved_tensors
        weighted = (spatial + temporal).mul_(grad)
        grad_t = (weighted * a_s).sum((4, 5), keepdim=True)
        grad_s = weighted.mul_(a_t).sum(3, keepdim=True)
        both = (grad * a_t).mul_(a_s)
        return both, both, grad_t, grad_s


ATTENTIONS: dict[str, type[TemporalAttention | JoinedBranches]] = {
    "ta": TemporalAttention,
    "sa": SpatialAttention,
    "sta": SumAttention,
    "sta_af": FusedAttention,
}
