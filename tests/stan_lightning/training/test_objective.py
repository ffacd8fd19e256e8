import pytest
import torch
from torch import nn

from stan_boundary.errors import InputError
from stan_lightning.training.objective import Classes, Severity, Sum

OUTPUT, TARGET, NOISE = torch.tensor([[0.2], [0.9]]), torch.tensor([10.0, 63.0]), torch.tensor([1.0, -2.0])
SCORES = {"score_range": [0, 63], "classes": None, "training_mean": 15.0}
NAMES = {"score_range": None, "classes": ["a", "b", "c"], "training_mean": None}


def test_a_loss_in_points_is_of_noisy_labels() -> None:
    expected = ((63 * 0.2 - 12) ** 2 + (63 * 0.9 - 59) ** 2) / 2
    found = Severity(nn.MSELoss(), SCORES, label_noise=2.0).training_loss(OUTPUT, TARGET, NOISE)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_2024_is_of_fractions_and_without_noise() -> None:
    errors = [0.2 - 10 / 63, 0.9 - 1.0]
    expected = sum(e**2 for e in errors) / 2 + sum(0.5 * e**2 for e in errors) / 2
    loss = Sum([nn.MSELoss(), nn.SmoothL1Loss()])
    objective = Severity(loss, SCORES, unit="fraction", label_noise=0.0)
    assert objective.training_loss(OUTPUT, TARGET, NOISE).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("unit", ["points", "fraction"])
def test_a_perfect_output_costs_nothing_whatever_the_range(unit: str) -> None:
    objective = Severity(nn.MSELoss(), SCORES | {"score_range": [10, 20]}, unit=unit)
    assert objective.training_loss(torch.tensor([[0.5]]), torch.tensor([15.0]), torch.zeros(1)).item() == 0


def test_recordings_are_scored_in_points_and_classes_by_their_mean_probability() -> None:
    rows = torch.tensor([[0, 0, 10, 0.1], [0, 1, 10, 0.3], [1, 0, 63, 1.0]])
    severity = Severity(nn.MSELoss(), SCORES)
    found = severity.measure(*severity.gather(rows))
    assert found["val/mae"].item() == pytest.approx((63 * 0.2 - 10) / 2, rel=1e-5)
    classes = Classes(nn.CrossEntropyLoss(), NAMES)
    logits = torch.tensor([[0, 0, 1, 0.0, 1.0, 0.0], [0, 1, 1, 0.5, 0.0, 0.0], [1, 0, 2, 3.0, 0.0, 0.0]])
    assert classes.outputs == 3 and classes.monitor == "val/accuracy"
    assert classes.measure(*classes.gather(logits)) == {"val/accuracy": torch.tensor(0.5)}
    loss = classes.training_loss(torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0.0]), torch.zeros(1))
    assert loss.item() == pytest.approx(torch.logsumexp(torch.tensor([2.0, 0.0, -1.0]), 0).item() - 2)


def test_what_labels_are_and_what_is_trained_fit() -> None:
    with pytest.raises(InputError, match=r"take model/objective=classes"):
        Severity(nn.MSELoss(), NAMES)
    with pytest.raises(InputError, match=r"set data\.score_range=null"):
        Classes(nn.CrossEntropyLoss(), SCORES)
    with pytest.raises(InputError, match=r"model\.objective\.label_noise=-1: it must be a number"):
        Severity(nn.MSELoss(), SCORES, label_noise=-1)
