"""What a network's outputs mean: how many there are, their loss, their score, their metrics.

An objective of one's own subclasses `Objective` (docs/bring_your_own.md).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torchmetrics.functional import mean_absolute_error, mean_squared_error

from stan_boundary.errors import InputError
from stan_lightning.training.class_metrics import area, counts, f1_of_each
from stan_lightning.training.metrics import recording_means, recording_scores

Loss = Callable[[Tensor, Tensor], Tensor]


MOST_POINTS = 10_000
"""Outputs of a distribution over points."""


class Objective(nn.Module):
    """The interface.

    Attributes:
        outputs: Values that the network gives a clip.
        metrics: What `measure` logs, each with the mode in which it is better, "min" or "max"; the first one
            selects the reported checkpoint unless `trainer.callbacks.best` says otherwise.
    """

    outputs: int
    metrics: ClassVar[Mapping[str, str]]

    def training_loss(self, output: Tensor, target: Tensor, noise: Tensor) -> Tensor:
        """Loss of a batch, a scalar.

        Args:
            output: ``(B, outputs)``, float32.
            target: Scores in points, or class indices, ``(B,)``.
            noise: Standard normal draws, one a clip, the same whenever the step is repeated, ``(B,)``.
        """
        raise NotImplementedError

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Targets ``(R,)`` and predictions of recordings, of rows as `WindowScores.compute` gives them."""
        raise NotImplementedError

    def measure(self, targets: Tensor, predictions: Tensor) -> dict[str, Tensor]:
        """The `metrics` of what `gather` returned."""
        raise NotImplementedError

    def fraction(self, output: Tensor) -> Tensor:
        """Score of each window as a fraction of the score range, ``(N,)``, of outputs ``(N, outputs)``."""
        return output[:, 0]

    def probabilities(self, output: Tensor) -> Tensor:
        """Of each class, ``(N, C)``, of outputs ``(N, outputs)``; asked for where labels are classes."""
        return output.softmax(1)

    def start(self, heads: Sequence[nn.Linear], bounded: bool) -> None:
        """Change a fresh network's last layers before training; nothing unless an objective does."""

    @property
    def monitor(self) -> str:
        """The metric that selects."""
        return next(iter(self.metrics))


class Severity(Objective):
    """A score in points: the one output is a fraction of the score range.

    Args:
        loss: Of predictions and labels ``(B,)``.
        data: `score_range` and `training_mean` of `CropDataModule.facts`.
        unit: What the loss is of: "points", or "fraction" of the range.
        label_noise: Standard deviation of the noise on training labels, in points, drawn anew each step.
        clip_scores: "window" clips each window's output at 0 before their mean, "recording" clips the mean
            to the range.
        start_at_mean: The head starts with zero weights and the training mean as its bias.

    Raises:
        InputError: An argument is outside its choices, or labels are classes.
    """

    outputs: int = 1
    metrics: ClassVar[Mapping[str, str]] = {"val/mae": "min", "val/rmse": "min"}

    def __init__(
        self,
        loss: Loss,
        data: Mapping[str, Any],
        unit: str = "points",
        label_noise: float = 1.0,
        clip_scores: str = "window",
        start_at_mean: bool = False,
    ) -> None:
        super().__init__()
        if data["score_range"] is None:
            raise InputError(
                "data.score_range=null makes labels names of classes: take model/objective=classes"
            )
        for name, value, choices in (
            ("unit", unit, ("points", "fraction")),
            ("clip_scores", clip_scores, ("window", "recording")),
        ):
            if value not in choices:
                raise InputError(f"model.objective.{name}={value} is none of {', '.join(choices)}")
        if isinstance(label_noise, bool | str) or not 0 <= label_noise < float("inf"):
            raise InputError(f"model.objective.label_noise={label_noise}: it must be a number of at least 0")
        self.loss, self.unit, self.label_noise, self.clip_scores = loss, unit, label_noise, clip_scores
        self.start_at_mean, self.training_mean = start_at_mean, data["training_mean"]
        self.score_range: Sequence[float] = data["score_range"]

    def training_loss(self, output: Tensor, target: Tensor, noise: Tensor) -> Tensor:
        """The loss against noisy labels, in points or fractions of the range."""
        low, high = self.score_range
        noisy = target + self.label_noise * noise
        if self.unit == "points":
            return self.loss(low + (high - low) * output[:, 0], noisy)
        return self.loss(output[:, 0], (noisy - low) / (high - low))

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Scores of recordings in points, ``(R,)``."""
        fractions = torch.cat([rows[:, :3], self.fraction(rows[:, 3:])[:, None]], 1)
        targets, scores = recording_scores(fractions, self.score_range, self.clip_scores)
        return targets.float(), scores.float()

    def measure(self, targets: Tensor, predictions: Tensor) -> dict[str, Tensor]:
        """Errors in points, at the level of the video."""
        return {
            "val/mae": mean_absolute_error(predictions, targets),
            "val/rmse": mean_squared_error(predictions, targets, squared=False),
        }

    def start(self, heads: Sequence[nn.Linear], bounded: bool) -> None:
        """Start at the training mean where that is asked for."""
        if not self.start_at_mean:
            return
        low, high = self.score_range
        mean = (self.training_mean - low) / (high - low)
        if bounded:
            mean = float(np.log(mean / (1 - mean)))
        for head in heads:
            nn.init.constant_(head.bias, mean)
            nn.init.zeros_(head.weight)


class Distribution(Severity):
    """A score as a distribution over whole points, whose expectation it is (label distribution learning).

    The target is a Gaussian about the label (Geng 2016), the loss its cross-entropy with the outputs' softmax
    plus `loss` of expectation and label (Gao et al. 2018). Points reach `MARGIN` deviations beyond the range,
    so that the target's expectation is the label up to the ends.

    Args:
        loss: Of expectations and labels ``(B,)`` in points, added to the cross-entropy.
        data: `score_range` of `CropDataModule.facts`.
        deviation: Of the Gaussian, in points.
        weight: Of `loss`.
        label_noise: As for `Severity`.
        clip_scores: As for `Severity`.
        start_at_mean: The head starts with zero weights and the training mean's distribution as its bias.

    Raises:
        InputError: An argument is outside its choices, or labels are classes.
    """

    MARGIN = 6.0
    points: Tensor

    def __init__(
        self,
        loss: Loss,
        data: Mapping[str, Any],
        deviation: float = 3.0,
        weight: float = 1.0,
        label_noise: float = 0.0,
        clip_scores: str = "window",
        start_at_mean: bool = False,
    ) -> None:
        super().__init__(
            loss, data, label_noise=label_noise, clip_scores=clip_scores, start_at_mean=start_at_mean
        )
        for name, value, least in (("deviation", deviation, 0.5), ("weight", weight, 0.0)):
            if isinstance(value, bool | str) or not least <= value <= 100:
                raise InputError(f"model.objective.{name}={value}: a number from {least:g} to 100")
        low, high = self.score_range
        reach = self.MARGIN * deviation
        points = torch.arange(np.floor(low - reach), np.ceil(high + reach) + 1)
        if len(points) > MOST_POINTS:
            raise InputError(f"data.score_range={list(self.score_range)} has more than {MOST_POINTS} points")
        self.deviation, self.weight = deviation, weight
        self.outputs = len(points)
        self.register_buffer("points", points, persistent=False)

    def target(self, label: Tensor) -> Tensor:
        """Probabilities ``(B, outputs)`` of labels ``(B,)`` in points."""
        return self._logits(label[:, None]).softmax(1)

    def _logits(self, label: Tensor | float) -> Tensor:
        return -(((self.points - label) / self.deviation) ** 2) / 2

    def expectation(self, probabilities: Tensor) -> Tensor:
        """Points ``(B,)``."""
        return probabilities @ self.points.to(probabilities.dtype)

    def training_loss(self, output: Tensor, target: Tensor, noise: Tensor) -> Tensor:
        """Cross-entropy with the labels' distributions, and `loss` of expectations."""
        noisy = target + self.label_noise * noise
        entropy = -(self.target(noisy) * output.log_softmax(1)).sum(1).mean()
        return entropy + self.weight * self.loss(self.expectation(output.softmax(1)), noisy)

    def start(self, heads: Sequence[nn.Linear], bounded: bool) -> None:
        """Start at the training mean where that is asked for."""
        for head in heads if self.start_at_mean else ():
            with torch.no_grad():
                head.bias.copy_(self._logits(self.training_mean))
            nn.init.zeros_(head.weight)

    def fraction(self, output: Tensor) -> Tensor:
        """The expectation as a fraction of the range."""
        low, high = self.score_range
        return (self.expectation(output.softmax(1)) - low) / (high - low)


class Classes(Objective):
    """Class names: an output for each; metrics are of a recording's mean probabilities.

    `val/macro_f1` is the mean F1 of the classes that labels or calls hold, `val/auc` as
    `stan_lightning.training.class_metrics.area` has it, 0.5 where development holds one class alone.

    Args:
        loss: Of logits ``(B, C)`` and class indices ``(B,)``.
        data: `classes` of `CropDataModule.facts`.

    Raises:
        InputError: Labels are scores.
    """

    metrics: ClassVar[Mapping[str, str]] = {"val/accuracy": "max", "val/macro_f1": "max", "val/auc": "max"}

    def __init__(self, loss: Loss, data: Mapping[str, Any]) -> None:
        super().__init__()
        if data["score_range"] is not None:
            raise InputError(
                f"data.score_range={data['score_range']}, but model/objective=classes trains on names of "
                "classes: set data.score_range=null"
            )
        self.outputs, self.loss = len(data["classes"]), loss

    def training_loss(self, output: Tensor, target: Tensor, noise: Tensor) -> Tensor:
        """The loss; classes have no noise."""
        return self.loss(output, target.long())

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities of recordings, ``(R, C)``."""
        return recording_means(rows, self.probabilities(rows[:, 3:]))

    def measure(self, targets: Tensor, predictions: Tensor) -> dict[str, Tensor]:
        """How well recordings' classes are told, at the level of the video; the likeliest class is called."""
        truth, said = targets.long().cpu().numpy(), predictions.double().cpu().numpy()
        confusion = counts(truth, said.argmax(1), self.outputs)
        auc = area(truth, said) if len(set(truth)) > 1 else 0.5
        found = {
            "val/accuracy": (predictions.argmax(1) == targets).float().mean(),
            "val/macro_f1": torch.tensor(np.nanmean(f1_of_each(confusion)), dtype=torch.float32),
            "val/auc": torch.tensor(auc, dtype=torch.float32),
        }
        return {name: one.to(predictions.device) for name, one in found.items()}
