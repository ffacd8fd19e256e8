"""The attention modules equal loops over groups, and their hand-written gradients are gradients."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv3d

from stan_lightning.network.attention import ATTENTIONS, FusedAttention, Gate, JoinedBranches, attend
from stan_lightning.network.weights import split


def branch(module: nn.Module, x: Tensor, which: int) -> Tensor:
    """One branch of `module`, evaluated group by group: ``(B, k, C/k, T, H, W)``."""
    k, conv, norm = module.k, module.group_conv, module.bn
    tensors = [conv.weight, conv.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var]
    if isinstance(module, JoinedBranches):
        tensors = [split(tensor, k)[which] for tensor in tensors]
    weight, bias, scale, shift, mean, variance = tensors
    groups = []
    size = x.shape[1] // k
    for g in range(k):
        part = slice(g * size, (g + 1) * size)
        y = conv3d(x[:, part], weight[part], bias[part], conv.stride, padding=1)
        for c in range(size):
            i = g * size + c
            y[:, c] = (y[:, c] - mean[i]) / torch.sqrt(variance[i] + norm.eps) * scale[i] + shift[i]
        groups.append(y.clamp(min=0))
    return torch.stack(groups, 1)


def attention(x: Tensor, fc: nn.Conv3d, pooled: tuple[int, ...]) -> Tensor:
    """Weights over the k groups of ``(B, k, C/k, T, H, W)``, by a loop."""
    k, size = x.shape[1:3]
    logits = []
    for g in range(k):
        part = slice(g * size, (g + 1) * size)
        mean = x[:, g].mean(pooled, keepdim=True)
        kernel = fc.weight[part, :, 0, 0, 0]
        logits.append(torch.einsum("oc,bcthw->bothw", kernel, mean) + fc.bias[part].view(1, -1, 1, 1, 1))
    if k == 1:
        return torch.sigmoid(logits[0])[:, None]
    exponents = torch.stack(logits, 1).exp()
    return exponents / exponents.sum(1, keepdim=True)


@pytest.mark.parametrize("name", ATTENTIONS)
@pytest.mark.parametrize(("k", "stride"), [(1, 1), (2, 2), (4, 1)])
def test_equals_a_loop_over_groups(name: str, k: int, stride: int) -> None:
    torch.manual_seed(0)
    module = ATTENTIONS[name](8, k, stride, "batch").double()
    for tensor in (*module.parameters(), module.bn.running_mean):
        nn.init.normal_(tensor)
    nn.init.uniform_(module.bn.running_var, 0.5, 2)
    module.eval()
    x = torch.randn(2, 8, 5, 6, 7, dtype=torch.double)
    if isinstance(module, JoinedBranches):
        temporal, spatial = branch(module, x, 0), branch(module, x, 1)
        a_t, a_s = (
            attention(temporal, module.fc_temporal, (3, 4)),
            attention(spatial, module.fc_spatial, (2,)),
        )
        fused = isinstance(module, FusedAttention)
        expected = a_s * a_t * (spatial + temporal) if fused else temporal * a_t + spatial * a_s
    else:
        y = branch(module, x, 0)
        expected = y * attention(y, module.fc, (3, 4) if name == "ta" else (2,))
    torch.testing.assert_close(module(x), expected.flatten(1, 2), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("k", [2, 4])
def test_attention_sums_to_one_over_the_groups(k: int) -> None:
    weight = attend(torch.randn(3, 8, 4, 1, 1), k)
    assert weight.shape == (3, k, 8 // k, 4, 1, 1)
    torch.testing.assert_close(weight.sum(1), torch.ones(3, 8 // k, 4, 1, 1))


def test_one_group_is_a_sigmoid() -> None:
    logits = torch.randn(3, 8, 4, 1, 1)
    torch.testing.assert_close(attend(logits, 1)[:, 0], logits.sigmoid())


def test_gradients_of_the_gate() -> None:
    torch.manual_seed(0)
    shapes = [(2, 2, 3, 2, 3, 2)] * 2 + [(2, 2, 3, 2, 1, 1), (2, 2, 3, 1, 3, 2)]
    tensors = [torch.randn(shape, dtype=torch.double, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(Gate.apply, tensors, fast_mode=True)
