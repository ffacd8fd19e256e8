from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from stan_lightning.data.datamodule import WindowBatch
from stan_lightning.errors import InputError
from stan_lightning.training.module import StanModule

CONF = str(Path(__file__).resolve().parents[3] / "conf")


def make_module(*overrides: str, **more: Any) -> StanModule:
    tiny = ["model.features=2", "model.layers=[1,1,1,1]"]
    with initialize_config_dir(CONF, version_base="1.3"):
        config = compose("train", [*tiny, *overrides])
    module: StanModule = instantiate(config.model, _convert_="all", **more)
    return module


def started(module: StanModule, **trainer: Any) -> StanModule:
    module._trainer = SimpleNamespace(ckpt_path=None, **trainer)
    module.on_fit_start()
    return module


@pytest.mark.parametrize("bounded", [False, True])
def test_the_head_can_start_at_the_training_mean(bounded: bool) -> None:
    data = SimpleNamespace(training_mean=15.75)
    module = started(make_module("model.start_at_mean=true", f"model.bounded={bounded}"), datamodule=data)
    assert module.eval()({"face": torch.randn(1, 3, 8, 32, 32)}, {}).item() * 63 == pytest.approx(
        15.75, abs=1e-4
    )


def test_exact_recipes_start_from_torchs_bias() -> None:
    torch.manual_seed(0)
    module = make_module()
    before = module.network.fc.bias.clone()
    assert torch.equal(started(module).network.fc.bias, before)


def test_a_network_can_start_from_another_ones_weights_but_for_the_head(tmp_path: Path) -> None:
    donor = make_module(classes=["a", "b"])
    torch.save({"state_dict": donor.state_dict(), "hyper_parameters": {}}, tmp_path / "donor.ckpt")
    module = make_module(f"model.init_weights={tmp_path}/donor.ckpt")
    module.print = lambda line: lines.append(line)  # type: ignore[method-assign]
    lines: list[str] = []
    started(module)
    assert torch.equal(module.network.conv_1.weight, donor.network.conv_1.weight)
    assert module.network.fc.weight.shape[0] == 1
    assert len(lines) == 1 and "donor.ckpt" in lines[0]


def test_validation_is_float32_whatever_the_precision_of_training() -> None:
    module = make_module().eval()
    module._trainer = SimpleNamespace()
    seen = []
    module.network.register_forward_hook(lambda *args: seen.append(args[2].dtype))
    face = {"face": torch.randn(2, 3, 8, 32, 32)}
    batch = WindowBatch(face, {}, torch.ones(2), torch.arange(2), torch.zeros(2))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        module.network(batch.inputs["face"])
        module.validation_step(batch, 0)
    assert seen == [torch.bfloat16, torch.float32]


def test_a_checkpoint_of_primitives_loads_by_itself() -> None:
    module = make_module("model.k=1")
    again = StanModule(**module.hparams)
    again.load_state_dict(module.state_dict())
    clip = {"face": torch.randn(1, 3, 8, 32, 32)}
    assert torch.equal(module.eval()(clip, {}), again.eval()(clip, {}))


def test_a_checkpoint_from_before_networks_had_arguments_of_their_own_loads() -> None:
    module = make_module("model.k=1")
    record = {name: value for name, value in module.hparams.items() if name not in ("network", "optimiser")}
    flat = record | dict(module.hparams["network"]) | dict(module.hparams["optimiser"])
    del flat["name"]
    again = StanModule.from_record(flat)
    again.load_state_dict(module.state_dict())
    assert again.hparams == module.hparams
    del flat["seed"]
    with pytest.raises(TypeError, match="seed"):
        StanModule.from_record(flat)
    with pytest.raises(InputError, match=r"model\.colour means nothing to model\.name=sta_drn"):
        StanModule.from_record(flat | {"seed": 0, "colour": "red"})


@pytest.mark.parametrize("key", ["objective", "loss", "clip_scores", "attention", "norm"])
def test_a_choice_that_does_not_exist_is_named_with_those_that_do(key: str) -> None:
    with pytest.raises(Exception, match=f"{key}.*wrong") as caught:
        make_module(f"model.{key}=wrong")
    causes = [caught.value, caught.value.__cause__]
    assert any(isinstance(cause, InputError) for cause in causes)
