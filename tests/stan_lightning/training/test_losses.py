"""Concordance and ranking are what their sources say, and so are their gradients."""

import math

import pytest
import torch
from torch import nn

from stan_boundary.errors import InputError
from stan_lightning.data.scale import scale_of
from stan_lightning.evaluation.statistics import describe
from stan_lightning.training.losses import Concordance, PairwiseRanking, Sum


def test_concordance_is_the_evaluation_s() -> None:
    random = torch.Generator().manual_seed(0)
    target = 63 * torch.rand(12, generator=random, dtype=torch.float64)
    said = 0.4 * target + 5 * torch.randn(12, generator=random, dtype=torch.float64)
    ccc = describe(target.numpy(), said.numpy(), [str(n) for n in range(12)], scale_of(None, (0, 63)))["ccc"]
    assert isinstance(ccc, dict)
    assert Concordance()(said, target).item() == pytest.approx(1 - float(ccc["value"] or 0))
    assert Concordance()(target, target).item() == pytest.approx(0, abs=1e-12)
    said.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: Concordance()(x, target), said)


def test_one_clip_or_equal_labels_cost_what_is_finite() -> None:
    one = torch.tensor([5.0], requires_grad=True)
    for loss, cost in ((Concordance(), 1.0), (PairwiseRanking(), 0.0)):
        found = loss(one, torch.tensor([5.0]))
        found.backward()
        assert found.item() == cost and one.grad is not None and one.grad.isfinite().all()
    assert PairwiseRanking()(torch.randn(4), torch.full((4,), 9.0)).item() == 0


def test_ranking_is_the_mean_cost_of_pairs() -> None:
    said, target = torch.tensor([1.0, 4.0, 2.0]).double(), torch.tensor([10.0, 20.0, 20.0]).double()
    costs = [math.log(1 + math.exp(-(4 - 1) / 2)), math.log(1 + math.exp(-(2 - 1) / 2))]
    assert PairwiseRanking(scale=2.0)(said, target).item() == pytest.approx(sum(costs) / 2)
    said.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: PairwiseRanking()(x, target), said)
    for scale in (0, -1, float("inf"), True):
        with pytest.raises(InputError, match="a number above 0"):
            PairwiseRanking(scale)


def test_a_sum_adds_them() -> None:
    said, target = torch.tensor([1.0, 4.0, 2.0]), torch.tensor([10.0, 20.0, 20.0])
    parts = [nn.MSELoss(), Concordance()]
    assert Sum(parts)(said, target) == sum(part(said, target) for part in parts)
