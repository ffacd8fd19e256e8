"""What every network and every encoder has in common, and an encoder made of any module of torch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError

PICTURES: Mapping[str, Any] = {
    "mean": (0.485, 0.456, 0.406),
    "deviation": (0.229, 0.224, 0.225),
    "layout": "BCTHW",
}
"""Clips of faces as STA-DRN reads them: ImageNet's mean and deviation of R, G and B in 0..1."""
LAYOUTS = ("BCTHW", "BTCHW")


class Network(nn.Module):
    """What training, evaluation and pages ask of a network; one of one's own subclasses it.

    Attributes:
        modalities: What it reads, in a fixed order.
        exporting: Whether the shapes of what it computes must not depend on who is there.
        gates: ``(B, M)`` of the last batch, sums of 1, where the network weighs modalities so; else None.
        bounded: Whether a sigmoid keeps the output within 0..1.
        reader: What fits it in closed form before the first step (`probe.Probe`); None: it is trained.
    """

    modalities: tuple[str, ...]
    reader: Any = None
    exporting = False
    gates: Tensor | None = None
    bounded = False

    @property
    def parts(self) -> Mapping[str, "Encoder"]:
        """The encoder of each modality."""
        raise NotImplementedError

    @property
    def heads(self) -> Sequence[nn.Linear]:
        """The last layers, whose biases are scores: one, or one a modality."""
        raise NotImplementedError

    def score(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """Outputs ``(B, num_classes)``.

        Args:
            inputs: Each modality's, as its encoder reads them.
            present: bool ``(B,)`` of modalities that clips may lack; those without an entry are always there.
        """
        raise NotImplementedError


class Encoder(Network):
    """Reads one modality and gives tokens in time. With its head `fc` it is a network by itself.

    Attributes:
        modality: What it reads: "face", "audio" or the name of a signal.
        width: Channels of a token.
        input: How clips of faces come to it: `mean` and `deviation` of R, G and B in 0..1, `layout` (one of
            `LAYOUTS`), and `size` in pixels and `frames` where it can read no others.
        fc: The last layer.
        skips_missing: Whether it finds out by itself what is missing, by NaN; others never see such clips.
        memory_format: Where its channels may lie innermost in memory, how they do: "auto", "channels_last" or
            "contiguous"; else "".
    """

    modality: str
    width: int
    input: Mapping[str, Any] = PICTURES
    fc: nn.Module
    skips_missing = False
    memory_format = ""

    def tokens(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens ``(B, L, C)`` in the order of time, and which are there, bool ``(B, L)``; None: all."""
        raise NotImplementedError

    def pooled(self, x: Tensor) -> Tensor:
        """What the head reads, ``(B, C)``."""
        return mean_over(*self.tokens(x))

    def channels_last_on(self, device: str) -> bool:
        """Whether the channels are innermost on a type of device; "auto" is on a CPU alone."""
        return self.memory_format == "channels_last" or (self.memory_format == "auto" and device == "cpu")

    def values_a_channel(self, frames: int, size: int) -> int | None:
        """Values of one clip that its last batch normalisation sees; None: it has none, or cannot say."""
        return None

    def standardise(self, mean: Tensor, deviation: Tensor) -> None:
        """Take means and deviations ``(F,)`` of a signal's columns; 0 is a constant's deviation."""

    def start_from(self, path: str | Path) -> str:
        """Take weights of a format of its own (`model.init_weights`); says what was taken, or "": nothing."""
        return ""

    def token_count(self, x: Tensor) -> int:
        """How many tokens it gives for clips."""
        return 1

    @property
    def modalities(self) -> tuple[str, ...]:  # type: ignore[override] # one, and that of the encoder
        """The one that it reads."""
        return (self.modality,)

    @property
    def parts(self) -> Mapping[str, "Encoder"]:
        """Itself."""
        return {self.modality: self}

    @property
    def heads(self) -> Sequence[nn.Linear]:
        """Its own, where it has one."""
        return [self.fc] if isinstance(self.fc, nn.Linear) else []

    def score(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """As `forward`; who is there decides nothing where there is one modality."""
        output: Tensor = self(inputs[self.modality])
        return output

    def example(self, frames: int, size: int, sound: tuple[int, int]) -> Tensor:
        """Two clips of zeros: of so many frames and pixels a side, or moments and bands of sound."""
        if self.modality == "audio":
            return torch.zeros(2, 1, *sound, 1)
        shape = (3, frames) if self.input["layout"] == "BCTHW" else (frames, 3)
        return torch.zeros(2, *shape, size, size)

    def give_head(self, outputs: int) -> None:
        """Have a last layer of so many outputs, its own where that fits."""
        own = getattr(self, "fc", None)
        if not isinstance(own, nn.Linear) or own.out_features != outputs:
            self.fc = nn.Linear(self.width, outputs)


class Wrapped(Encoder):
    """Any module of torch as an encoder.

    Args:
        module: Maps clips to vectors ``(B, C)``, tokens ``(B, L, C)``, maps ``(B, C, T, H, W)``, or to what
            has such in a field `last_hidden_state`, as transformers' models do.
        width: C.
        modality: What it reads.
        mean: Of R, G and B in 0..1, taken from clips of faces.
        deviation: Of them, which clips of faces are divided by.
        layout: Of clips of faces, one of `LAYOUTS`.
        size: Pixels a side where it can read no others.
        frames: Of a clip, likewise.

    Raises:
        InputError: An argument is outside its choices.
    """

    def __init__(
        self,
        module: nn.Module,
        width: int,
        modality: str = "face",
        mean: Sequence[float] = PICTURES["mean"],
        deviation: Sequence[float] = PICTURES["deviation"],
        layout: str = PICTURES["layout"],
        size: int | None = None,
        frames: int | None = None,
    ) -> None:
        super().__init__()
        if layout not in LAYOUTS:
            raise InputError(f"unknown layout '{layout}': choose one of {', '.join(LAYOUTS)}")
        self.module, self.width, self.modality = module, width, modality
        self.input = {"mean": tuple(mean), "deviation": tuple(deviation), "layout": layout} | {
            name: value for name, value in (("size", size), ("frames", frames)) if value is not None
        }

    def tokens(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the module gives, as tokens; raises `InputError` where that is none of its choices."""
        found = self.module(x)
        found = getattr(found, "last_hidden_state", found)
        given = tuple(found.shape)
        if found.ndim == 5:
            found = moments(found)
        elif found.ndim == 2:
            found = found[:, None]
        if found.ndim != 3 or found.shape[2] != self.width:
            raise InputError(
                f"{type(self.module).__name__} of clips {tuple(x.shape)} gives {given}, and the "
                f"encoder's width is {self.width}: vectors (B, {self.width}), tokens (B, L, {self.width}) or "
                f"maps (B, {self.width}, T, H, W) are read"
            )
        return found, None

    def forward(self, x: Tensor) -> Tensor:
        """Score clips by its own head, ``(B, outputs)``."""
        output: Tensor = self.fc(self.pooled(x))
        return output


class Single(Network):
    """An encoder, what makes one vector of its tokens, and a head.

    Args:
        encoder: Of the one modality.
        num_classes: Outputs; 1 for severity.
        pooling: Maps tokens ``(B, L, C)`` and which are there (bool ``(B, L)``, or None) to ``(B, C)``; None:
            the mean over time, as the encoder has it.
        dropout: Probability before the head.
        bounded: A sigmoid keeps the output within 0..1.
    """

    def __init__(
        self,
        encoder: Encoder,
        num_classes: int = 1,
        pooling: nn.Module | None = None,
        dropout: float = 0.0,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= dropout < 1:
            raise InputError(f"dropout is {dropout}: it must be at least 0 and below 1")
        encoder.give_head(num_classes)
        self.encoder, self.pooling, self.bounded = encoder, pooling, bounded
        self.dropout = nn.Dropout(dropout)
        self.head = encoder.fc
        encoder.fc = nn.Identity()  # the head is this network's
        self.modalities = encoder.modalities

    @property
    def parts(self) -> Mapping[str, Encoder]:
        """The one encoder."""
        return {self.encoder.modality: self.encoder}

    @property
    def heads(self) -> Sequence[nn.Linear]:
        """The one head."""
        return [self.head]  # type: ignore[list-item] # `give_head` made it a linear layer

    def score(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """As `forward`; who is there decides nothing where there is one modality."""
        output: Tensor = self(inputs[self.encoder.modality])
        return output

    def forward(self, x: Tensor) -> Tensor:
        """Score clips, ``(B, num_classes)``."""
        pooled = self.encoder.pooled(x) if self.pooling is None else self.pooling(*self.encoder.tokens(x))
        found: Tensor = self.head(self.dropout(pooled))
        return found.sigmoid() if self.bounded else found


def mean_over(tokens: Tensor, present: Tensor | None) -> Tensor:
    """Mean ``(B, C)`` of tokens ``(B, L, C)`` over those that are there; zeros where none is."""
    if present is None:
        return tokens.mean(1)
    shown = present[:, :, None].to(tokens.dtype)
    return (tokens * shown).sum(1) / present.sum(1, keepdim=True).clamp(min=1)


def moments(maps: Tensor) -> Tensor:
    """Tokens in time ``(B, L, C)`` of maps ``(B, C, L, H, W)``."""
    return maps.mean((3, 4)).transpose(1, 2)
