"""A run that becomes NaN ends there, and its checkpoints hold numbers."""

from collections.abc import Callable
from pathlib import Path

import torch

TINY = [
    *("data=folders", "model.features=2", "model.layers=[1,1,1,1]", "data.clip_frames=16"),
    *("data.image_size=32", "data.batch_size=2", "data.num_workers=0"),
]


def finite(checkpoint: Path) -> bool:
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    return all(bool(tensor.isfinite().all()) for tensor in state.values())


def test_a_run_that_becomes_nan_stops_and_keeps_the_weights_before(
    tmp_path: Path, make_crops: Callable[..., Path], train: Callable[..., tuple[int, str]]
) -> None:
    """A rate far too high spoils the first epoch; the start of the run is still in last.ckpt."""
    run = tmp_path / "run"
    folder = f"hydra.run.dir={run}"
    code, said = train(*TINY, f"data.root={make_crops()}", folder, "model.learning_rate=1e30")
    line = said.strip().splitlines()[-1]
    assert code == 2 and line.startswith("error: epoch 0: ") and "no number" in line
    assert f"python -m stan_lightning.train resume={run}" in line and "model.learning_rate" in line
    assert [file.name for file in (run / "checkpoints").iterdir()] == ["last.ckpt"]
    assert finite(run / "checkpoints" / "last.ckpt")
