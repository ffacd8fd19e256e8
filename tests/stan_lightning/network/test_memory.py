"""The predicted peak is what the allocator reports, and the switches save what they promise."""

import json
import runpy
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils._python_dispatch import TorchDispatchMode

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.memory import LiveBytes, peak_bytes, step_bytes, training_step

PLAIN = Path(__file__).parents[3] / "benchmarks" / "plain_network.py"
PlainSTADRN = runpy.run_path(str(PLAIN))["PlainSTADRN"]
SHAPE = (2, 3, 16, 64, 64)
OPERATION = "one operation"


class Marked(TorchDispatchMode):
    """Marks in a profile where each operation begins and ends."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with record_function(OPERATION):
            return func(*args, **(kwargs or {}))


def allocated(network: nn.Module, shape: tuple[int, ...], precision: str, folder: Path) -> int:
    """Peak of what outlives one operation, by torch's CPU allocator in a training step, above what was there.

    What is taken and given back within one operation is a kernel's scratch memory. How much that is depends
    on the processor, whose kernels oneDNN chooses, and on the number of threads.
    """
    clips = torch.randn(shape)
    training_step(network.train(), clips, precision)  # what is set up once is not counted
    network.zero_grad(set_to_none=True)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as trace, Marked():
        training_step(network, clips, precision)
    trace.export_chrome_trace(str(folder / "trace.json"))
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    operations = sorted((e["ts"], e["ts"] + e["dur"]) for e in events if e["name"] == OPERATION)
    changes = sorted(
        ((e["ts"], e["args"]["Bytes"], e["args"]["Addr"]) for e in events if e["name"] == "[memory]"),
        key=lambda change: change[0],
    )
    begins = [begin for begin, _ in operations]
    taken: dict[int, int] = {}
    scratch: set[int] = set()
    for number, (time, change, address) in enumerate(changes):
        if change > 0:
            taken[address] = number
        elif (before := taken.pop(address, None)) is not None:
            place = bisect_right(begins, changes[before][0]) - 1
            if place >= 0 and time <= operations[place][1]:
                scratch |= {before, number}
    assert operations and taken, "nothing was measured"
    kept = [change for number, (_, change, _) in enumerate(changes) if number not in scratch]
    return max(accumulate(kept))


@pytest.mark.parametrize("switches", [{}, {"recompute": True}, {"attention": "sta", "k": 1}], ids=str)
def test_prediction_is_what_the_allocator_reports(tmp_path: Path, switches: dict[str, Any]) -> None:
    network = STADRN(features=8, layers=(1, 1, 1, 1), **switches)
    weights = sum(tensor.nbytes for tensor in network.parameters())
    present = weights + sum(tensor.nbytes for tensor in network.buffers()) + 4 * torch.Size(SHAPE).numel()
    predicted = peak_bytes(network, SHAPE) - 2 * weights - present
    assert predicted == pytest.approx(allocated(network, SHAPE, "32-true", tmp_path), rel=0.02)


@pytest.mark.parametrize("recompute", [False, True])
def test_sixteen_bits_on_fake_tensors_are_those_on_real_ones(recompute: bool) -> None:
    """A CPU's 16-bit kernels convert inside, so its allocator is no judge; what the step makes is."""
    network = STADRN(features=8, layers=(1, 1, 1, 1), recompute=recompute)
    weights = sum(tensor.nbytes for tensor in network.parameters())
    predicted = peak_bytes(network, SHAPE, "bf16-mixed") - 2 * weights
    assert predicted == pytest.approx(step_bytes(network, torch.randn(SHAPE), "bf16-mixed"), rel=0.001)


def test_bytes_are_counted_while_they_live() -> None:
    with LiveBytes() as account:
        a = torch.zeros(1000)
        b = a + 1
        view = b[10:]
        del a, b
        c = torch.zeros(500)
        assert (account.live, account.peak) == (6000, 8000)
        del view, c
    assert account.live == 0


def test_switches_save_memory_and_the_prediction_leaves_the_network_alone() -> None:
    plain, default, recompute = PlainSTADRN(), STADRN(), STADRN(recompute=True)
    before = {name: tensor.clone() for name, tensor in default.state_dict().items()}
    peaks = [
        peak_bytes(network, (16, 3, 64, 224, 224), "16-mixed") for network in (plain, default, recompute)
    ]
    assert peaks[1] < 0.8 * peaks[0] and peaks[2] < 0.5 * peaks[0]
    assert peaks[1] < 15e9, "16 clips at 16 features must fit a T4"
    assert all(torch.equal(tensor, before[name]) for name, tensor in default.state_dict().items())
    assert all(parameter.grad is None for parameter in default.parameters())


def test_wide_network_fits_a_t4() -> None:
    assert peak_bytes(STADRN(features=32), (5, 3, 64, 224, 224), "16-mixed") < 15e9


def test_the_prediction_follows_the_memory_format_of_the_device() -> None:
    """A small step's peak is at its start, where channels-last clips are a copy."""
    shape = (1, 3, 16, 64, 64)
    peaks = [
        peak_bytes(STADRN(features=2, layers=(1, 1, 1, 1), memory_format=asked), shape, device=device)
        for asked, device in (
            ("auto", "cpu"),
            ("auto", "cuda"),
            ("channels_last", "cuda"),
            ("contiguous", "cpu"),
        )
    ]
    assert peaks[0] == peaks[2] > peaks[1] == peaks[3]


def test_unknown_precision() -> None:
    with pytest.raises(InputError, match="choose one of 32-true, 16-mixed, bf16-mixed"):
        peak_bytes(STADRN(), SHAPE, "64")
