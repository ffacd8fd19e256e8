"""Whose scores are computed by which runtime."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir

from stan_boundary.configs import CONF
from stan_boundary.errors import InputError
from stan_lightning.evaluate import evaluate
from stan_lightning.evaluation.runtime import computed_by
from stan_lightning.network import STADRN, Single
from stan_lightning.network.onnx_network import OnnxNetwork
from stan_lightning.predict import predict


class Module(torch.nn.Module):
    """As much of a module as the runtime looks at."""

    def __init__(self) -> None:
        super().__init__()
        self.network = Single(STADRN(layers=(1, 1, 1, 1), features=2)).eval()


DATA = {"clip_frames": 8, "frame_stride": 3, "image_size": 32, "sound_s": None}
SMALL = [f"model.network.encoders.{name}.features=2" for name in ("face", "audio")]
SMALL += [f"model.network.encoders.{name}.layers=[1,1,1,1]" for name in ("face", "audio")]
TINY = ["data=manifest", "model=fusion", *SMALL, "data.clip_frames=16", "data.image_size=32"]
TINY += ["data.batch_size=2", "data.num_workers=0", "trainer.max_epochs=1"]
TINY += ["model.objective.start_at_mean=true", "model.optimizer.lr=1e-4"]


def composed(name: str, *given: str):
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose(name, ["trainer.accelerator=cpu", "+trainer.enable_progress_bar=false", *given])


def test_torch_is_the_module_itself_and_others_are_refused() -> None:
    module = Module()
    assert computed_by("torch", module, DATA) is module
    with pytest.raises(InputError, match="runtime=tensorrt is none of torch, onnx"):
        computed_by("tensorrt", module, DATA)
    with pytest.raises(InputError, match="whole recordings"):
        computed_by("onnx", module, DATA | {"clip_frames": None})


@pytest.mark.slow
def test_the_module_that_is_replaced_stays_as_it_is() -> None:
    module = Module()
    network = module.network
    found = computed_by("onnx", module, DATA)
    assert isinstance(found.network, OnnxNetwork) and module.network is network


@pytest.mark.slow
def test_predictions_and_evaluations_are_those_of_torch(
    tmp_path: Path, train: Callable[..., tuple[int, str]], make_voiced: Callable[..., Path]
) -> None:
    """A fusion, with a recording that lacks sound, through both commands."""
    crops = make_voiced()
    code, said = train(*TINY, f"data.root={crops}", f"hydra.run.dir={tmp_path / 'run'}")
    assert code == 0, said
    checkpoint = f"checkpoint={tmp_path / 'run' / 'checkpoints' / 'best.ckpt'}"
    for runtime in ("torch", "onnx"):
        given = [checkpoint, f"runtime={runtime}"]
        output = tmp_path / runtime
        evaluate(composed("evaluate", *given, f"output={output}"), given)
        asked = [f"video={crops}", "views=false"]
        predict(composed("predict", *given, *asked, f"output={output / 'p'}"), given)
    for name in ("predictions.csv", "p/predictions.csv"):
        one, other = (pd.read_csv(tmp_path / runtime / name) for runtime in ("torch", "onnx"))
        assert (one.prediction - other.prediction).abs().max() < 1e-4 and one.prediction.nunique() > 2
    with pytest.raises(InputError, match="identity_audit=true reads features"):
        evaluate(composed("evaluate", checkpoint, "runtime=onnx", "identity_audit=true"), [])
