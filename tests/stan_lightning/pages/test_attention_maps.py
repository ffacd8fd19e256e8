"""Both views against naive loops, and on a network that is known to look somewhere."""

import pytest
import torch

from stan_lightning.network import STADRN
from stan_lightning.pages.attention_maps import grad_cam_plus_plus, maps, own_attention

ATTENTIONS = ("ta", "sa", "sta", "sta_af")


def tiny(attention="sta_af", k=2):
    torch.manual_seed(0)
    return STADRN(attention=attention, layers=(1, 1, 1, 1), k=k, features=2 * k).eval()


def test_grad_cam_plus_plus_equals_its_definition():
    torch.manual_seed(0)
    activation, gradient = torch.rand(3, 2, 4, 5).double(), torch.randn(3, 2, 4, 5).double()
    gradient[1] = 0
    expected = torch.zeros(2, 4, 5).double()
    for c in range(3):
        total = sum(
            activation[c, t, i, j] * gradient[c, t, i, j] ** 3
            for t in range(2)
            for i in range(4)
            for j in range(5)
        )
        weight = 0.0
        for t in range(2):
            for i in range(4):
                for j in range(5):
                    g = gradient[c, t, i, j]
                    below = 2 * g**2 + total
                    weight += float(g**2 / below * max(g, 0)) if below != 0 else 0.0
        expected += weight * activation[c]
    assert torch.allclose(grad_cam_plus_plus(activation, gradient), expected.relu())


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_maps_have_the_clips_size_and_leave_the_network_alone(attention):
    network = tiny(attention)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    clip = torch.randn(1, 3, 8, 48, 48)
    score = network(clip)
    for stage in (1, 2, 3, 4):
        found = maps(network, clip, stage)
        assert found.attention.shape == found.gradcam.shape == (8, 48, 48)
        assert (found.temporal is None) == (attention == "sa")
        assert 0 <= found.attention.min() and found.attention.max() <= 1
        assert 0 <= found.gradcam.min() and found.gradcam.max() <= 1 + 1e-6
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert not any(parameter.grad is not None for parameter in network.parameters())
    assert all((value == before[name]).all() for name, value in network.state_dict().items())
    assert torch.equal(network(clip), score)


def test_cutting_the_graph_at_the_stage_changes_no_gradient(monkeypatch):
    """The whole network's autograd gives the same Grad-CAM++ as the part behind the stage."""
    network, clip = tiny(), torch.randn(1, 3, 8, 32, 32)
    seen = {}

    def keep(_, __, output):
        output.retain_grad()
        seen["activation"] = output

    hook = network.layer_2[-1].register_forward_hook(keep)
    network(clip)[0, 0].backward()
    hook.remove()
    cam = grad_cam_plus_plus(seen["activation"][0].detach(), seen["activation"].grad[0])
    cam = torch.nn.functional.interpolate((cam / cam.max())[None, None], (8, 32, 32), mode="trilinear")[0, 0]
    assert torch.allclose(maps(network, clip, 2).gradcam, cam, atol=1e-6)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_own_attention_is_what_multiplies_the_features(attention):
    """Undo the module's product: features times weights is its output."""
    network = tiny(attention)
    module, x = network.layer_2[-1].conv2, torch.randn(1, 8, 4, 6, 6).relu()
    weights, temporal = own_attention(module, x)
    if attention in ("ta", "sa"):
        torch.nn.init.constant_(module.bn.bias, 5.0)  # no feature is zero, so that none hides its weight
        weights, temporal = own_attention(module, x)
        y = module.bn(module.group_conv(x)).relu().unflatten(1, (2, -1))
        assert (y > 0).all()
        ratio = module(x).unflatten(1, (2, -1)) / y
        assert torch.allclose(weights, ratio[0].amax(0).mean(0), atol=1e-5)
        assert (temporal is None) == (attention == "sa")
    else:
        x_t, x_s, a_t, a_s = module.branches(x)
        out = (a_s * a_t) * (x_s + x_t) if attention == "sta_af" else a_s * x_s + a_t * x_t
        assert torch.allclose(module(x), out.flatten(1, 2), atol=1e-6)
        fused = a_s * a_t if attention == "sta_af" else (a_s + a_t) / 2
        assert torch.allclose(weights, fused[0].max(0).values.mean(0))
        assert torch.allclose(temporal, a_t[0, ..., 0, 0].max(0).values.mean(0))


def test_undecided_attention_is_even():
    network = tiny("sta_af")
    module = network.layer_3[-1].conv2
    for fc in (module.fc_temporal, module.fc_spatial):
        torch.nn.init.zeros_(fc.weight)
        torch.nn.init.zeros_(fc.bias)
    weights, temporal = own_attention(module, torch.randn(1, 16, 4, 6, 6))
    assert torch.allclose(weights, torch.tensor(0.25)) and torch.allclose(temporal, torch.tensor(0.5))


@pytest.mark.slow
def test_grad_cam_finds_the_place_that_was_trained_on():
    """A few steps on clips whose bright quarter carries the score: the map points there."""
    torch.manual_seed(1)
    network = tiny().train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)

    def clips(n):
        bright = torch.rand(n)
        x = 0.1 * torch.randn(n, 3, 2, 24, 24)
        x[:, :, :, :12, :12] += 3 * bright.view(n, 1, 1, 1, 1)
        return x, bright

    for _ in range(30):
        x, bright = clips(8)
        loss = ((network(x)[:, 0] - bright) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    network.eval()
    x, _ = clips(1)
    x[:, :, :, :12, :12] += 1.5
    cam = maps(network, x, 1).gradcam
    assert cam[:, :12, :12].mean() > 1.5 * cam[:, 12:, 12:].mean()
