"""An epoch's loss, and window outputs gathered into recordings, exactly, on one device or many."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat


class EpochLoss(Metric):
    """Mean loss over an epoch's clips; one that is no number makes it none.

    torchmetrics' own mean looks at each value for NaN, and so waits for the device at each step, and leaves
    such values out.
    """

    full_state_update = False
    total: Tensor
    clips: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("total", "clips"):
            self.add_state(name, default=torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, loss: Tensor, clips: int) -> None:
        """Add a step's mean loss over so many clips."""
        self.total += loss.to(self.total.dtype) * clips
        self.clips += clips

    def compute(self) -> Tensor:
        """The mean, a scalar."""
        return self.total / self.clips


class WindowScores(Metric):
    """Collects one row a window; a window that several processes saw counts once.

    Source: the unit of the published numbers is the video, the mean of its windows; averaging batches
    instead, as the release does, overweights a short last batch.

    Args:
        outputs: Values that the network gives a window.
    """

    full_state_update = False
    rows: list[Tensor]

    def __init__(self, outputs: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.outputs = outputs
        self.add_state("rows", default=[], dist_reduce_fx="cat")

    def update(self, recording: Tensor, window: Tensor, target: Tensor, output: Tensor) -> None:
        """Add windows.

        Args:
            recording: Index of the recording in its partition's table, shape ``(N,)``.
            window: Number of the window in its recording, shape ``(N,)``.
            target: Score in points or class, NaN where unknown, shape ``(N,)``.
            output: The network's raw output, shape ``(N, outputs)``.
        """
        keys = torch.stack([recording.float(), window.float(), target.float()], 1)
        self.rows.append(torch.cat([keys, output.detach().float()], 1))

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather all processes' rows; one that saw no window contributes an empty table, not a crash."""
        if not self.rows:
            self.rows.append(torch.full((1, 3 + self.outputs), -1.0, device=self.device))
        super().sync(*args, **kwargs)

    def compute(self) -> Tensor:
        """All windows once, in order.

        Returns:
            Rows ``(recording, window, target, outputs...)`` by recording and window, ``(N, 3 + outputs)``.
        """
        if isinstance(self.rows, list) and not self.rows:  # gathered from several processes it is one tensor
            return torch.zeros(0, 3 + self.outputs, device=self.device)
        rows = dim_zero_cat(self.rows)
        rows = rows[rows[:, 0] >= 0]
        key = rows[:, 0].double() * 2**26 + rows[:, 1].double()
        order = key.argsort(stable=True)
        key, rows = key[order], rows[order]
        first = torch.ones(len(key), dtype=torch.bool, device=key.device)
        first[1:] = key[1:] != key[:-1]
        return rows[first]


def recording_means(rows: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """Average a value over the windows of each recording.

    Args:
        rows: What `WindowScores.compute` returns, shape ``(N, 3 + outputs)``.
        values: One row a window, shape ``(N, C)``.

    Returns:
        The recordings' targets, shape ``(R,)``, and means, shape ``(R, C)``, in order of recording.
    """
    _, group, counts = torch.unique(rows[:, 0], return_inverse=True, return_counts=True)
    sums = torch.zeros(len(counts), values.shape[1], dtype=torch.float64, device=rows.device)
    sums.index_add_(0, group, values.double())
    targets = torch.zeros(len(counts), dtype=rows.dtype, device=rows.device)
    targets[group] = rows[:, 2]
    return targets, sums / counts[:, None]


def recording_scores(rows: Tensor, score_range: Sequence[float], clip: str) -> tuple[Tensor, Tensor]:
    """The score of each recording in points.

    Args:
        rows: What `WindowScores.compute` returns with one output.
        score_range: Lowest and highest score.
        clip: ``window``: each window's output is clipped at 0 before the mean, as the authors do;
            ``recording``: the mean is clipped to the range, as the replication did.

    Returns:
        Targets and scores, each of shape ``(R,)``.
    """
    low, high = score_range
    outputs = rows[:, 3:4]
    targets, means = recording_means(rows, outputs.clamp(min=0) if clip == "window" else outputs)
    scores = low + means[:, 0] * (high - low)
    return targets, scores if clip == "window" else scores.clamp(low, high)
