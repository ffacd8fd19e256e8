"""A network on measurements in time: standardised, convolved over moments, and weighed by attention to them.

It is small, since recordings are few. What is missing is 0 with a mask beside it; a moment without any
measurement is nowhere: it neither enters a convolution nor is attended to. So clips that are padded with such
moments, and batches, change nothing.
"""

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Encoder

MOST_LAYERS, MOST_WIDTH = 24, 65_536
FARTHEST = 10.0  # standard deviations: what is farther off is a slip of whatever measured it


class Block(nn.Module):
    """Over moments that are there: normalised each by itself, convolved, added to what was."""

    def __init__(self, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """Map ``(B, T, C)`` to the same shape; `present` ``(B, T, 1)``."""
        y = (self.norm(x) * present).transpose(1, 2)
        y = nn.functional.gelu(self.conv(y)).transpose(1, 2)
        out: Tensor = x + self.dropout(y)
        return out


class SignalNet(Encoder):
    """The network.

    Args:
        modality: name of the signal that it reads.
        columns: how many columns the signal has.
        num_classes: outputs; 1 for severity.
        width: channels.
        layers: convolutions; each one's dilation is twice that of the one before.
        kernel: moments of a convolution, odd.
        dropout: probability, after each convolution and before the head.
        bounded: a sigmoid keeps the output within 0..1.

    Raises:
        InputError: an argument is outside its choices.
    """

    mean: Tensor
    deviation: Tensor
    skips_missing = True

    def __init__(
        self,
        modality: str,
        columns: int,
        num_classes: int = 1,
        width: int = 32,
        layers: int = 2,
        kernel: int = 5,
        dropout: float = 0.3,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        counts = {"columns": columns, "width": width, "layers": layers, "kernel": kernel}
        for name, count in counts.items():
            if type(count) is not int or not 1 <= count <= MOST_WIDTH:
                raise InputError(
                    f"{name} is {count}: it must be a whole number of at least 1 and at most {MOST_WIDTH}"
                )
        if layers > MOST_LAYERS:
            raise InputError(f"layers is {layers}: it must be at most {MOST_LAYERS}")
        if kernel % 2 == 0:
            raise InputError(f"kernel is {kernel}: it must be odd")
        if not 0 <= dropout < 1:
            raise InputError(f"dropout is {dropout}: it must be at least 0 and below 1")
        self.modality, self.width = modality, width
        self.bounded = bounded
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("deviation", torch.ones(columns))
        self.enter = nn.Linear(2 * columns, width)
        self.blocks = nn.ModuleList(Block(width, kernel, 2**layer, dropout) for layer in range(layers))
        self.norm = nn.LayerNorm(width)
        self.weigh = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(width, num_classes)

    def standardise(self, mean: Tensor, deviation: Tensor) -> None:
        """Take the columns' means and deviations in training, ``(F,)``; 0 is a constant's deviation."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def forward(self, x: Tensor) -> Tensor:
        """Score clips ``(B, T, F)``, NaN where missing.

        Returns:
            ``(B, num_classes)``; where nothing was measured, what the head says of zeros.
        """
        found: Tensor = self.fc(self.dropout(self.pooled(x)))
        return found.sigmoid() if self.bounded else found

    def tokens(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Moments ``(B, T, C)``, each weighed, and which are there, bool ``(B, T)``.

        Their mean over those that are there is what temporal attention gives; the others are zeros.
        """
        known = ~x.isnan()
        present = known.any(2)
        scale = torch.where(self.deviation > 0, 1 / self.deviation, 0)
        standard = ((x - self.mean) * scale).clamp(-FARTHEST, FARTHEST).masked_fill(~known, 0)
        y = self.enter(torch.cat([standard, known.to(standard.dtype)], 2))
        mask = present[:, :, None].to(y.dtype)
        for block in self.blocks:
            y = block(y, mask)
        y = self.norm(y)
        logits = self.weigh(y).float().squeeze(2)
        # Not minus infinity: a clip without any moment has a gradient, too.
        weights = logits.masked_fill(~present, torch.finfo(logits.dtype).min).softmax(1)[:, :, None]
        return y * (weights * mask * present.sum(1)[:, None, None]).to(y.dtype), present

    def example(self, frames: int, size: int, sound: tuple[int, int]) -> Tensor:
        """Two clips of so many moments."""
        return torch.zeros(2, frames, len(self.mean))
