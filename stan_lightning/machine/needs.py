"""Memory, time and disk of a training: predicted without a step, and tried for some seconds."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.composition import make
from stan_boundary.errors import InputError
from stan_lightning.data.clips import windows
from stan_lightning.data.datamodule import CropDataModule
from stan_lightning.data.dataset import ClipDataset
from stan_lightning.data.facts import clip_shape
from stan_lightning.network.encoder import Encoder, Network
from stan_lightning.network.memory import PRECISIONS, peak_bytes
from stan_lightning.training.module import StanModule

ADAM = 3
"""Of a checkpoint's tensors with Adam's moments, in multiples of the weights."""
CHECKPOINTS = 3
"""best, last, and the one that is being written."""
WITHOUT_DATA = {"train": 100, "dev": 900}
"""Clips an epoch and windows of development where no crops are here: those of AVEC2014."""
FEW = 2
_LEAST_STEPS, _READ_S = 2, 2.0


@dataclass(frozen=True)
class Trial:
    """What some steps took.

    Attributes:
        said: What was tried.
        step_s: Of a whole step, scaled where less was tried.
        window_s: Of one window's scoring.
    """

    said: str
    step_s: float
    window_s: float


def example(module: StanModule, data: CropDataModule, batch: int) -> dict[str, Tensor]:
    """A batch of noise as the network reads it, by modality."""
    found = {}
    for name, encoder in module.network.parts.items():
        one = encoder.example(**clip_shape(data.hparams))
        found[name] = torch.randn(batch, *one.shape[1:])
    return found


def memory_bytes(module: StanModule, inputs: Mapping[str, Tensor], precision: str, device: str) -> int:
    """Most bytes alive in a step: of several encoders, the sum of what each takes alone."""
    known = precision if precision in PRECISIONS else "32-true"
    network = module.network
    if len(inputs) == 1:
        ((name, x),) = inputs.items()
        return peak_bytes(_Scored(network, name), tuple(x.shape), known, device)
    parts = network.parts
    return sum(peak_bytes(parts[name], tuple(x.shape), known, device) for name, x in inputs.items())


class _Scored(nn.Module):
    """A network of one modality as a function of its clips."""

    def __init__(self, network: Network, modality: str) -> None:
        super().__init__()
        self.network, self.modality = network, modality

    def forward(self, x: Tensor) -> Tensor:
        output: Tensor = self.network.score({self.modality: x}, {})
        return output


def disk_bytes(module: StanModule) -> int:
    """Of a run's checkpoints, which are most of it."""
    weights: int = sum(one.numel() * one.element_size() for one in module.state_dict().values())
    return CHECKPOINTS * ADAM * weights


def try_out(module: StanModule, inputs: Mapping[str, Tensor], device: str, budget_s: float) -> Trial:
    """Train on noise for at most so many seconds: on part of a batch where a whole step would take longer.

    Two clips of a quarter of the frames and half the side come first, then two whole ones, then the batch,
    each only where the time that is left is enough for it; what a step takes is scaled by how many values the
    clips have.

    Raises:
        InputError: No part of a batch can be trained on.
    """
    start = time.perf_counter()
    module = module.to(device)
    whole = sum(x.numel() for x in inputs.values())
    rates = None
    tried: Mapping[str, Tensor] = inputs
    for part in _parts(module, inputs):
        share = sum(x.numel() for x in part.values()) / whole
        left = budget_s - (time.perf_counter() - start)
        if rates is not None and left < (_LEAST_STEPS + 1) * sum(rates) * share:
            break
        try:
            rates = tuple(seconds / share for seconds in _timed(module, part, device))
        except ValueError:  # too few values for a batch normalisation
            continue
        tried = part
    if rates is None:
        raise InputError(f"a batch of {len(next(iter(inputs.values())))} clips is too small to be trained on")
    size = ", ".join(f"{name} {' x '.join(map(str, x.shape))}" for name, x in tried.items())
    return Trial(f"steps on {size}", rates[0], rates[1] / len(next(iter(inputs.values()))))


def _parts(module: StanModule, inputs: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Ever larger parts of a batch; clips of faces are made smaller where their encoder can read such."""
    encoder = module.network.parts.get("face")
    if encoder is not None and not {"size", "frames"} & set(encoder.input):
        yield {name: _smaller(x, encoder) if name == "face" else x[:FEW] for name, x in inputs.items()}
    yield {name: x[:FEW] for name, x in inputs.items()}
    yield dict(inputs)


def _smaller(clips: Tensor, encoder: Encoder) -> Tensor:
    """A quarter of the frames, at half the side."""
    frames = 2 if encoder.input["layout"] == "BCTHW" else 1
    quarter, half = max(1, clips.shape[frames] // 4), max(1, clips.shape[-1] // 2)
    return clips[:FEW].narrow(frames, 0, quarter)[..., :half, :half]


def _timed(module: StanModule, inputs: Mapping[str, Tensor], device: str) -> tuple[float, float]:
    """Seconds of a training step and of scoring the same clips, the shortest of a few."""
    moved = {name: x.to(device) for name, x in inputs.items()}
    count = len(next(iter(moved.values())))
    target, noise = torch.zeros(count, device=device), torch.zeros(count, device=device)
    config = {name: value for name, value in module.hparams["optimizer"].items() if name != "params"}
    trained = [one for one in module.parameters() if one.requires_grad]
    optimizer = make(config, "model.optimizer", params=trained)

    def step() -> None:
        module.train()
        loss = module.objective.training_loss(module(moved, {}).float(), target, noise)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()

    def score() -> None:
        module.eval()
        with torch.inference_mode():
            module(moved, {})

    return _shortest(step, device), _shortest(score, device)


def _shortest(action: Any, device: str) -> float:
    """Of two tries, the first of which makes ready what is made once."""
    found = []
    for _ in range(_LEAST_STEPS):
        begun = time.perf_counter()
        action()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - begun)
    return min(found)


def reading_s(data: CropDataModule) -> float | None:
    """Seconds that one process takes to read a training clip; None where no crops are here."""
    if not data.tables or data.tables["train"].empty:
        return None
    sources = data.sources(data.tables["train"])
    dataset = ClipDataset(sources, data.hparams["clip_frames"], data.reading(), 0, data.augment)
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < _READ_S and count < len(sources):
        dataset[0, count]
        count += 1
    return (time.perf_counter() - begun) / count


def amounts(data: CropDataModule) -> dict[str, int]:
    """Clips of an epoch and windows of a development score."""
    if not data.tables:
        return WITHOUT_DATA
    frames = data.hparams["clip_frames"]
    counted = sum(
        1 if frames is None else len(windows(source.n_frames, frames))
        for source in data.sources(data.tables["dev"])
    )
    return {"train": len(data.tables["train"]), "dev": counted}


def epoch_s(trial: Trial, count: Mapping[str, int], batch: int, read_s: float | None, workers: int) -> float:
    """Seconds of an epoch with its development score: computing, or reading where that takes longer."""
    steps = -(-count["train"] // batch)
    computed = steps * trial.step_s + count["dev"] * trial.window_s
    read = (read_s or 0) * (count["train"] + count["dev"])
    return max(computed, read / workers) if workers else computed + read
