"""The network gives the published numbers in every variant and with every switch."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.attention import ATTENTIONS
from stan_lightning.network.weights import load_released, released_state

VECTORS = runpy.run_path(str(Path(__file__).with_name("vectors.py")))
PlainSTADRN, SMALLEST = VECTORS["PlainSTADRN"], VECTORS["SMALL"]
SMALL = {"layers": (1, 1, 1, 1), "features": 4, "k": 1}


def pair(dtype: torch.dtype = torch.double, switches: dict[str, bool] | None = None, **arguments: object):
    """Draw a plain network and ours with the same weights, both with statistics that a step has moved."""
    torch.manual_seed(0)
    plain = PlainSTADRN(**arguments).to(dtype)
    for name, parameter in plain.named_parameters():
        if "bn" in name:
            nn.init.normal_(parameter, 0.5, 0.5)
    for name, buffer in plain.named_buffers():
        if name.endswith("running_var"):
            nn.init.uniform_(buffer, 0.5, 2)
    fast = STADRN(**arguments, **(switches or {})).to(dtype)
    load_released(fast, plain.state_dict())
    return plain, fast


def gradients(network: nn.Module, loss: Tensor) -> dict[str, Tensor]:
    """Differentiate, and give the gradients under the authors' names."""
    network.zero_grad()
    loss.backward()
    named = {name: parameter.grad for name, parameter in network.named_parameters()}
    return released_state(network, named) if isinstance(network, STADRN) else named


def close(got: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float) -> None:
    """Compare tensor by tensor, relative to each tensor's largest number."""
    assert got.keys() == expected.keys()
    for name, tensor in expected.items():
        difference = (got[name] - tensor).abs().max().item()
        assert difference <= tolerance * max(tensor.abs().max().item(), 1e-3), name


def flat(measured: dict[str, Any]) -> Tensor:
    """Outputs in evaluation and in training, and the gradient's norm."""
    outputs = [*measured["evaluation"], *measured["training"], [measured["gradient"]]]
    return torch.tensor([value for row in outputs for value in row], dtype=torch.double)


@pytest.mark.parametrize("switches", [{}, {"recompute": True}, {"memory_format": "contiguous"}])
@pytest.mark.parametrize("case", VECTORS["CASES"])
def test_committed_vectors(case: str, switches: dict[str, Any]) -> None:
    """Those of vectors.json, by the plain network that made them and by ours."""
    expected = flat(json.loads(VECTORS["FILE"].read_text())[case])
    arguments = VECTORS["CASES"][case]
    plain = VECTORS["plain"](**arguments)
    network = STADRN(**SMALLEST, **arguments, **switches).double()
    load_released(network, plain.state_dict())
    for made in (network, plain):
        torch.testing.assert_close(flat(VECTORS["measured"](made, **arguments)), expected, rtol=1e-7, atol=0)


@pytest.mark.parametrize(
    ("name", "switches"),
    [
        *((name, {}) for name in ATTENTIONS),
        ("sta_af", {"recompute": True}),
        ("sta", {"memory_format": "contiguous"}),
    ],
)
def test_reference_vectors(shared: Path, name: str, switches: dict[str, bool]) -> None:
    reference = torch.load(shared / f"reference/network/{name}_k2_f2.pt", weights_only=True)
    network = STADRN(name, **reference["kwargs"], **switches).double()
    load_released(network, reference["state_dict"])
    network.eval()
    torch.testing.assert_close(network(reference["input"].double()), reference["output"], rtol=1e-9, atol=0)
    network.train()
    out = network(reference["train_input"].double())
    torch.testing.assert_close(out, reference["train_output"], rtol=1e-9, atol=0)
    out.square().sum().backward()
    norm = torch.stack([parameter.grad.norm() for parameter in network.parameters()]).norm().item()
    assert norm == pytest.approx(reference["grad_norm"], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "switches"),
    [
        ("ta", {"k": 1}, {}),
        ("sa", {"k": 2}, {"memory_format": "contiguous"}),
        ("sta", {"k": 1, "layers": (1, 2, 1, 1)}, {"recompute": True}),
        ("sta_af", {"k": 4}, {}),
        ("sta_af", {"k": 1, "layers": (1, 2, 1, 1), "in_channels": 1, "num_classes": 5}, {"recompute": True}),
        ("sta_af", {"k": 1, "features": 3}, {"memory_format": "contiguous"}),
    ],
)
def test_odd_shapes_equal_the_plain_module(
    name: str, arguments: dict[str, object], switches: dict[str, bool]
) -> None:
    plain, fast = pair(attention=name, switches=switches, **SMALL | arguments)
    clips = torch.randn(2, fast.conv_1.in_channels, 9, 33, 47, dtype=torch.double)
    out, expected = fast(clips), plain(clips)
    torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)
    close(gradients(fast, out.square().sum()), gradients(plain, expected.square().sum()), 1e-7)
    close(
        released_state(fast, fast.state_dict()), plain.state_dict(), 1e-9
    )  # running statistics and counters
    torch.testing.assert_close(fast.eval()(clips), plain.eval()(clips), rtol=1e-9, atol=1e-9)


def test_single_precision_stays_near_double() -> None:
    plain, fast = pair(**SMALL)
    fast = fast.float().eval()
    plain.eval()
    clips = torch.randn(2, 3, 8, 32, 32)
    torch.testing.assert_close(fast(clips).double(), plain(clips.double()), rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("without_onednn")
def test_sixteen_bit_autocast_is_no_further_off_than_the_plain_module() -> None:
    plain, fast = pair(torch.float, **SMALL)
    _, recompute = pair(torch.float, switches={"recompute": True}, **SMALL)
    clips = torch.randn(2, 3, 8, 48, 48)
    exact = gradients(plain, plain(clips).sum())
    turns = []
    for network in (plain, fast, recompute):
        with torch.autocast("cpu", torch.bfloat16):
            out = network(clips)
        got = gradients(network, out.float().sum())
        assert all(got[name].dtype == torch.float for name in exact)
        flat = [torch.cat([named[name].flatten() for name in exact]) for named in (got, exact)]
        turns.append(1 - torch.cosine_similarity(*flat, dim=0).item())
    assert turns[2] == turns[1] < 1.5 * turns[0] < 0.5


@pytest.mark.parametrize(
    ("name", "features", "count"),
    [
        ("sta_af", 16, 7_822_785),
        ("sta", 16, 7_822_785),
        ("ta", 16, 6_600_385),
        ("sa", 16, 6_600_385),
        ("sta_af", 32, 31_269_569),
    ],
)
def test_parameter_counts(name: str, features: int, count: int) -> None:
    with torch.device("meta"):
        network = STADRN(name, features=features)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def test_initial_weights_are_drawn_as_the_paper_s() -> None:
    torch.manual_seed(0)
    fast, plain = STADRN(), PlainSTADRN()
    drawn = released_state(fast, fast.state_dict())
    for name, tensor in plain.state_dict().items():
        if tensor.numel() > 5000:
            assert drawn[name].std() == pytest.approx(tensor.std().item(), rel=0.1), name
        elif "bn" in name:
            assert torch.equal(drawn[name], tensor), name


def test_switches_leave_the_names_alone() -> None:
    names = list(STADRN(**SMALL).state_dict())
    for switches in (
        {"recompute": True},
        {"memory_format": "contiguous"},
        {"bounded": True},
        {"norm": "frozen"},
    ):
        assert list(STADRN(**SMALL, **switches).state_dict()) == names


def test_frozen_norm_trains_around_what_was_loaded() -> None:
    plain, _ = pair(**SMALL)
    fast = STADRN(**SMALL, norm="frozen").double()
    load_released(fast, plain.state_dict())
    clips = torch.randn(2, 3, 8, 32, 32, dtype=torch.double)
    out = fast.train()(clips)
    torch.testing.assert_close(out, plain.eval()(clips), rtol=1e-9, atol=1e-9)
    trained = [parameter for parameter in fast.parameters() if parameter.requires_grad]
    torch.optim.SGD(trained, 0.1).zero_grad()
    out.sum().backward()
    torch.optim.SGD(trained, 0.1).step()
    after = released_state(fast, fast.state_dict())
    changed = {name for name, tensor in plain.state_dict().items() if not torch.equal(after[name], tensor)}
    assert "conv_1.weight" in changed and "fc.weight" in changed
    assert not [name for name in changed if "bn" in name or "downsample.1" in name]


@pytest.mark.parametrize(
    "arguments", [{"features": 3, "k": 3}, {"features": 4, "k": 2}, {"features": 24, "k": 2}]
)
def test_group_norm_makes_clips_independent(arguments: dict[str, int]) -> None:
    torch.manual_seed(0)
    network = STADRN(**SMALL | arguments, norm="group").double().train()
    clips = torch.randn(3, 3, 8, 32, 32, dtype=torch.double)
    alone = torch.cat([network(clip[None]) for clip in clips])
    torch.testing.assert_close(network(clips), alone, rtol=1e-9, atol=1e-9)
    assert not list(network.buffers())


def test_bounded_output_is_the_sigmoid_of_the_free_one() -> None:
    free, bounded = STADRN(**SMALL), STADRN(**SMALL, bounded=True)
    bounded.load_state_dict(free.state_dict())
    clips = torch.randn(2, 3, 8, 32, 32)
    torch.testing.assert_close(bounded.eval()(clips), free.eval()(clips).sigmoid())


def test_dropout_acts_in_training_alone() -> None:
    network = STADRN(**SMALL, dropout=0.9, norm="group")
    clips = torch.randn(2, 3, 8, 32, 32)
    assert not torch.equal(network(clips), network(clips))
    network.eval()
    assert torch.equal(network(clips), network(clips))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention": "stan"}, "unknown attention 'stan': choose one of ta, sa, sta, sta_af"),
        ({"norm": "layer"}, "unknown norm 'layer': choose one of batch, group, frozen"),
        ({"features": 6, "k": 4}, "features=6 is not divisible by k=4"),
        ({"layers": (1, 1, 1)}, "layers is [1, 1, 1]: give four"),
        ({"layers": (1, 0, 1, 1)}, "layers is [1, 0, 1, 1]: give four"),
        ({"k": 0}, "k is 0"),
        ({"num_classes": 0}, "num_classes is 0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_wrong_arguments_name_the_choices(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as error:
        STADRN(**arguments)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("recompute", [False, True])
def test_compiled_equals_eager(recompute: bool) -> None:
    torch.manual_seed(0)
    eager, compiled = (STADRN(**SMALL, recompute=recompute).double() for _ in range(2))
    compiled.load_state_dict(eager.state_dict())
    compiled.compile()
    assert compiled.state_dict().keys() == eager.state_dict().keys()
    for _ in range(2):
        clips = torch.randn(2, 3, 8, 32, 32, dtype=torch.double)
        out, expected = compiled(clips), eager(clips)
        torch.testing.assert_close(out, expected, rtol=1e-9, atol=1e-9)
        close(gradients(compiled, out.sum()), gradients(eager, expected.sum()), 1e-7)
        close(compiled.state_dict(), eager.state_dict(), 1e-9)
    with torch.no_grad():
        torch.testing.assert_close(compiled.eval()(clips), eager.eval()(clips), rtol=1e-9, atol=1e-9)


def test_auto_is_channels_last_on_a_cpu_and_nowhere_else() -> None:
    torch.manual_seed(0)
    network, clips = STADRN(**SMALL).eval(), torch.randn(1, 3, 8, 32, 32)
    auto = network(clips)
    network.memory_format = "channels_last"
    assert torch.equal(network(clips), auto)
    network.memory_format = "auto"
    assert network.channels_last_on("cpu") and not network.channels_last_on("cuda")
    with pytest.raises(InputError, match="choose one of auto, channels_last, contiguous"):
        STADRN(memory_format="wrong")
