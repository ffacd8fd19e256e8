"""Weights go in and out without loss, and what does not fit is told in one line."""

import pickle
import runpy
from pathlib import Path

import pytest
import torch
from torch import Tensor

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.attention import ATTENTIONS
from stan_lightning.network.weights import load_released, load_weights, save_released

PLAIN = Path(__file__).parents[3] / "benchmarks" / "plain_network.py"
PlainSTADRN = runpy.run_path(str(PLAIN))["PlainSTADRN"]
SMALL = {"layers": (1, 1, 1, 1), "features": 4}


def released(attention: str = "sta_af", **arguments: object) -> dict[str, Tensor]:
    """Weights under the authors' names, every tensor unlike every other, the two branches' counters too."""
    torch.manual_seed(0)
    state = PlainSTADRN(attention, **SMALL | arguments).state_dict()
    for count, (name, tensor) in enumerate(state.items()):
        if tensor.dtype == torch.long:
            tensor.fill_(count)
        elif "running_var" in name:
            tensor.uniform_(0.5, 2)
        else:
            tensor.normal_()
    return state


def line(error: pytest.ExceptionInfo[InputError]) -> str:
    """The message, which must be one line."""
    message = str(error.value)
    assert "\n" not in message and isinstance(error.value, ValueError)
    return message


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("k", [1, 2, 4])
def test_round_trip_is_bit_identical(tmp_path: Path, attention: str, k: int) -> None:
    state = released(attention, k=k)
    torch.save(state, tmp_path / "in.pth")
    network = STADRN(attention, **SMALL, k=k)
    load_released(network, tmp_path / "in.pth")
    network.eval()(torch.randn(1, 3, 4, 16, 16))
    save_released(network, tmp_path / "out.pth")
    back = torch.load(tmp_path / "out.pth", weights_only=True)
    assert list(back) == list(state)
    for name, tensor in state.items():
        assert torch.equal(back[name], tensor) and back[name].dtype == tensor.dtype, name


def test_data_parallel_and_wrapped_files(tmp_path: Path) -> None:
    state = released()
    torch.save(
        {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}, tmp_path / "in.pth"
    )
    network, other = STADRN(**SMALL), STADRN(**SMALL)
    load_released(network, str(tmp_path / "in.pth"))
    load_released(other, state)
    for mine, yours in zip(network.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(mine, yours)


def changed(change: str) -> dict[str, Tensor]:
    """Released weights with one tensor wrong."""
    state = released()
    name = "layer_2.0.conv2.bn_spatial.weight"
    if change == "missing":
        del state[name]
    elif change == "extra":
        state["layer_2.0.conv2.gate.weight"] = torch.ones(1)
    else:
        state[name] = torch.ones(9)
    return state


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing", "layer_2.0.conv2.bn_spatial.weight is missing"),
        ("extra", "layer_2.0.conv2.gate.weight is not part of the network"),
        ("misshapen", "layer_2.0.conv2.bn_spatial.weight is [9], not [8]"),
    ],
)
def test_one_wrong_tensor_is_named(tmp_path: Path, change: str, message: str) -> None:
    path = tmp_path / "weights.pth"
    torch.save(changed(change), path)
    network = STADRN(**SMALL)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    for load, source in ((load_released, path), (load_released, changed(change)), (load_weights, path)):
        with pytest.raises(InputError) as error:
            load(network, source)
        assert message in line(error)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), "a refused file must leave the network as it was"


@pytest.mark.parametrize(
    "arguments", [{"attention": "ta"}, {"k": 4}, {"features": 8}, {"layers": (1, 2, 1, 1)}, {"norm": "group"}]
)
def test_weights_of_another_network(arguments: dict[str, object]) -> None:
    with pytest.raises(InputError) as error:
        load_released(STADRN(**{"k": 2} | SMALL | arguments), released())
    assert "does not fit the network" in line(error) and "more)" in line(error)


class Runs:
    """What a hostile file holds."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return open, (str(self.path), "w")


def test_code_in_a_file_is_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    torch.save({"state_dict": Runs(trace)}, tmp_path / "zipped.pth")
    (tmp_path / "bare.pth").write_bytes(pickle.dumps(Runs(trace)))
    for name in ("zipped.pth", "bare.pth"):
        for load in (load_released, load_weights):
            with pytest.raises(InputError) as error:
                load(STADRN(**SMALL), tmp_path / name)
            assert name in line(error)
    assert not trace.exists()


@pytest.mark.parametrize("part", [0, 0.02, 0.5, 0.999])
def test_damaged_file(tmp_path: Path, part: float) -> None:
    path = tmp_path / "weights.pth"
    torch.save(released(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(InputError) as error:
        load_released(STADRN(**SMALL), path)
    assert "weights.pth cannot be read as" in line(error)


@pytest.mark.parametrize("content", [b"a text, not weights\n", b"\x80\x02}q\x00.", b"\x80"])
def test_file_of_something_else(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with pytest.raises(InputError) as error:
        load_released(STADRN(**SMALL), tmp_path / "weights.pth")
    assert "weights.pth" in line(error)


def test_no_file_and_no_state_dict(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        load_released(STADRN(**SMALL), tmp_path / "absent.pth")
    assert "no weights at" in line(error)
    torch.save({"epoch": 3}, tmp_path / "epoch.pth")
    with pytest.raises(InputError) as error:
        load_released(STADRN(**SMALL), tmp_path / "epoch.pth")
    assert "'epoch' is int, not a tensor" in line(error)


def checkpoint(path: Path, network: STADRN) -> Path:
    """Save `network` as Lightning saves the module that holds it."""
    state = {f"network.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save(
        {"epoch": 2, "state_dict": {**state, "loss.scale": torch.ones(1)}, "hyper_parameters": {}}, path
    )
    return path


@pytest.mark.parametrize("kind", ["released weights", "checkpoint", "state dict"])
@pytest.mark.parametrize("attention", ["ta", "sta", "sta_af"])
def test_starting_from_another_task_takes_all_but_the_head(tmp_path: Path, kind: str, attention: str) -> None:
    source = STADRN(attention, **SMALL, num_classes=101)
    load_released(source, released(attention, num_classes=101))
    path = tmp_path / "source"
    if kind == "released weights":
        save_released(source, path)
    elif kind == "checkpoint":
        checkpoint(path, source)
    else:
        torch.save(source.state_dict(), path)
    network = STADRN(attention, **SMALL)
    head = network.fc.weight.clone()
    said = load_weights(network, path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, head if name == "fc.weight" else tensor)
        if not name.startswith("fc."):
            assert torch.equal(tensor, source.state_dict()[name]), name
    assert torch.equal(network.fc.weight, head)
    count = len(network.state_dict())
    assert f"took {count - 2} of {count} tensors from {path}" in said
    assert "(101 outputs there, 1 here)" in said and "\n" not in said
    if attention != "ta":  # one branch has the same names in both
        assert kind in said


def test_checkpoint_of_other_hyperparameters(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "last.ckpt", STADRN(layers=(1, 1, 1, 1), features=8))
    with pytest.raises(InputError) as error:
        load_weights(STADRN(**SMALL), path)
    assert "last.ckpt does not fit the network" in line(error)
    with pytest.raises(InputError) as error:
        load_released(STADRN(**SMALL), path)
    assert "is a checkpoint, not released weights" in line(error)
