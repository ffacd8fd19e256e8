"""STA-DRN written straight from its description: what the package's network is measured against.

Names in the state dict are the authors'. Everything is out of place, in one tensor layout and one branch
after the other, as a reader of the paper would write it.
"""

import torch
from torch import Tensor, nn


class Branch(nn.Module):
    """Grouped convolution, batch norm, ReLU, and attention from the mean over `pooled`."""

    def __init__(self, channels: int, k: int, stride: int, pooled: tuple[int, ...]) -> None:
        super().__init__()
        self.k, self.pooled = k, pooled
        self.group_conv = nn.Conv3d(channels, channels, 3, stride, padding=1, groups=k)
        self.bn = nn.BatchNorm3d(channels)
        self.fc = nn.Conv3d(channels, channels, 1, groups=k)
        self.relu = nn.ReLU()

    def grouped(self, x: Tensor) -> Tensor:
        """View ``(B, C, T, H, W)`` as ``(B, k, C/k, T, H, W)``."""
        return x.reshape(x.shape[0], self.k, -1, *x.shape[2:])

    def attention(self, x: Tensor) -> Tensor:
        logits = self.grouped(self.fc(x.mean(self.pooled, keepdim=True)))
        return torch.sigmoid(logits) if self.k == 1 else torch.softmax(logits, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn(self.group_conv(x)))
        return (self.grouped(x) * self.attention(x)).reshape(x.shape)


class Sum(nn.Module):
    """Two branches, added."""

    def __init__(self, channels: int, k: int, stride: int) -> None:
        super().__init__()
        self.temporal_block = Branch(channels, k, stride, (3, 4))
        self.spatial_block = Branch(channels, k, stride, (2,))

    def forward(self, x: Tensor) -> Tensor:
        return self.temporal_block(x) + self.spatial_block(x)


class Fused(nn.Module):
    """The paper's module: product of attentions times sum of branches."""

    def __init__(self, channels: int, k: int, stride: int) -> None:
        super().__init__()
        self.k = k
        for name in ("temporal", "spatial"):
            conv = nn.Conv3d(channels, channels, 3, stride, padding=1, groups=k)
            self.add_module(f"group_conv_{name}", conv)
            self.add_module(f"bn_{name}", nn.BatchNorm3d(channels))
            self.add_module(f"fc_{name}", nn.Conv3d(channels, channels, 1, groups=k))
        self.relu = nn.ReLU()

    def attention(self, logits: Tensor) -> Tensor:
        logits = logits.reshape(logits.shape[0], self.k, -1, *logits.shape[2:])
        return torch.sigmoid(logits) if self.k == 1 else torch.softmax(logits, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        x_t = self.relu(self.bn_temporal(self.group_conv_temporal(x)))
        x_s = self.relu(self.bn_spatial(self.group_conv_spatial(x)))
        a_t = self.attention(self.fc_temporal(x_t.mean((3, 4), keepdim=True)))
        a_s = self.attention(self.fc_spatial(x_s.mean(2, keepdim=True)))
        both = x_s + x_t
        gated = (a_s * a_t) * both.reshape(both.shape[0], self.k, -1, *both.shape[2:])
        return gated.reshape(both.shape)


def attention_module(name: str, channels: int, k: int, stride: int) -> nn.Module:
    """Build the attention module `name` of the paper."""
    if name == "ta":
        return Branch(channels, k, stride, (3, 4))
    if name == "sa":
        return Branch(channels, k, stride, (2,))
    return Sum(channels, k, stride) if name == "sta" else Fused(channels, k, stride)


class PlainBottleneck(nn.Module):
    """1x1x1, attention, 1x1x1, shortcut."""

    def __init__(self, attention: str, channels: int, planes: int, k: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(planes)
        self.conv2 = attention_module(attention, planes, k, stride)
        self.bn2 = nn.BatchNorm3d(planes)
        self.conv3 = nn.Conv3d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(4 * planes)
        self.relu = nn.ReLU()
        self.downsample: nn.Module | None = None
        if stride != 1 or channels != 4 * planes:
            conv = nn.Conv3d(channels, 4 * planes, 3, stride, padding=1, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm3d(4 * planes))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class PlainSTADRN(nn.Module):
    """The whole network; ``(B, in_channels, T, H, W)`` to ``(B, num_classes)``."""

    def __init__(
        self,
        attention: str = "sta_af",
        in_channels: int = 3,
        num_classes: int = 1,
        layers: tuple[int, ...] = (2, 2, 2, 2),
        k: int = 2,
        features: int = 16,
    ) -> None:
        super().__init__()
        self.conv_1 = nn.Conv3d(in_channels, 64, 7, (1, 2, 2), padding=3, bias=False)
        self.bn1 = nn.BatchNorm3d(64)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool3d(3, (1, 2, 2), 1)
        channels = 64
        for stage, blocks in enumerate(layers):
            planes = features * 2**stage
            stack = []
            for block in range(blocks * k):
                stride = 2 if stage > 0 and block == 0 else 1
                stack.append(PlainBottleneck(attention, channels, planes, k, stride))
                channels = 4 * planes
            self.add_module(f"layer_{stage + 1}", nn.Sequential(*stack))
        self.fc = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv_1(x)))
        with torch.autocast(x.device.type, enabled=False):  # as on CUDA, not in 32 bits
            x = self.pool(x)
        x = self.layer_4(self.layer_3(self.layer_2(self.layer_1(x))))
        return self.fc(x.mean((2, 3, 4)))
