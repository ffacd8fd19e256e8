"""The stem, which pools before it normalises, equals normalising before pooling."""

import pytest
import torch
from torch import nn
from torch.nn.functional import max_pool3d, relu

from stan_lightning.network.normalisation import normalisation
from stan_lightning.network.stem import PIECE, PooledBatchNorm, moments, stem


def made(norm: str, dtype: torch.dtype = torch.double) -> tuple[nn.Conv3d, nn.Module]:
    """Draw a stem whose batch norm has scales of both signs."""
    torch.manual_seed(0)
    conv = nn.Conv3d(3, 8, 7, (1, 2, 2), padding=3, bias=False)
    bn = normalisation(norm, 8)
    nn.init.normal_(bn.weight)
    nn.init.normal_(bn.bias)
    if norm != "group":
        nn.init.normal_(bn.running_mean)
    return conv.to(dtype), bn.to(dtype)


@pytest.mark.parametrize("norm", ["batch", "group", "frozen"])
@pytest.mark.parametrize("train", [True, False])
def test_equals_the_written_order(norm: str, train: bool) -> None:
    x = torch.randn(2, 3, 9, 33, 47, dtype=torch.double)
    results = []
    for fast in (True, False):
        conv, bn = made(norm)
        bn.train(train)
        y = stem(conv, bn, x) if fast else max_pool3d(relu(bn(conv(x))), 3, (1, 2, 2), 1)
        y.square().sum().backward()
        gradients = [p.grad for p in (*conv.parameters(), *bn.parameters()) if p.grad is not None]
        results.append([y.detach(), *gradients, *bn.buffers()])
    assert len(results[0]) == len(results[1])
    for fast_tensor, plain_tensor in zip(*results, strict=True):
        torch.testing.assert_close(fast_tensor, plain_tensor, rtol=1e-9, atol=1e-9)


def test_gradients_of_pooled_batch_norm() -> None:
    """Numerically, through the statistics too."""
    torch.manual_seed(0)
    y = torch.randn(2, 3, 2, 5, 4, dtype=torch.double, requires_grad=True)
    weight = torch.rand(3, dtype=torch.double, requires_grad=True)
    bias = torch.randn(3, dtype=torch.double, requires_grad=True)

    def normalised(y: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        mean, variance = moments(y.detach())
        return PooledBatchNorm.apply(y, mean, torch.rsqrt(variance + 1e-5), weight, bias)

    assert torch.autograd.gradcheck(normalised, (y, weight, bias), fast_mode=True)


def test_moments_in_pieces_of_unequal_size() -> None:
    torch.manual_seed(0)
    frame = torch.randn(1, 2, 1, 8, 8)
    frames = PIECE // (2 * 800 * 800)  # of 800 x 800, in one piece
    y = frame.repeat(2, 1, frames + 1, 100, 100)
    y[:, :, -1] += 5  # the last piece is short, and unlike the others
    variance, mean = torch.var_mean(y.double(), (0, 2, 3, 4), correction=0)
    got_mean, got_variance = moments(y)
    torch.testing.assert_close(got_mean.double(), mean, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(got_variance.double(), variance, rtol=1e-5, atol=1e-5)
