"""What the dashboard shows beside curves: the development scatter, and more where it was asked for."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

import lightning as L
import numpy as np
import numpy.typing as npt
import wandb
from matplotlib.figure import Figure

from stan_lightning.data.crops import open_crops
from stan_lightning.logging.dashboard import Dashboard

FACES = 8


class DashboardPictures(L.Callback):
    """Draws at each epoch with the lowest development MAE so far.

    ``val/scatter`` is a picture of points without names. ``val/recordings`` (a table by name) and
    ``faces`` (one crop of some development recordings, without names) are sent only with the flags of
    `Dashboard`.
    """

    def __init__(self) -> None:
        self.best = float("inf")

    def state_dict(self) -> dict[str, Any]:
        """The best value so far goes into the checkpoint."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """A resumed run draws what an undisturbed one would."""
        self.best = state_dict["best"]

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Let the dashboard's tables show each run's best epoch, and send faces if asked to."""
        for dashboard in _dashboards(trainer):
            dashboard.experiment.define_metric("val/mae", step_metric="trainer/global_step", summary="min")
            if dashboard.faces:
                data: Any = trainer.datamodule  # type: ignore[attr-defined]
                seen = data.tables["dev"].loc[data.tables["dev"].pictures, "crops"]
                crops = [open_crops(path) for path in seen[:FACES]]
                pictures = [wandb.Image(one.image(len(one.frames) // 2)) for one in crops]
                dashboard.experiment.log({"faces": pictures})

    def on_validation_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Draw where the epoch is the best so far."""
        mae = float(trainer.callback_metrics.get("val/mae", float("inf")))
        if trainer.sanity_checking or trainer.state.fn != "fit" or not mae < self.best:
            return
        self.best = mae
        targets, scores = (values.cpu().numpy() for values in pl_module.development)  # type: ignore[union-attr]
        for dashboard in _dashboards(trainer):
            low, high = pl_module.hparams["data"]["score_range"]
            shown: dict[str, Any] = {"val/scatter": wandb.Image(scatter(targets, scores, (low, high)))}
            if dashboard.recordings:
                table = trainer.datamodule.tables["dev"].dropna(subset=["label"])  # type: ignore[attr-defined]
                rows: list[Iterable[Any]] = [
                    row for row in zip(table.recording, targets.tolist(), scores.tolist(), strict=True)
                ]
                shown["val/recordings"] = wandb.Table(["recording", "label", "prediction"], rows)
            dashboard.log_metrics(shown, trainer.global_step)


def _dashboards(trainer: L.Trainer) -> list[Dashboard]:
    """This process's dashboards; only the first process has any."""
    if not trainer.is_global_zero:
        return []
    return [logger for logger in trainer.loggers if isinstance(logger, Dashboard)]


def scatter(
    targets: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], score_range: Sequence[float]
) -> npt.NDArray[np.uint8]:
    """Picture of scores over labels.

    Args:
        targets: Labels in points, shape ``(R,)``.
        scores: Predictions in points, shape ``(R,)``.
        score_range: Lowest and highest score; the axes' range.

    Returns:
        RGB, shape ``(H, W, 3)``.
    """
    figure = Figure(figsize=(4, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot(score_range, score_range, color="0.7", linewidth=1)
    axes.scatter(targets, scores, s=14, alpha=0.7)
    axes.set(xlim=score_range, xlabel="label", ylabel="prediction", title="development recordings")
    pixels = io.BytesIO()
    figure.savefig(pixels, format="rgba")
    return np.frombuffer(pixels.getvalue(), np.uint8).reshape(400, 400, 4)[..., :3].copy()
