"""Networks on the CPU and on the device: scores and gradients, in 64, 32 and 16 bits.

A difference is the norm of the difference over the norm of what is expected: of all scores, and of all
gradients as one vector. In double precision the two devices must agree to rounding, which says that they
compute the same. In single precision a whole network cannot: its many ReLUs and maxima turn rounding into
picks of another element. Two ways of convolving on one CPU leave the plain module's gradients 1e-2 to 1e-1
apart, and its scores up to 4e-4. So what is allowed there is what the plain module with the same weights
differs by, times `FACTOR` (times `LOOSE` for audio and fusions, whose plain module is another), and 1e-4 at
the least. 16 bits would leave nothing of a whole network's gradients:
they are compared on the stem with one bottleneck behind it, and so is single precision once more.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.gpu.precision import relative, sixteen
from benchmarks.gpu.report import Report
from benchmarks.plain_network import PlainSTADRN
from stan_lightning.network import STADRN
from stan_lightning.network.attention import ATTENTIONS
from stan_lightning.network.fusion import FUSIONS, Fusion
from stan_lightning.network.precision import single_precision
from stan_lightning.network.weights import released_state

FACTOR, LOOSE = 3.0, 10.0
DOUBLE, SINGLE = 1e-8, 1e-4
EXPANSION = 4
OUTPUTS = 16  # a single score may be small by chance, and its relative difference large
Inputs = Mapping[str, Tensor]
Score = Callable[[nn.Module, Inputs], Tensor]
Differences = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Size:
    """How large the networks are that are compared, and their clips."""

    frames: int = 16
    side: int = 112
    clips: int = 2
    features: int = 16
    layers: tuple[int, int, int, int] = (2, 2, 2, 2)

    def build(self, attention: str = "sta_af", modality: str = "face", short: bool = False) -> STADRN:
        """A network with drawn weights; a short one ends after its first bottleneck."""
        sizes = {"features": self.features, "layers": self.layers, "num_classes": OUTPUTS}
        network = STADRN(attention, modality=modality, **sizes)
        if short:
            shorten(network, self.features)
        return network

    def plain(self, like: STADRN, attention: str, short: bool = False) -> nn.Module:
        """The plain module with the weights of a network."""
        network = PlainSTADRN(attention, num_classes=OUTPUTS, features=self.features, layers=self.layers)
        if short:
            shorten(network, self.features)
        network.load_state_dict(released_state(like, like.state_dict()))
        return network


SMALL = Size(frames=8, side=48, clips=2, features=4, layers=(1, 1, 1, 1))


def shorten(network: nn.Module, features: int) -> None:
    """Leave a network its stem and its first bottleneck, with a head of their width."""
    first = network.get_submodule("layer_1.0")
    network.add_module("layer_1", nn.Sequential(first))
    for stage in (2, 3, 4):
        network.add_module(f"layer_{stage}", nn.Sequential())
    network.add_module("fc", nn.Linear(EXPANSION * features, OUTPUTS))
    network.width = EXPANSION * features  # type: ignore[assignment] # what a fusion asks for


@dataclass(frozen=True)
class Step:
    """Scores and gradients of one training step, on the CPU."""

    scores: list[Tensor]
    gradients: list[Tensor]

    def apart(self, expected: "Step") -> tuple[float, float]:
        """How far scores and gradients are from those that are expected."""
        return relative(self.scores, expected.scores), relative(self.gradients, expected.gradients)


def step(
    network: nn.Module,
    score: Score,
    inputs: Inputs,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    half: bool = False,
) -> Step:
    """One training step of a copy of `network`; in 16 bits the loss is scaled as far as gradients allow."""
    network = copy.deepcopy(network).to(device, dtype).train()
    given = {name: x.to(device, dtype if x.is_floating_point() else x.dtype) for name, x in inputs.items()}
    for power in range(16, -1, -4) if half else (0,):
        network.zero_grad(set_to_none=True)
        with single_precision(device.type), sixteen(device, half):
            scores = score(network, given)
        with single_precision(device.type):
            (scores.to(dtype).square().mean() * 2.0**power).backward()
        gradients = [p.grad.cpu() / 2.0**power for p in network.parameters() if p.grad is not None]
        if all(bool(gradient.isfinite().all()) for gradient in gradients):
            break
    return Step([scores.detach().to(dtype).cpu()], gradients)


def alone(network: nn.Module, inputs: Inputs) -> Tensor:
    """Scores of a network of one modality."""
    output: Tensor = network(next(iter(inputs.values())))
    return output


def joined(network: nn.Module, inputs: Inputs) -> Tensor:
    """Scores of a fusion; `present` says which clips have audio."""
    output: Tensor = network({"face": inputs["face"], "audio": inputs["audio"]}, {"audio": inputs["present"]})
    return output


def compare_networks(report: Report, device: torch.device, size: Size) -> None:
    """All variants, the audio network and all fusions, whole and short."""
    torch.manual_seed(0)
    clips = {"face": torch.randn(size.clips, 3, size.frames, size.side, size.side)}
    audio = {"audio": torch.randn(size.clips, 1, 10 * size.frames, 64, 1)}
    present = torch.ones(size.clips, dtype=torch.bool)
    present[-1] = False  # the last one has no sound
    for short in (False, True):
        kind = "short " if short else ""
        yardstick: Differences = {}
        for attention in ATTENTIONS:
            network = size.build(attention, short=short)
            plain = size.plain(network, attention, short)
            yardstick = differences(plain, alone, clips, device, short)
            say(report, kind + attention, differences(network, alone, clips, device, short), yardstick)
        hears = size.build(modality="audio", short=short)
        say(report, f"{kind}audio", differences(hears, alone, audio, device, short), yardstick, LOOSE)
        for fusion in FUSIONS:
            encoders = {name: size.build(modality=name, short=short) for name in ("face", "audio")}
            spans = {"face": (0.0, 6.4), "audio": (0.0, 6.4)}
            network = Fusion(encoders, fusion, spans, OUTPUTS, drop_modality=0.0)  # nothing is left to chance
            found = differences(network, joined, clips | audio | {"present": present}, device, short)
            say(report, f"{kind}fusion {fusion}", found, yardstick, LOOSE)


def differences(
    network: nn.Module, score: Score, inputs: Inputs, device: torch.device, short: bool
) -> Differences:
    """By precision, scores and gradients: the device's from the CPU's, 16 bits from 32 on the device."""
    cpu = torch.device("cpu")
    single = step(network, score, inputs, device)
    found = {"32 bits": single.apart(step(network, score, inputs, cpu))}
    if short:
        return found | {"16 bits": step(network, score, inputs, device, half=True).apart(single)}
    here, present = (step(network, score, inputs, place, torch.float64) for place in (cpu, device))
    return {"64 bits": present.apart(here)} | found


def say(
    report: Report, name: str, found: Differences, yardstick: Differences, factor: float = FACTOR
) -> None:
    """A row for scores and one for gradients in each precision."""
    for bits, apart in found.items():
        for part, kind in enumerate(("scores", "gradients")):
            allowed = DOUBLE
            if bits != "64 bits":
                allowed = max(SINGLE, factor * yardstick[bits][part])
            against = "from 32 bits on the device" if bits == "16 bits" else "from the CPU's"
            report.compare(f"{name}: {kind} in {bits}", apart[part], allowed, against)
