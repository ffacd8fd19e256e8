"""The authors' released weights in place of a checkpoint; nothing is known of their training."""

from pathlib import Path

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.evaluation.baselines import TrainingSessions
from stan_lightning.evaluation.trained import OF_THE_MACHINE, RECORD, Trained
from stan_lightning.network.encoder import Single
from stan_lightning.network.weights import load_released
from stan_lightning.training.module import StanModule


def load_into(module: StanModule, path: str | Path) -> None:
    """Load released weights into a module's network.

    Raises:
        InputError: The network is not the published one, or the weights do not fit it.
    """
    network = module.network
    if (
        not isinstance(network, Single)
        or network.modalities != ("face",)
        or not getattr(network.encoder, "released", False)
    ):
        raise InputError(
            "weights= takes the published network's: leave model= as it is, or give a checkpoint"
        )
    load_released(network, path)


def open_released(path: str | Path, module: StanModule, data: CropDataModule) -> Trained:
    """Released weights as a checkpoint would tell of them.

    Args:
        path: The state dict.
        module: The published network, built with the arguments that the weights were made with.
        data: How its clips are read; not set up, and its recordings are not looked for.

    Raises:
        InputError: As for `load_into`.
    """
    load_into(module, path)
    record = {name: data.hparams[name] for name in RECORD}
    arguments = {**data.hparams, **OF_THE_MACHINE}
    return Trained(module.eval(), arguments, record, TrainingSessions.from_rows([]), crops={})
