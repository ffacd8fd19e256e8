"""A trained network in three lines of Python.

from stan_lightning import Model

model = Model.load("models/face")
print(model.predict("my.mp4"))
"""

import tempfile
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from hydra.utils import instantiate
from omegaconf import OmegaConf

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.evaluation.runtime import computed_by
from stan_lightning.evaluation.scoring import score_windows
from stan_lightning.evaluation.trained import Trained, open_checkpoint
from stan_lightning.prediction.answers import answers, columns
from stan_lightning.prediction.prepared import Reading, prepare
from stan_lightning.runs.quiet import quiet
from stan_lightning.sharing.folder import open_model
from stan_lightning.sharing.hub import local


class Model:
    """A trained network that scores recordings.

    Attributes:
        trained: The network, how it reads clips, and what is known of its training.
    """

    def __init__(self, trained: Trained) -> None:
        self.trained = trained

    @classmethod
    def load(cls, source: str | Path, trust: Collection[str] = ()) -> "Model":
        """Open a model folder, a model of the hub, or a run's checkpoint; no code in it is run.

        Args:
            source: A model folder, ``user/name`` on the hub, a run's folder, or one of its checkpoints.
            trust: Packages besides this project, torch and Lightning whose classes it may name.

        Raises:
            InputError: It is missing, damaged, or names what is not allowed.
        """
        best = Path(source) / "checkpoints" / "best.ckpt"
        if Path(source).is_file() or best.is_file():
            trained = open_checkpoint(best if best.is_file() else source, trust)
        else:
            trained = open_model(local(str(source)), trust)
        return cls(trained)

    def predict(
        self,
        recordings: str | Path,
        *,
        keep_crops: str | Path | None = None,
        signals: Mapping[str, str | Path] | None = None,
        crops: Mapping[str, Any] | None = None,
        runtime: str | None = None,
        shortest: float | None = None,
        batch_size: int | None = None,
        num_workers: int | None = None,
    ) -> pd.DataFrame:
        """Score recordings; what is None is as in ``conf/predict.yaml``, which says what each means.

        Args:
            recordings: A video or sound, a folder of them, or crops.
            keep_crops: Folder for the crops of videos, which are otherwise deleted at the end.
            signals: Folders of signals that do not lie beside the crops.
            crops: How a video is cropped: align, crop_size, max_gap_s, model_path.
            runtime: ``torch`` or ``onnx``.
            shortest: Least share of a clip's frames that a recording must have.
            batch_size: Windows scored at once.
            num_workers: Processes that read crops.

        Returns:
            Columns `stan_lightning.prediction.answers.columns`, a row a recording: the score in points; the
            bounds that hold 9 of 10 new people's labels (NaN where the network knows none, see
            `stan_lightning.training.conformal`); the standard deviation of its windows' scores in points (no
            interval of the score), how many windows, and, where it could not be scored, why; then there is
            no score. Of classes the likeliest one (`predicted`) and each one's probability stand in place of
            score and bounds. A warning names each recording that was not scored, or scored without one of
            its modalities.

        Raises:
            InputError: None of them can be scored.
        """
        quiet()
        asked = dict(signals=signals, runtime=runtime, shortest=shortest, batch_size=batch_size)
        asked |= dict(num_workers=num_workers)
        settings = OmegaConf.to_container(OmegaConf.load(Path(CONF) / "predict.yaml"))
        assert isinstance(settings, dict)
        settings |= {name: value for name, value in asked.items() if value is not None}
        if unknown := sorted(set(crops or {}) - set(settings["crops"])):
            raise InputError(f"crops: {unknown[0]} is none of {', '.join(settings['crops'])}")
        reading = Reading(
            **{name: settings[name] for name in ("shortest", "batch_size", "num_workers", "signals")},
            crops={**settings["crops"], **(crops or {})},
        )
        module = computed_by(settings["runtime"], self.trained.module, self.trained.data)
        trainer = instantiate(
            OmegaConf.load(Path(CONF) / "trainer" / "inference.yaml"), enable_progress_bar=False
        )
        with tempfile.TemporaryDirectory() as made:
            home = Path(keep_crops or made)
            prepared = prepare(self.trained, Path(recordings), home, reading, _warn)
            windows = score_windows(module, prepared.data, prepared.recordings, trainer)
        scored = answers(windows, prepared.recordings, self.trained)
        others = pd.DataFrame(list(prepared.refusals.items()), columns=["recording", "reason"])
        table = pd.concat([scored.assign(reason=""), others.assign(n_windows=0)], ignore_index=True)
        return table[list(columns(self.trained))].astype({"n_windows": int})


def _warn(line: str) -> None:
    warnings.warn(line, stacklevel=4)
