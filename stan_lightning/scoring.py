"""Every window of a partition through the network once."""

from collections.abc import Callable

import lightning as L
import pandas as pd
import torch
from torch import Tensor

from preprocess.errors import InputError
from stan_lightning.datamodule import CropDataModule
from stan_lightning.evaluation import WINDOWS
from stan_lightning.module import StanModule
from stan_lightning.timeline import windows_table

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
        corrupt: Test-time corruption of float frames (`stan_lightning.inputs.network_input`).

    Returns:
        Columns `stan_lightning.evaluation.WINDOWS`, one row a window, no window twice.

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
