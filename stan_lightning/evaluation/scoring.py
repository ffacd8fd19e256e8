"""Every window of some recordings through a network once."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import lightning as L
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.dataset import Window, WindowBatch
from stan_lightning.evaluation.modalities import gate_column
from stan_lightning.evaluation.timeline import probability_column, windows_table
from stan_lightning.network.precision import single_precision
from stan_lightning.training.metrics import WindowScores
from stan_lightning.training.module import StanModule
from stan_lightning.training.objective import Objective

Corruption = Callable[[Tensor], Tensor]


def score_windows(
    module: StanModule,
    data: CropDataModule,
    recordings: pd.DataFrame,
    trainer: L.Trainer,
    corrupt: Mapping[str, Corruption] | None = None,
    swapped: Mapping[str, Sequence[int]] | None = None,
    hidden: Sequence[str] = (),
) -> pd.DataFrame:
    """Score all windows of recordings, labelled or not.

    Args:
        module: The network.
        data: How clips are read.
        recordings: Rows of the data's tables.
        trainer: Runs it, on whatever device; several processes give the rows of one.
        corrupt: By modality, what is done to its network input on the device.
        swapped: By modality, the number of the recording that lends it to each.
        hidden: Modalities that the network is not to see.

    Returns:
        Columns `stan_lightning.evaluation.tables.WINDOWS`, one row a window, no window twice; of a network
        that tells classes their probabilities in place of `output`, as `probability_column` names them; of
        one that weighs its modalities also each one's gate, as `gate_column` does.

    Raises:
        InputError: Where there are no recordings, or the network gives no number.
    """
    sources = data.sources(recordings)
    windows = partial(data.windows, recordings, swapped=swapped or {})
    scorer = _Scorer(module, windows, partial(data.window_batch, corrupt=corrupt or {}), hidden)
    trainer.test(scorer, verbose=False)
    classes = module.hparams["data"]["classes"]
    outputs, columns = _told(module.objective, scorer.rows[:, 3:], classes)
    rows = torch.cat([scorer.rows[:, :2], outputs], 1).double().cpu()
    if not torch.isfinite(rows).all():
        name = recordings["recording"].iloc[int(rows[~torch.isfinite(rows).all(1)][0, 0])]
        raise InputError(
            f"{name}: the network's output is no finite number; training diverged, take another checkpoint"
        )
    table = windows_table(rows.numpy(), recordings, sources, data.hparams["clip_frames"], columns)
    if scorer.gates is None:
        return table
    gates = scorer.gates.double().cpu().numpy()
    parts = enumerate(module.network.modalities)
    return table.assign(**{gate_column(name): gates[:, number] for number, name in parts})


def _told(objective: Objective, output: Tensor, classes: Sequence[str] | None) -> tuple[Tensor, list[str]]:
    """What windows say, (N, K), and its columns: the score's fraction, or a probability of each class."""
    if classes is None:
        return objective.fraction(output)[:, None], ["output"]
    found = objective.probabilities(output)
    if found.shape[1] != len(classes):
        raise InputError(
            f"model.objective gives {found.shape[1]} probabilities, and the labels are {len(classes)} classes"
        )
    return found, [probability_column(name) for name in classes]


class _Scorer(L.LightningModule):
    """Runs a network over windows and keeps what it gives.

    Attributes:
        rows: `WindowScores.compute`, ``(N, 3 + outputs)``.
        gates: Weights of the modalities in the same windows, ``(N, M)``; None where there are none.
    """

    def __init__(
        self,
        module: StanModule,
        windows: Callable[..., DataLoader[Window]],
        ready: Callable[[Window], WindowBatch],
        hidden: Sequence[str],
    ) -> None:
        super().__init__()
        self.module = module
        self._windows, self._ready, self._hidden = windows, ready, hidden
        self._outputs = WindowScores(module.objective.outputs)
        self._gates = WindowScores(len(module.network.modalities))

    def test_dataloader(self) -> DataLoader[Window]:
        """This process's windows."""
        return self._windows(rank=self.trainer.global_rank, processes=self.trainer.world_size)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> WindowBatch:
        """Make the network's inputs on the device."""
        return self._ready(batch)

    def test_step(self, batch: WindowBatch, batch_idx: int) -> None:
        """Keep outputs in float32."""
        nothing = torch.zeros(len(batch.recording), dtype=torch.bool, device=self.device)
        present = {**batch.present, **dict.fromkeys(self._hidden, nothing)}
        with single_precision(self.device.type):
            output = self.module(batch.inputs, present)
        self._outputs.update(batch.recording, batch.window, batch.target, output)
        gates = self.module.network.gates
        if gates is not None:
            self._gates.update(batch.recording, batch.window, batch.target, gates)

    def on_test_epoch_end(self) -> None:
        """Gather what all processes saw."""
        self.rows = self._outputs.compute()
        weighed = self.module.network.gates is not None
        self.gates = self._gates.compute()[:, 3:] if weighed else None


def recording_features(
    module: StanModule, data: CropDataModule, recordings: pd.DataFrame, trainer: L.Trainer, modality: str
) -> NDArray[np.float64]:
    """What the last layer reads of one modality alone, mean over windows: (R, D), in the table's order.

    Raises:
        InputError: Where several processes would each see a part.
    """
    if trainer.world_size > 1:
        raise InputError("features are gathered in one process: set trainer.devices=1")
    network = module.network
    others = [name for name in network.modalities if name != modality]
    head = network.heads[network.modalities.index(modality) if len(network.heads) > 1 else 0]
    kept: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].float().cpu()))
    try:
        windows = score_windows(module, data, recordings, trainer, hidden=others)
    finally:
        hook.remove()
    table = pd.DataFrame(torch.cat(kept).double().numpy())
    # One process scores windows in their order, so rows and windows correspond.
    assert len(table) == len(windows)
    return table.groupby(windows["recording"].to_numpy(), sort=False).mean().to_numpy()
