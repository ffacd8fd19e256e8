"""In which precision development windows are scored, and the chosen checkpoint's score in float32."""

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging
from lightning.pytorch.plugins.precision import Precision

from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.network import checkpoint_file

SETTINGS = ("auto", "32")


def in_sixteen_bits(setting: str | int, trainer: L.Trainer) -> bool:
    """Whether development windows are scored in 16 bits while training.

    Args:
        setting: One of `SETTINGS`. "auto" scores in training's precision on a GPU, where float32 would take
            several times as long as the training, and in float32 on a CPU.
        trainer: Knows training's precision and device.
    """
    precision = str(trainer.precision)
    if precision in ("16-true", "bf16-true"):  # such weights have no other precision
        return True
    on_cpu = trainer.strategy.root_device.type == "cpu"
    return precision.endswith("mixed") and str(setting) == "auto" and not on_cpu


def score_in_float32(trainer: L.Trainer, module: L.LightningModule, data: CropDataModule, path: str) -> float:
    """What a checkpoint scores on development in float32, as evaluation would say.

    Args:
        trainer: The one that trained; all its processes have to come here. It trains no more after this.
        module: The one that was trained; it takes the checkpoint's weights.
        data: The crops.
        path: Of the checkpoint.

    Returns:
        The monitored metric.
    """
    module.float()
    module.load_state_dict(checkpoint_file.load(path)["state_dict"])
    trainer.strategy.precision_plugin = Precision()
    # They would validate their last average in the place of these weights.
    trainer.callbacks = [one for one in trainer.callbacks if not isinstance(one, WeightAveraging)]  # type: ignore[attr-defined]
    trainer.validate(module, datamodule=data, verbose=False)
    best = trainer.checkpoint_callback
    assert isinstance(best, L.pytorch.callbacks.ModelCheckpoint) and best.monitor
    found = {**trainer.callback_metrics, **module.scores_in_float32}  # type: ignore[dict-item]
    return float(found[best.monitor])
