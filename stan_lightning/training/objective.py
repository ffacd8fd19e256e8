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
from stan_lightning.training.metrics import recording_means, recording_scores

Loss = Callable[[Tensor, Tensor], Tensor]


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

    outputs = 1
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


class Classes(Objective):
    """Class names: an output for each, and the accuracy of a recording's mean probabilities.

    Args:
        loss: Of logits ``(B, C)`` and class indices ``(B,)``.
        data: `classes` of `CropDataModule.facts`.

    Raises:
        InputError: Labels are scores.
    """

    metrics: ClassVar[Mapping[str, str]] = {"val/accuracy": "max"}

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
        return recording_means(rows, rows[:, 3:].softmax(1))

    def measure(self, targets: Tensor, predictions: Tensor) -> dict[str, Tensor]:
        """Share of recordings whose likeliest class is theirs."""
        return {"val/accuracy": (predictions.argmax(1) == targets).float().mean()}


class Sum(nn.Module):
    """The sum of several losses."""

    def __init__(self, losses: Sequence[nn.Module]) -> None:
        super().__init__()
        self.losses = nn.ModuleList(losses)

    def forward(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Add them."""
        values = [loss(prediction, target) for loss in self.losses]
        return torch.stack(values).sum()
