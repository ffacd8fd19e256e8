"""STA-DRN: a 3-D ResNet whose middle convolutions are attention modules.

Source: Pan et al., "Spatial-Temporal Attention Network for Depression Recognition from Facial Videos",
Expert Systems with Applications 237 (2024) 121410, and the behaviour of the authors' release. Names in the
state dict are the release's but inside the attention modules (`stan_lightning.network.attention`);
only `attention`, `norm` and the sizes change them, so that checkpoints interchange whatever else is switched.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.network.attention import ATTENTIONS, JoinedBranches, convolution
from stan_lightning.network.encoder import Encoder, moments
from stan_lightning.network.normalisation import NORMS, normalisation, normalise
from stan_lightning.network.recompute import recomputed
from stan_lightning.network.stem import stem

MODALITIES = ("face", "audio")
MEMORY_FORMATS = ("auto", "channels_last", "contiguous")
STEM_CHANNELS = 64
MOST_BLOCKS = 1024
MOST_PLANES = 4096
EXPANSION = 4


class Bottleneck(nn.Module):
    """1x1x1 convolution, attention module (which carries the stride), 1x1x1 convolution, and a shortcut."""

    def __init__(
        self, attention: str, channels: int, planes: int, k: int, stride: int, norm: str, column: bool
    ) -> None:
        super().__init__()
        width = EXPANSION * planes
        self.conv1 = convolution(channels, planes, 1, 1, column, bias=False)
        self.bn1 = normalisation(norm, planes)
        self.conv2 = ATTENTIONS[attention](planes, k, stride, norm, column)
        self.bn2 = normalisation(norm, planes)
        self.conv3 = convolution(planes, width, 1, 1, column, bias=False)
        self.bn3 = normalisation(norm, width)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            conv = convolution(channels, width, 3, stride, column, bias=False)
            self.downsample = nn.Sequential(conv, normalisation(norm, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(B, C, T, H, W)`` to ``(B, 4 * planes, T', H', W')``."""
        y = normalise(self.bn1, self.conv1(x))
        y = normalise(self.bn2, self.conv2(y))
        y = self.bn3(self.conv3(y))
        return nn.functional.relu(y.add_(self.downsample(x)), inplace=True)


class STADRN(Encoder):
    """The network of the paper, in all its variants.

    Args:
        attention: "ta", "sa", "sta" or "sta_af" (the paper's model).
        in_channels: channels of the clip.
        num_classes: outputs; 1 for severity.
        layers: four numbers; stage i has ``layers[i] * k`` bottlenecks.
        k: groups of the attention modules.
        features: planes of the first stage; doubled from stage to stage, and a multiple of k.
        dropout: probability before the head.
        norm: "batch"; "group"; or "frozen", batch normalisation that stays as loaded.
        bounded: a sigmoid keeps the output within 0..1.
        recompute: in training, keep only what goes into each bottleneck and compute the rest again in the
            backward pass: the same numbers in less memory and more time.
        modality: what it reads: "face", a clip of pictures, or "audio", a log-mel spectrogram as a clip of
            pictures of one column, ``(B, 1, T, bands, 1)``, with kernels of one column.
        memory_format: "channels_last" computes with the channels innermost in memory, "contiguous" does not;
            "auto" does on a CPU, where it pays (GPUs unmeasured).

    Raises:
        InputError: an argument is outside its choices.
    """

    released = True  # the authors' weights are a network's of this kind

    def __init__(
        self,
        attention: str = "sta_af",
        in_channels: int = 3,
        num_classes: int = 1,
        layers: Sequence[int] = (2, 2, 2, 2),
        k: int = 2,
        features: int = 16,
        dropout: float = 0.0,
        norm: str = "batch",
        bounded: bool = False,
        recompute: bool = False,
        memory_format: str = "auto",
        modality: str = "face",
    ) -> None:
        super().__init__()
        if modality not in MODALITIES:
            raise InputError(f"unknown modality '{modality}': choose one of {', '.join(MODALITIES)}")
        check_arguments(attention, (in_channels, num_classes, k, features), layers, dropout, norm)
        self.bounded = bounded
        self.recompute = recompute
        if memory_format not in MEMORY_FORMATS:
            raise InputError(
                f"unknown memory_format '{memory_format}': choose one of {', '.join(MEMORY_FORMATS)}"
            )
        self.memory_format, self.modality, self.norm = memory_format, modality, norm
        column = modality == "audio"
        if column:
            in_channels = 1
        self.conv_1 = convolution(in_channels, STEM_CHANNELS, 7, (1, 2, 2), column, bias=False)
        self.bn1 = normalisation(norm, STEM_CHANNELS)
        channels, stages = STEM_CHANNELS, []
        for stage, blocks in enumerate(layers):
            planes = features * 2**stage
            strides = [1 if stage == 0 else 2] + [1] * (blocks * k - 1)
            stack = nn.Sequential()
            for stride in strides:
                stack.append(Bottleneck(attention, channels, planes, k, stride, norm, column))
                channels = EXPANSION * planes
            stages.append(stack)
        self.layer_1, self.layer_2, self.layer_3, self.layer_4 = stages
        self.dropout = nn.Dropout(dropout)
        self.width = channels
        self.fc = nn.Linear(channels, num_classes)
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Score clips.

        Args:
            x: normalised clips ``(B, in_channels, T, H, W)``.

        Returns:
            ``(B, num_classes)``: for severity a fraction of the score range, for classes logits.
        """
        x = self.fc(self.dropout(self.pooled(x)))
        return x.sigmoid() if self.bounded else x

    def pooled(self, x: Tensor) -> Tensor:
        """The mean of the last stage over time and place, ``(B, C)``."""
        return self.stages(x).mean((2, 3, 4))

    def tokens(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The last stage's moments, each the mean over its place: ``(B, T/8, C)``."""
        return moments(self.stages(x)), None

    def token_count(self, x: Tensor) -> int:
        """Moments of the last stage."""
        return math.ceil(x.shape[2] / 8)

    def example(self, frames: int, size: int, sound: tuple[int, int]) -> Tensor:
        """Two clips of zeros, of as many channels as it reads."""
        shape = (*sound, 1) if self.modality == "audio" else (frames, size, size)
        return torch.zeros(2, self.conv_1.in_channels, *shape)

    def values_a_channel(self, frames: int, size: int) -> int | None:
        """Values of one clip that its last batch normalisation sees; None where it has no such."""
        if self.norm != "batch" or self.modality != "face":
            return None
        return math.ceil(frames / 8) * math.ceil(size / 32) ** 2

    def stage(self, number: int) -> nn.Sequential:
        """Stage 1 to 4, whose last bottleneck's attention and features pages show."""
        stages = (self.layer_1, self.layer_2, self.layer_3, self.layer_4)
        return stages[number - 1]

    def stages(self, x: Tensor) -> Tensor:
        """What the last stage gives for clips: ``(B, C, T/8, H/32, W/32)``."""
        if self.channels_last_on(x.device.type):
            x = x.contiguous(memory_format=torch.channels_last_3d)
        x = stem(self.conv_1, self.bn1, x)
        for stage in (self.layer_1, self.layer_2, self.layer_3, self.layer_4):
            for block in stage:
                x = recomputed(block, x) if self.recompute and self.training else block(x)
        return x


def initialise(module: nn.Module) -> None:
    """Draw convolutions from He's normal distribution (fan out, ReLU); all else stays as torch draws it."""
    if isinstance(module, nn.Conv3d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    if isinstance(module, JoinedBranches):
        # Two branches in one tensor double its fan out; each branch is drawn by its own.
        module.group_conv.weight.data.mul_(2**0.5)


def check_arguments(
    attention: str, counts: tuple[int, int, int, int], layers: Sequence[int], dropout: float, norm: str
) -> None:
    """Raise an `InputError` that names the choices where an argument of `STADRN` is outside them."""
    if attention not in ATTENTIONS:
        raise InputError(f"unknown attention '{attention}': choose one of {', '.join(ATTENTIONS)}")
    if norm not in NORMS:
        raise InputError(f"unknown norm '{norm}': choose one of {', '.join(NORMS)}")
    for name, count in zip(("in_channels", "num_classes", "k", "features"), counts, strict=True):
        if not 1 <= count <= MOST_PLANES:
            raise InputError(f"{name} is {count}: it must be at least 1 and at most {MOST_PLANES}")
    k, features = counts[2:]
    if features % k:
        raise InputError(f"features={features} is not divisible by k={k}: choose a multiple of {k}")
    if isinstance(layers, int | str) or len(layers) != 4 or any(blocks < 1 for blocks in layers):
        shown = list(layers) if isinstance(layers, tuple) else layers
        raise InputError(f"layers is {shown}: give four numbers of at least 1, as in [2, 2, 2, 2]")
    if sum(layers) * k > MOST_BLOCKS:
        raise InputError(
            f"layers={list(layers)} with k={k} are more than {MOST_BLOCKS} bottlenecks: choose fewer"
        )
    if not 0 <= dropout < 1:
        raise InputError(f"dropout is {dropout}: it must be at least 0 and below 1")
