"""Every window of a partition through the network once."""

from collections.abc import Callable, Mapping, Sequence

import lightning as L
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.modalities import gate_column
from stan_lightning.evaluation.tables import WINDOWS
from stan_lightning.evaluation.timeline import windows_table
from stan_lightning.training.module import StanModule

Corruption = Callable[[Tensor], Tensor]


def score_windows(
    module: StanModule,
    data: CropDataModule,
    partition: str,
    trainer: L.Trainer,
    corrupt: Mapping[str, Corruption] | None = None,
    swapped: Mapping[str, Sequence[int]] | None = None,
    hidden: Sequence[str] = (),
) -> pd.DataFrame:
    """Score all windows of all recordings of a partition, labelled or not.

    Args:
        module: The network.
        data: The crops, set up.
        partition: Which recordings.
        trainer: Runs it, on whatever device; several processes give the rows of one.
        corrupt: Test-time corruptions by modality (`CropDataModule.corrupt`).
        swapped: By modality, which recording lends it to each (`CropDataModule.swapped`).
        hidden: Modalities that the network is not to see.

    Returns:
        Columns `stan_lightning.evaluation.tables.WINDOWS`, one row a window, no window twice; of a network
        that weighs its modalities also each one's gate, as `gate_column` names it.

    Raises:
        InputError: Where the partition holds nothing, or the network gives no number.
    """
    recordings = data.tables[partition]
    sources = data.sources(partition)
    data.evaluated, data.corrupt, data.swapped = partition, corrupt or {}, swapped or {}
    network = module.network
    network.hidden = tuple(hidden)
    try:
        trainer.test(module, datamodule=data, verbose=False)
    finally:
        data.corrupt, data.swapped = {}, {}
        network.hidden = ()
    found = module.test_rows
    rows = torch.cat([found[:, :2], module.objective.fraction(found[:, 3:])[:, None]], 1).double().cpu()
    if not torch.isfinite(rows).all():
        name = recordings["recording"].iloc[int(rows[~torch.isfinite(rows[:, 2])][0, 0])]
        raise InputError(
            f"{name}: the network's output is no finite number; training diverged, take another checkpoint"
        )
    table = windows_table(rows.numpy(), recordings, sources, data.hparams["clip_frames"])
    table = table[list(WINDOWS)]
    if module.test_gates is None:
        return table
    gates = module.test_gates.double().cpu().numpy()
    return table.assign(**{gate_column(one): gates[:, n] for n, one in enumerate(network.modalities)})


def recording_features(
    module: StanModule, data: CropDataModule, partition: str, trainer: L.Trainer, modality: str
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
        windows = score_windows(module, data, partition, trainer, hidden=others)
    finally:
        hook.remove()
    table = pd.DataFrame(torch.cat(kept).double().numpy())
    # One process scores windows in their order, so rows and windows correspond.
    assert len(table) == len(windows)
    return table.groupby(windows["recording"].to_numpy(), sort=False).mean().to_numpy()
