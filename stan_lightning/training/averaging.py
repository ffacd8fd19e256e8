"""Averages of the weights over training: what is validated, chosen and saved."""

import lightning as L
from lightning.pytorch.callbacks import WeightAveraging

from stan_boundary.errors import InputError


class MeanFromEpoch(WeightAveraging):
    """Stochastic weight averaging: the mean of the weights after each step from an epoch on.

    Before that epoch the weights themselves are validated and saved, and from it on their mean, running
    statistics of batch normalisation included. Lightning's own `StochasticWeightAveraging` changes the
    weights after the last validation, so no score would be theirs.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI 2018.
    Differs: the mean is over steps, not over epochs, as an epoch is validated before it ends.

    Args:
        start_epoch: The first epoch, counted from 0, whose steps count.

    Raises:
        InputError: It is no whole number of at least 0.
    """

    def __init__(self, start_epoch: int) -> None:
        if type(start_epoch) is not int or start_epoch < 0:
            raise InputError(f"start_epoch={start_epoch}: a whole number from 0 on")
        super().__init__()
        self._start_epoch, self._has_started = start_epoch, False

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the mean with the epoch's first step."""
        self._has_started = trainer.current_epoch >= self._start_epoch
        if trainer.current_epoch == self._start_epoch:
            self._forget()

    def should_update(self, step_idx: int | None = None, epoch_idx: int | None = None) -> bool:
        """After every step; before the mean has started, each step takes the place of the one before."""
        if step_idx is not None and not self._has_started:
            self._forget()
        return step_idx is not None

    def _forget(self) -> None:
        assert self._average_model is not None
        self._average_model.n_averaged.zero_()  # so that the next update copies
