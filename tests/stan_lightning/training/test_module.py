from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning as L
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from torch.overrides import TorchFunctionMode

from stan_boundary.errors import InputError
from stan_lightning.data.datamodule import CropDataModule, WindowBatch
from stan_lightning.runs.callbacks import GradientNorm
from stan_lightning.training.module import StanModule
from stan_lightning.training.parameter_groups import Layerwise

CONF = str(Path(__file__).resolve().parents[3] / "conf")


FACTS = {"score_range": [0, 63], "classes": None, "training_mean": 15.75}
FACTS |= {"columns": {}, "spans": {}, "moment_s": 0.1}
SMALL = ["data.clip_frames=16", "data.image_size=48", "data.batch_size=2", "data.num_workers=0"]


def composed(*overrides: str) -> Any:
    with initialize_config_dir(CONF, version_base="1.3"):
        return compose("train", list(overrides))


def make_module(*overrides: str, **facts: Any) -> StanModule:
    tiny = ["model.network.encoder.features=2", "model.network.encoder.layers=[1,1,1,1]"]
    module: StanModule = instantiate(composed(*tiny, *overrides).model, _convert_="all", data=FACTS | facts)
    return module


def started(module: StanModule, **trainer: Any) -> StanModule:
    module._trainer = SimpleNamespace(ckpt_path=None, **trainer)
    module.on_fit_start()
    return module


@pytest.mark.parametrize("bounded", [False, True])
def test_the_head_can_start_at_the_training_mean(bounded: bool) -> None:
    module = started(make_module("model.objective.start_at_mean=true", f"model.network.bounded={bounded}"))
    assert module.eval()({"face": torch.randn(1, 3, 8, 32, 32)}, {}).item() * 63 == pytest.approx(
        15.75, abs=1e-4
    )


def test_exact_recipes_start_from_torchs_bias() -> None:
    torch.manual_seed(0)
    module = make_module()
    before = module.network.head.bias.clone()
    assert torch.equal(started(module).network.head.bias, before)


def test_a_network_can_start_from_another_ones_weights_but_for_the_head(tmp_path: Path) -> None:
    donor = make_module("model/objective=classes", score_range=None, classes=["a", "b"])
    torch.save({"state_dict": donor.state_dict(), "hyper_parameters": {}}, tmp_path / "donor.ckpt")
    module = make_module(f"model.init_weights={tmp_path}/donor.ckpt")
    module.print = lambda line: lines.append(line)  # type: ignore[method-assign]
    lines: list[str] = []
    started(module)
    assert torch.equal(module.network.encoder.conv_1.weight, donor.network.encoder.conv_1.weight)
    assert module.network.head.weight.shape[0] == 1
    assert len(lines) == 1 and "donor.ckpt" in lines[0]


@pytest.mark.parametrize(
    ("setting", "device", "precision", "expected"),
    [
        ("auto", "cpu", "bf16-mixed", torch.float32),
        ("auto", "cuda", "16-mixed", torch.bfloat16),
        ("32", "cuda", "16-mixed", torch.float32),
    ],
)
def test_development_is_scored_in_training_s_precision_on_a_gpu_alone(
    setting: str, device: str, precision: str, expected: torch.dtype
) -> None:
    module = make_module(f"model.validation_precision={setting}").eval()
    strategy = SimpleNamespace(root_device=torch.device(device))
    state = SimpleNamespace(fn="fit")
    module._trainer = SimpleNamespace(state=state, strategy=strategy, precision=precision)
    seen = []
    module.network.register_forward_hook(lambda *args: seen.append(args[2].dtype))
    face = {"face": torch.randn(2, 3, 8, 32, 32)}
    batch = WindowBatch(face, {}, torch.ones(2), torch.arange(2), torch.zeros(2))
    with torch.autocast("cpu", torch.bfloat16), torch.no_grad():
        module.network(batch.inputs["face"])
        module.validation_step(batch, 0)
        state.fn = "validate"
        module.validation_step(batch, 0)
    assert seen == [torch.bfloat16, expected, torch.float32]


class Waits(TorchFunctionMode):
    """Counts what brings numbers from the host to a device while a step runs."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        made = func in (torch.tensor, torch.as_tensor) and str(given.get("device", "cpu")) != "cpu"
        out = func(*args, **given)
        moved = func is torch.Tensor.to and args[0].device != out.device
        if made or moved:
            self.found.append(func.__name__)
        return out


@pytest.mark.parametrize("recompute", [False, True])
def test_a_step_does_not_wait_for_the_device(make_crops: Callable[..., Path], recompute: bool) -> None:
    """The step runs on a device whose tensors hold nothing, so that whatever reads a number there fails."""
    data: CropDataModule = instantiate(composed(f"data.root={make_crops()}", *SMALL).data, _convert_="all")
    data.setup("fit")
    data.trainer = L.Trainer(logger=False, barebones=True)
    device = torch.device("meta")
    module = make_module(f"model.network.encoder.recompute={recompute}").to(device)
    norm = GradientNorm()
    norm.on_train_epoch_start(None, module)  # type: ignore[arg-type] # it is not looked at
    first, second = list(data.train_dataloader())[:2]
    for number, clips in enumerate((first, second)):
        moved = data.transfer_batch_to_device(clips, device, 0)
        assert moved.inputs["face"].device == device and moved.draws["picture"].factors.device.type == "cpu"
        with Waits() as waits:
            batch = data.on_after_batch_transfer(moved, 0)
            module.training_step(batch, 0).backward()
            norm.on_before_optimizer_step(None, module, None)  # type: ignore[arg-type] # nor this
        assert not waits.found or number == 0, waits.found  # constants are brought there once
    assert len(norm.norms) == 2 and module.train_loss.clips.device == device


def test_what_waits_for_the_device_is_seen() -> None:
    """The two ways in which a step has done so."""
    numbers = torch.zeros(3, device="meta")
    for read in (numbers.tolist, numbers.nonzero, lambda: bool(numbers[0]), lambda: numbers[numbers > 0]):
        with pytest.raises((RuntimeError, NotImplementedError)):
            read()
    with Waits() as waits:
        torch.tensor([0.5], device="meta")
        torch.zeros(1).to("meta")
    assert waits.found == ["tensor", "to"]


def test_a_checkpoint_of_primitives_loads_by_itself() -> None:
    module = make_module("model.network.encoder.k=1")
    again = StanModule(**module.hparams)
    again.load_state_dict(module.state_dict())
    clip = {"face": torch.randn(1, 3, 8, 32, 32)}
    assert torch.equal(module.eval()(clip, {}), again.eval()(clip, {}))


def test_any_optimiser_and_schedule_of_torch_can_be_taken() -> None:
    groups = "stan_lightning.training.parameter_groups.EncoderApart"
    module = make_module(
        *("model.optimizer._target_=torch.optim.AdamW", "+model.optimizer.weight_decay=0.1"),
        *(f"+model.optimizer.params={{_target_: {groups}, lr: 1e-4}}", "model/scheduler=one_cycle"),
        "model.scheduler.max_lr=[0.01,0.001]",
    )
    module._trainer = SimpleNamespace(estimated_stepping_batches=10)
    made = module.configure_optimizers()
    optimizer, how = made["optimizer"], made["lr_scheduler"]
    assert isinstance(optimizer, torch.optim.AdamW) and how["interval"] == "step"
    assert len(optimizer.param_groups[0]["params"]) == 2, "weight and bias of the head"
    assert sum(len(group["params"]) for group in optimizer.param_groups) == len([*module.parameters()])
    rates = []
    for _ in range(10):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        how["scheduler"].step()
    assert max(one for one, _ in rates) == pytest.approx(0.01, rel=0.2)
    assert all(one == pytest.approx(10 * other) for one, other in rates)


def test_rates_fall_from_layer_to_layer_and_no_parameter_is_left_out() -> None:
    network = make_module().network
    network.encoder.token = torch.nn.Parameter(torch.zeros(3))
    groups = Layerwise(lr=1.0, decay=0.5)(network)
    rates = {id(one): group["lr"] for group in groups for one in group["params"]}
    assert rates.keys() == {id(one) for one in network.parameters()}
    stages = [network.encoder.get_submodule(f"layer_{place}.conv1") for place in ("4.1", "4.0", "3.1", "1.0")]
    order = [network.head, *stages, network.encoder.conv_1]
    assert [rates[id(one.weight)] for one in order][:3] == [1.0, 0.5, 0.25]
    found = [rates[id(one.weight)] for one in order]
    assert found == sorted(found, reverse=True) and rates[id(network.encoder.token)] == min(rates.values())


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["model.optimizer._target_=torch.optim.Adamm"], r"did you mean Adam"),
        (
            ["+model.optimizer.lrr=1"],
            r"optimizer\.lrr: torch\.optim\.Adam takes no lrr; did you mean lr",
        ),
        (["model.scheduler.interval=day"], r"model\.scheduler\.interval=day is none of epoch, step"),
        (["model.objective={}", "~model.objective._target_"], r"model\.objective has no _target_"),
    ],
)
def test_what_cannot_be_composed_is_refused_in_one_line(overrides: list[str], said: str) -> None:
    with pytest.raises(Exception, match=said) as caught:
        make_module(*overrides)
    assert isinstance(caught.value.__cause__, InputError)


def test_a_network_that_the_objective_cannot_read_is_refused_with_both_shapes() -> None:
    module = make_module()
    module.network.head = torch.nn.Linear(module.network.encoder.width, 3)
    with pytest.raises(InputError, match=r"shape \(2, 3\), and model\.objective reads \(2, 1\)"):
        module({"face": torch.randn(2, 3, 8, 32, 32)}, {})


@pytest.mark.parametrize(
    "key",
    [
        *("objective.unit", "objective.clip_scores", "network.encoder.attention", "network.encoder.norm"),
        *("network.encoder.memory_format", "validation_precision"),
    ],
)
def test_a_choice_that_does_not_exist_is_named_with_those_that_do(key: str) -> None:
    with pytest.raises(Exception, match=f"{key.split('.')[-1]}.*wrong") as caught:
        make_module(f"model.{key}=wrong")
    causes = [caught.value, caught.value.__cause__]
    assert any(isinstance(cause, InputError) for cause in causes)
