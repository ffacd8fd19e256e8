"""Development every so many epochs: each epoch has its row all the same, and the last one its score."""

import lightning as L

from stan_lightning.logging.metrics_table import MetricsTable


def scored(trainer: L.Trainer) -> bool:
    """Whether this epoch ends with development's score."""
    return (trainer.current_epoch + 1) % (trainer.check_val_every_n_epoch or 1) == 0


class Interval(L.Callback):
    """Writes the row of an epoch without development, and sees to it that the last epoch is no such one.

    An epoch with development logs its row there. Stands before the callbacks that read what was logged.
    """

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Score the last epoch whatever the interval."""
        if trainer.current_epoch + 1 == trainer.max_epochs:
            trainer.check_val_every_n_epoch = 1

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Log the epoch's training, and put its row on disk before ``last.ckpt``: Lightning comes after."""
        if scored(trainer):
            return
        pl_module.log_training()  # type: ignore[operator]
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        row = {name: value for name, value in values.items() if not name.startswith("val/")}
        for logger in trainer.loggers:
            if isinstance(logger, MetricsTable):
                logger.log_metrics(row | {"epoch": trainer.current_epoch}, trainer.global_step - 1)
                logger.save()
