import pytest
import torch

from stan_lightning.training.objective import SEVERITY_LOSSES, classes, fraction, points

OUTPUT, TARGET, NOISE = torch.tensor([[0.2], [0.9]]), torch.tensor([10.0, 63.0]), torch.tensor([1.0, -2.0])


def test_points_is_the_squared_error_in_points_against_noisy_labels() -> None:
    expected = ((63 * 0.2 - 11) ** 2 + (63 * 0.9 - 61) ** 2) / 2
    assert points(OUTPUT, TARGET, NOISE, (0, 63)).item() == pytest.approx(expected, rel=1e-5)


def test_fraction_adds_smooth_l1_on_fractions() -> None:
    errors = [0.2 - 10 / 63, 0.9 - 1.0]
    expected = sum(e**2 for e in errors) / 2 + sum(0.5 * e**2 for e in errors) / 2
    assert fraction(OUTPUT, TARGET, 0 * NOISE, (0, 63)).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", SEVERITY_LOSSES.values())
def test_a_perfect_output_costs_nothing_whatever_the_range(loss) -> None:
    assert loss(torch.tensor([[0.5]]), torch.tensor([15.0]), torch.zeros(1), (10, 20)).item() == 0


def test_classes_is_cross_entropy() -> None:
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    expected = -(2.0 - torch.logsumexp(logits, 1).item())
    assert classes(logits, torch.tensor([0.0])).item() == pytest.approx(expected, rel=1e-5)
