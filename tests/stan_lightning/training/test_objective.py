import pytest
import torch
from torch import nn

from stan_boundary.errors import InputError
from stan_lightning.training.losses import Sum
from stan_lightning.training.objective import Classes, Distribution, Severity

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
    measured = classes.measure(*classes.gather(logits))
    assert measured == {
        "val/accuracy": torch.tensor(0.5),  # the second recording, of class 2, is called 0
        "val/macro_f1": torch.tensor(1 / 3),
        "val/auc": torch.tensor(0.5),  # of class 1 all pairs are in order, of class 2 none
    }
    one = classes.measure(torch.tensor([1.0, 1.0]), torch.tensor([[0.2, 0.7, 0.1], [0.6, 0.3, 0.1]]))
    assert one["val/auc"] == 0.5 and one["val/macro_f1"] == pytest.approx(1 / 3)
    loss = classes.training_loss(torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0.0]), torch.zeros(1))
    assert loss.item() == pytest.approx(torch.logsumexp(torch.tensor([2.0, 0.0, -1.0]), 0).item() - 2)


def test_what_labels_are_and_what_is_trained_fit() -> None:
    with pytest.raises(InputError, match=r"take model/objective=classes"):
        Severity(nn.MSELoss(), NAMES)
    with pytest.raises(InputError, match=r"set data\.score_range=null"):
        Classes(nn.CrossEntropyLoss(), SCORES)
    with pytest.raises(InputError, match=r"model\.objective\.label_noise=-1: it must be a number"):
        Severity(nn.MSELoss(), SCORES, label_noise=-1)


@pytest.mark.parametrize("deviation", [1.0, 3.0, 7.5])
def test_the_expectation_of_a_distribution_s_own_target_is_the_label(deviation: float) -> None:
    objective = Distribution(nn.L1Loss(), SCORES, deviation=deviation).double()
    labels = torch.tensor([0.0, 0.4, 13.0, 31.5, 62.9, 63.0], dtype=torch.float64)
    target = objective.target(labels)
    assert target.shape == (6, objective.outputs) and objective.outputs == len(objective.points)
    torch.testing.assert_close(objective.expectation(target), labels, rtol=0, atol=1e-6)
    output = -(((objective.points - labels[:, None]) / deviation) ** 2) / 2
    torch.testing.assert_close(63 * objective.fraction(output), labels, rtol=0, atol=1e-6)
    entropy = -(target * output.log_softmax(1)).sum(1).mean()
    assert objective.training_loss(output, labels, torch.zeros(6)).item() == pytest.approx(entropy.item())


def test_a_distribution_s_gradient_is_right_and_leads_to_the_label() -> None:
    objective = Distribution(nn.MSELoss(), SCORES | {"score_range": [0, 4]}, deviation=1.0).double()
    output = torch.randn(2, objective.outputs, dtype=torch.float64, requires_grad=True)
    labels, none = torch.tensor([1.0, 3.5], dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda x: objective.training_loss(x, labels, none), output)
    steps = torch.optim.Adam([output], 0.1)
    for _ in range(300):
        steps.zero_grad()
        objective.training_loss(output, labels, none).backward()
        steps.step()
    torch.testing.assert_close(4 * objective.fraction(output), labels, rtol=0, atol=0.02)
    for changed, said in (({"deviation": 0}, "deviation=0"), ({"weight": -1}, "weight=-1")):
        with pytest.raises(InputError, match=rf"model\.objective\.{said}"):
            Distribution(nn.MSELoss(), SCORES, **changed)
    with pytest.raises(InputError, match="more than 10000 points"):
        Distribution(nn.MSELoss(), SCORES | {"score_range": [0, 1e6]})


def test_a_distribution_may_start_at_the_training_mean() -> None:
    objective = Distribution(nn.MSELoss(), SCORES, start_at_mean=True)
    head = nn.Linear(4, objective.outputs)
    objective.start([head], bounded=False)
    assert 63 * objective.fraction(head(torch.randn(2, 4)))[0].item() == pytest.approx(15, abs=1e-3)
    Distribution(nn.MSELoss(), SCORES).start([other := nn.Linear(4, objective.outputs)], bounded=False)
    assert other.weight.abs().max() > 0
