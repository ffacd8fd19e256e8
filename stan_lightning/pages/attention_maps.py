"""Where the network looks: its own attention, and Grad-CAM++ in 3-D.

Sources: the attention of the modules in `stan_lightning.network.attention`; Chattopadhay et al., Grad-CAM++,
WACV 2018, with the sums over place extended over time as the paper does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from stan_lightning.network.attention import FusedAttention, JoinedBranches, TemporalAttention, attend
from stan_lightning.network.encoder import Network
from stan_lightning.network.normalisation import normalise


@dataclass(frozen=True)
class Maps:
    """What one clip shows.

    Attributes:
        attention: (T, H, W) the network's own weight of each place and time, 0..1 before any stretching.
        temporal: (T,) its weight of each time alone; None where the network has no temporal attention.
        gradcam: (T, H, W) what raised the score, 0..1 of its maximum; all 0 where nothing did.
    """

    attention: Tensor
    temporal: Tensor | None
    gradcam: Tensor


def maps(network: Network, clip: Tensor, stage: int) -> Maps:
    """Both views of one clip of the one modality that a network reads; see `maps_of`."""
    (modality,) = network.modalities
    return maps_of(network, {modality: clip}, {}, modality, stage)


def maps_of(
    network: Network,
    inputs: Mapping[str, Tensor],
    present: Mapping[str, Tensor],
    modality: str,
    stage: int,
    output: int = 0,
) -> Maps:
    """Both views of one clip, at the clip's own size.

    Args:
        network: In evaluation mode; it is left as it was.
        inputs: By modality, each of one clip, as the network reads them.
        present: As the network's `score` takes it.
        modality: Whose encoder is looked at; it has a `stage`, as `STADRN` does.
        stage: 1 to 4: which stage is looked at. Early ones are finer, late ones know more.
        output: Number of the output that Grad-CAM++ explains.
    """
    size = tuple(inputs[modality].shape[2:])
    last: nn.Module = network.parts[modality].stage(stage)[-1]  # type: ignore[operator] # asked for above
    seen: dict[str, Tensor] = {}

    def keep_input(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen["input"] = inputs[0].detach()

    def cut_graph(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        seen["activation"] = output.detach().requires_grad_(True)
        return seen["activation"]

    attention = last.get_submodule("conv2")
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    hooks = [attention.register_forward_pre_hook(keep_input), last.register_forward_hook(cut_graph)]
    try:
        # Only what follows the stage needs a graph: a whole clip's would not fit small machines.
        for parameter in trained:
            parameter.requires_grad_(False)
        with torch.enable_grad():
            score = network.score(inputs, present)[0, output]
            (gradient,) = torch.autograd.grad(score, seen["activation"])
    finally:
        for hook in hooks:
            hook.remove()
        for parameter in trained:
            parameter.requires_grad_(True)
    with torch.no_grad():
        weights, temporal = own_attention(attention, seen["input"])
        cam = grad_cam_plus_plus(seen["activation"].detach()[0], gradient[0])
        over_time = None if temporal is None else _stretch(temporal[:, None, None], (size[0], 1, 1)).flatten()
        return Maps(_stretch(weights, size), over_time, _stretch(cam / cam.max().clamp(min=1e-12), size))


def own_attention(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor | None]:
    """Weights that an attention module gives (1, C, T, H, W): over place and time, and over time alone.

    Attention is a softmax over the k groups, so its mean over them says nothing: it is the largest of the k
    that is averaged over channels. It is 1/k (in the fused product 1/k^2) where the module is undecided, and
    1 where it is decided.

    Returns:
        (T', H', W') and (T',), at the module's stride; the latter is None for spatial attention alone.
    """
    if isinstance(module, JoinedBranches):
        *_, a_t, a_s = module.branches(x)
        fused = a_s * a_t if isinstance(module, FusedAttention) else (a_s + a_t) / 2
        return _decided(fused), _decided(a_t).flatten()
    assert isinstance(module, TemporalAttention)
    y = normalise(module.bn, module.group_conv(x))
    weights = attend(module.fc(y.mean(module.pooled, keepdim=True)), module.k)
    full = weights.expand(*weights.shape[:3], *y.shape[2:])
    over_time = _decided(weights).flatten() if 2 not in module.pooled else None
    return _decided(full), over_time


def _decided(weights: Tensor) -> Tensor:
    """(1, k, C/k, T, H, W) to (T, H, W)."""
    return weights[0].amax(dim=0).mean(dim=0)


def grad_cam_plus_plus(activation: Tensor, gradient: Tensor) -> Tensor:
    """Grad-CAM++ of one clip.

    Args:
        activation: (C, T, H, W) of a layer.
        gradient: Of the score by it, same shape.

    Returns:
        (T, H, W), at least 0, in no particular unit.
    """
    squared, cubed = gradient**2, gradient**3
    total = (activation * cubed).sum(dim=(1, 2, 3), keepdim=True)
    below = 2 * squared + total
    alpha = torch.where(below != 0, squared / below.where(below != 0, torch.ones_like(below)), 0.0)
    channel = (alpha * gradient.relu()).sum(dim=(1, 2, 3), keepdim=True)
    return (channel * activation).sum(dim=0).relu()


def _stretch(volume: Tensor, size: tuple[int, ...]) -> Tensor:
    """(t, h, w) to the size of the clip, smoothly."""
    stretched = interpolate(volume[None, None].float(), size, mode="trilinear", align_corners=False)
    return stretched[0, 0].cpu()
