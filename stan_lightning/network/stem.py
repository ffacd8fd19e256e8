"""The stem: a 7x7x7 convolution, batch norm, ReLU and max pooling, pooled before it is normalised.

The stem's output before pooling is the largest tensor of the network. A ReLU and a batch norm whose scale is
not negative are monotone in every channel, so they commute with the maximum: normalising the pooled quarter
gives the same numbers as pooling the normalised whole. A channel whose scale is negative is turned over,
exactly, by the sign of its kernel. The statistics are still those of the whole tensor.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import batch_norm, relu

from stan_lightning.network.normalisation import normalise

KERNEL = [3, 3, 3]
STRIDE = [1, 2, 2]
PADDING = [1, 1, 1]
PIECE = 2**21  # elements
EPS = 1e-5
SPACE = (0, 2, 3, 4)  # every dimension of (B, C, T, H, W) but the channels


def stem(conv: nn.Conv3d, norm: nn.Module, x: Tensor) -> Tensor:
    """Compute ``max_pool(relu(norm(conv(x))))``: ``(B, C, T, H, W)`` to ``(B, 64, T, H/4, W/4)``."""
    fused = torch.compiler.is_compiling() and not norm.training  # the compiler joins all three by itself
    if fused or not isinstance(norm, nn.BatchNorm3d):
        return pool(normalise(norm, conv(x)))[0]
    sign = torch.where(norm.weight.detach() < 0, -1.0, 1.0).to(norm.weight.dtype)
    y = conv._conv_forward(x, conv.weight * sign.view(-1, 1, 1, 1, 1), None)
    weight = norm.weight * sign
    assert norm.running_mean is not None and norm.running_var is not None
    if not norm.training:
        y = pool(y)[0]
        return relu(
            batch_norm(y, norm.running_mean * sign, norm.running_var, weight, norm.bias, eps=norm.eps)
        )
    mean, variance = moments(y.detach())
    track(norm, mean * sign, variance, y.numel() // y.shape[1])
    scale = torch.rsqrt(variance + norm.eps)
    pooled: Tensor = PooledBatchNorm.apply(y, mean, scale, weight, norm.bias)  # type: ignore[no-untyped-call]
    return relu(pooled, inplace=True)


def moments(y: Tensor) -> tuple[Tensor, Tensor]:
    """Take the mean and the variance, over N, of every channel of ``(B, C, T, H, W)``.

    Batch norm itself takes them, in every precision and faster than anything else in torch; what it
    normalises on the way is thrown away. In pieces that the CPU's cache and allocator can reuse it is five
    times as fast there as in one go, and more accurate.
    """
    if torch.compiler.is_compiling():
        pieces = [y]
    else:  # one clip at a time on a GPU, where it is for the memory alone
        frames = max(1, PIECE // y[0, :, 0].numel()) if y.device.type == "cpu" else y.shape[2]
        pieces = [piece for clip in torch.split(y, 1) for piece in torch.split(clip, frames, dim=2)]
    taken = [torch.native_batch_norm(piece, None, None, None, None, True, 0.0, EPS)[1:] for piece in pieces]
    means, scales = (torch.stack(vectors) for vectors in zip(*taken, strict=True))
    # Made where it is used: numbers that are brought to a device wait for it.
    share = torch.stack([means.new_full((), piece.numel() / y.numel()) for piece in pieces])
    mean = share @ means
    variance = share @ (scales.pow(-2) - EPS + (means - mean).square())
    return mean, variance.clamp(min=0)


def track(norm: nn.BatchNorm3d, mean: Tensor, variance: Tensor, n: int) -> None:
    """Move the running statistics of `norm` towards those of a batch of `n` values a channel."""
    assert norm.running_mean is not None and norm.running_var is not None and norm.momentum is not None
    assert norm.num_batches_tracked is not None
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), norm.momentum)
    norm.running_var.lerp_((variance * (n / (n - 1))).to(norm.running_var.dtype), norm.momentum)
    norm.num_batches_tracked.add_(1)


class PooledBatchNorm(torch.autograd.Function):
    """Max pooling, then batch norm with the statistics of what was pooled.

    Only the convolution's output is kept for the backward pass. The gradient of batch norm needs two sums
    over the whole tensor; the gradient is zero where nothing was picked, so they are sums over the quarter.
    """

    @staticmethod
    def forward(ctx: Any, y: Tensor, mean: Tensor, scale: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Pool and normalise.

        Args:
            ctx: torch's.
            y: what the convolution gave, ``(B, C, T, H, W)``.
            mean: of `y` in each channel.
            scale: one over the standard deviation of `y` in each channel.
            weight: batch norm's, none negative.
            bias: batch norm's.
        """
        ctx.save_for_backward(y, mean, scale, weight)
        pooled = pool(y)[0]
        slope = scale * weight
        return torch.addcmul(channels(bias - mean * slope), pooled, channels(slope)).to(y.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients for `y`, weight and bias; mean and scale depend on `y`, which its gradient includes."""
        y, mean, scale, weight = ctx.saved_tensors
        # Pooled again rather than kept: the indices, in 64 bits, take as much memory as y.
        picked, index = pool(y)
        grad_bias = grad.sum(SPACE, dtype=weight.dtype)
        centred = picked.to(weight.dtype).sub_(channels(mean))
        grad_weight = centred.mul_(grad).sum(SPACE) * scale
        slope = scale * weight
        scaled = (grad * channels(slope)).to(y.dtype)
        grad_y = torch.ops.aten.max_pool3d_with_indices_backward(
            scaled, y, KERNEL, STRIDE, PADDING, [1, 1, 1], False, index
        )
        share = -slope / (y.numel() / y.shape[1])
        tilt = share * grad_weight * scale
        grad_y.addcmul_(y, channels(tilt)).add_(channels(share * grad_bias - tilt * mean))
        return grad_y, None, None, grad_weight, grad_bias


def pool(x: Tensor) -> tuple[Tensor, Tensor]:
    """Pool ``(B, C, T, H, W)`` in its own precision, unlike a CPU's autocast; give the indices too."""
    pooled, index = torch.ops.aten.max_pool3d_with_indices(x, KERNEL, STRIDE, PADDING)
    return pooled, index


def channels(vector: Tensor) -> Tensor:
    """View one number a channel so that it broadcasts over ``(B, C, T, H, W)``."""
    return vector.view(-1, 1, 1, 1)
