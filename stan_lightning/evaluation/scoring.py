"""Every window of a partition through the network once."""

from collections.abc import Callable

import lightning as L
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.errors import InputError
from stan_lightning.evaluation.tables import WINDOWS
from stan_lightning.evaluation.timeline import windows_table
from stan_lightning.training.module import StanModule

Corruption = Callable[[Tensor], Tensor]


def score_windows(
    module: StanModule,
    data: CropDataModule,
    partition: str,
    trainer: L.Trainer,
    corrupt: Corruption | None = None,
) -> pd.DataFrame:
    """Score all windows of all recordings of a partition, labelled or not.

    Args:
        module: The network.
        data: The crops, set up.
        partition: Which recordings.
        trainer: Runs it, on whatever device; several processes give the rows of one.
        corrupt: Test-time corruption of float frames (`stan_lightning.data.inputs.network_input`).

    Returns:
        Columns `stan_lightning.evaluation.tables.WINDOWS`, one row a window, no window twice.

    Raises:
        InputError: Where the partition holds nothing, or the network gives no number.
    """
    recordings = data.tables[partition]
    sources = data.sources(partition)
    data.evaluated, data.corrupt = partition, corrupt
    trainer.test(module, datamodule=data, verbose=False)
    rows = module.test_rows[:, [0, 1, 3]].double().cpu()
    if not torch.isfinite(rows).all():
        name = recordings["recording"].iloc[int(rows[~torch.isfinite(rows[:, 2])][0, 0])]
        raise InputError(
            f"{name}: the network's output is no finite number; training diverged, take another checkpoint"
        )
    table = windows_table(rows.numpy(), recordings, sources, int(data.hparams["clip_frames"]))
    return table[list(WINDOWS)]


def recording_features(
    module: StanModule, data: CropDataModule, partition: str, trainer: L.Trainer
) -> NDArray[np.float64]:
    """What the network's last layer reads, mean over the windows of each recording: (R, D), in table order.

    Raises:
        InputError: Where several processes would each see a part.
    """
    if trainer.world_size > 1:
        raise InputError("features are gathered in one process: set trainer.devices=1")
    kept: list[Tensor] = []
    hook = module.network.fc.register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0].float().cpu()))
    try:
        windows = score_windows(module, data, partition, trainer)
    finally:
        hook.remove()
    table = pd.DataFrame(torch.cat(kept).double().numpy())
    # One process scores windows in their order, so rows and windows correspond.
    assert len(table) == len(windows)
    return table.groupby(windows["recording"].to_numpy(), sort=False).mean().to_numpy()
