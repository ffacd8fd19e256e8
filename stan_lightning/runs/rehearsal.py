"""`trainer.fast_dev_run`: a batch through every part of a run, with nothing written."""

from pathlib import Path

import lightning as L


def rehearsal(trainer: L.Trainer) -> bool:
    """Whether this is one: Lightning then keeps no checkpoint and logs nothing."""
    return bool(trainer.fast_dev_run)  # type: ignore[attr-defined]


def rehearsed(run: Path, trainer: L.Trainer) -> float:
    """Say that it went well, and take away the folder that was made for it.

    Returns:
        The monitored metric on the few development windows that were read; it is worth nothing.
    """
    if trainer.is_global_zero:
        print(f"fast_dev_run: training and development went through; nothing was written to {run}")
        if run.is_dir() and not any(run.iterdir()):
            run.rmdir()
    best = trainer.checkpoint_callback
    assert isinstance(best, L.pytorch.callbacks.ModelCheckpoint) and best.monitor
    return float(trainer.callback_metrics[best.monitor])
