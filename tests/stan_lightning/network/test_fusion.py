"""Audio and fusion: shapes, masks, gates, clocks, against formulas written out by hand."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.build import build, modalities
from stan_lightning.network.encoder import Single, Wrapped, moments
from stan_lightning.network.fusion import FUSIONS, WIDTH, Fusion

SPANS = {"face": (0.0, 1.6), "audio": (0.0, 1.6)}


def encoder(modality, **more):
    return STADRN(layers=(1, 1, 1, 1), features=2, k=2, modality=modality, **more)


def fusion(kind, **more):
    torch.manual_seed(0)
    made = Fusion({name: encoder(name) for name in ("face", "audio")}, kind, SPANS, **more)
    for module in made.modules():  # statistics as after training, so that evaluation is no constant
        if isinstance(module, nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return made


def batch(size=3):
    torch.manual_seed(1)
    return {"face": torch.randn(size, 3, 16, 32, 32), "audio": torch.randn(size, 1, 160, 64, 1)}


def everyone(size=3):
    return {"audio": torch.ones(size, dtype=torch.bool)}


def test_audio_is_a_sta_drn_one_column_wide():
    network, x = encoder("audio"), batch()["audio"]
    assert network.conv_1.kernel_size == (7, 7, 1) and network.conv_1.in_channels == 1
    widths = {m.kernel_size[2] for m in network.modules() if isinstance(m, nn.Conv3d)}
    assert widths == {1}
    assert network.stages(x).shape == (3, 4 * 16, 20, 2, 1)
    assert network.score({"audio": x}, {}).shape == (3, 1) and network.modalities == ("audio",)
    assert encoder("audio").stages(torch.randn(1, 1, 640, 64, 1)).shape[2] == 80  # moments of 6.4 s


def test_a_column_is_a_wide_kernel_on_padding():
    """The same network with wide kernels whose outer columns meet nothing but zeros."""
    narrow = encoder("audio").eval()
    wide = STADRN(layers=(1, 1, 1, 1), features=2, k=2, in_channels=1).eval()
    state = wide.state_dict()
    for name, tensor in narrow.state_dict().items():
        if tensor.shape != state[name].shape:
            full = torch.randn(state[name].shape)
            full[..., full.shape[-1] // 2 :][..., :1] = tensor
            tensor = full
        state[name] = tensor
    wide.load_state_dict(state)
    x = batch()["audio"]
    assert torch.allclose(narrow(x), wide(x), atol=1e-6)


@pytest.mark.parametrize("kind", FUSIONS)
def test_what_is_missing_decides_nothing(kind):
    network, inputs = fusion(kind).eval(), batch()
    present = {"audio": torch.tensor([True, False, True])}
    whole, masked = network.score(inputs, everyone()), network.score(inputs, present)
    assert torch.allclose(whole[[0, 2]], masked[[0, 2]], atol=1e-6)
    assert (whole[1] - masked[1]).abs() > 1e-5
    other = dict(inputs, audio=torch.where(present["audio"].view(-1, 1, 1, 1, 1), inputs["audio"], 99.0))
    assert torch.equal(network.score(other, present), masked)
    nobody = torch.zeros(3, dtype=torch.bool)
    seen = network.score(inputs, {"audio": nobody})  # what evaluation asks for: the face alone
    assert torch.allclose(seen[1], masked[1], atol=1e-6)
    alone = network.score(inputs, everyone() | {"face": nobody})
    assert (
        torch.allclose(alone, network.score(dict(inputs, face=inputs["face"] * 0), everyone()), atol=1)
        and (alone - whole).abs().max() > 1e-5
    )


def test_mean_is_the_mean_of_the_heads_that_are_there():
    network, inputs = fusion("mean").eval(), batch()
    face, audio = (network.encoders[name](inputs[name]) for name in ("face", "audio"))
    present = {"audio": torch.tensor([True, False, True])}
    found = network.score(inputs, present)
    assert torch.allclose(found[[0, 2]], ((face + audio) / 2)[[0, 2]], atol=1e-6)
    assert torch.allclose(found[1], face[1], atol=1e-6)


def test_gates_are_a_softmax_of_what_is_there():
    network, inputs = fusion("gated").eval(), batch()
    found = network.score(inputs, {"audio": torch.tensor([True, False, True])})
    parts = {}
    for name in ("face", "audio"):
        z = network.encoders[name].stages(inputs[name]).mean((2, 3, 4))
        parts[name] = network.norm[name](network.project[name](z))
    v, _, u = network.gate
    logits = torch.cat([torch.tanh(v(parts[name])) @ u.weight.T for name in parts], 1)
    gates = logits.softmax(1)
    want = network.fc(sum(gates[:, [number]] * parts[name] for number, name in enumerate(parts)))
    assert torch.allclose(found[[0, 2]], want[[0, 2]], atol=1e-5)
    assert torch.allclose(found[1], network.fc(parts["face"])[1], atol=1e-5)
    assert network.gates.shape == (3, 2) and network.gates[1].tolist() == [1.0, 0.0]


def test_attention_puts_all_tokens_on_one_clock():
    network = fusion("attention")
    face, audio = (
        network._clock("face", torch.zeros(1, 2, WIDTH)),
        network._clock("audio", torch.zeros(1, 20, WIDTH)),
    )
    assert face.shape == (2, WIDTH) and audio.shape == (20, WIDTH)
    seconds = {"face": 0.4, "audio": (9.5 / 20) * 1.6}
    for found, moment in ((face[0], seconds["face"]), (audio[9], seconds["audio"])):
        slow = math.exp(-math.log(100.0) * 2 / WIDTH)
        want = [
            math.sin(2 * math.pi * moment),
            math.cos(2 * math.pi * moment),
            math.sin(2 * math.pi * moment * slow),
        ]
        assert found[:3].tolist() == pytest.approx(want, abs=1e-4)
    network.spans = {"face": (0.0, 1.6), "audio": (0.4, 1.2)}  # less sound, about the same middle
    assert network._clock("audio", torch.zeros(1, 1, WIDTH))[0, 0].item() == pytest.approx(
        math.sin(2 * math.pi * 0.8), abs=1e-4
    )


@pytest.mark.parametrize("kind", FUSIONS)
def test_training_hides_modalities_but_never_all_and_every_parameter_learns(kind):
    network, inputs = fusion(kind, drop_modality=0.5), batch()
    given = torch.ones(4000, 2, dtype=torch.bool)
    given[:1000, 1] = False
    kept = network._drop(given)
    assert kept.any(1).all() and not (kept & ~given).any() and kept[:1000, 0].all()
    assert 0.3 < kept[1000:, 0].float().mean() < 0.85
    network.train().score(inputs, everyone()).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("kind", FUSIONS)
def test_a_batch_without_any_sound_trains_and_leaves_the_audio_as_it_is(kind):
    network, inputs = fusion(kind), batch()
    before = {name: buffer.clone() for name, buffer in network.encoders["audio"].named_buffers()}
    network.train().score(inputs, {"audio": torch.zeros(3, dtype=torch.bool)}).sum().backward()
    for name, parameter in network.encoders["audio"].named_parameters():
        assert parameter.grad is not None, name
        assert not parameter.grad.any()
    assert all(torch.equal(before[name], one) for name, one in network.encoders["audio"].named_buffers())
    assert any(parameter.grad.any() for parameter in network.encoders["face"].parameters())


def test_a_frozen_encoder_stays_in_evaluation_and_without_gradients():
    network, inputs = fusion("gated", frozen=["audio"]), batch()
    assert not network.encoders["audio"].training  # from the start: not every trainer sets modes
    network.eval().train()
    assert not network.encoders["audio"].training and network.encoders["face"].training
    network.score(inputs, everyone()).sum().backward()
    assert all(parameter.grad is None for parameter in network.encoders["audio"].parameters())


@pytest.mark.parametrize(
    ("kind", "scores"),
    [
        ("mean", [0.17628598, 0.15751106, 0.1624853]),
        ("gated", [1.13914704, 1.41209149, 1.1269213]),
        ("attention", [-0.20984066, -0.02090748, -0.20398796]),
    ],
)
def test_scores_of_face_and_audio_are_those_of_before_there_were_signals(kind, scores):
    found = fusion(kind).eval().score(batch(), {"audio": torch.tensor([True, False, True])})
    assert found.flatten().tolist() == pytest.approx(scores, abs=1e-5)


STADRN_TARGET = {"_target_": "stan_lightning.network.STADRN", "layers": [1, 1, 1, 1], "features": 2, "k": 1}
FUSION: dict = {
    "_target_": "stan_lightning.network.Fusion",
    "encoders": {"face": STADRN_TARGET, "audio": STADRN_TARGET},
    "fusion": "gated",
}
SINGLE = {"_target_": "stan_lightning.network.Single", "encoder": STADRN_TARGET}
FACTS: dict = {"columns": {}, "spans": {"face": [0.0, 1.6], "audio": [0.4, 1.2]}, "moment_s": 0.1}


def test_networks_are_built_from_plain_data():
    made = build(FUSION, 1, FACTS)
    assert isinstance(made, Fusion) and made.modalities == ("face", "audio") == tuple(modalities(FUSION))
    assert made.spans["audio"] == [0.4, 1.2] and made.parts["audio"].modality == "audio"
    audio = build(SINGLE | {"encoder": STADRN_TARGET | {"modality": "audio"}, "bounded": True}, 3, FACTS)
    assert isinstance(audio, Single) and audio.modalities == ("audio",) and audio.bounded
    assert audio.head.out_features == 3 and modalities(SINGLE) == ["face"]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (SINGLE | {"_target_": "stan_lightning.network.Singel"}, "has no Singel; did you mean Single"),
        (FUSION | {"fusion": "sum"}, "unknown fusion 'sum': choose one of mean, gated, attention"),
        (FUSION | {"encoders": {"face": STADRN_TARGET}}, "a fusion needs two modalities"),
        (FUSION | {"drop_modality": 1.0}, "drop_modality is 1.0"),
        (FUSION | {"frozen": ["smell"]}, "frozen names smell, none of face, audio"),
        (
            FUSION | {"encoders": {"face": STADRN_TARGET, "values": STADRN_TARGET}},
            "unknown modality 'values'",
        ),
        (SINGLE | {"encoder": {"k": 2}}, r"model\.network\.encoder has no _target_"),
        ({"_target_": "stan_lightning.network.Single"}, r"model\.network\.encoder has no _target_"),
        (SINGLE | {"encoder": STADRN_TARGET | {"feature": 2}}, "takes no feature; did you mean features"),
    ],
)
def test_what_is_no_network_is_refused(config, said):
    with pytest.raises(InputError, match=said):
        build(config, 1, FACTS)


class Plain(nn.Module):
    """A module of somebody's own: a vector a clip, or tokens."""

    def __init__(self, kind):
        super().__init__()
        self.convolution, self.kind = nn.Conv3d(3, 6, 3, padding=1), kind

    def forward(self, x):
        maps = self.convolution(x)
        kinds = {"maps": maps, "tokens": moments(maps), "vector": maps.mean((2, 3, 4)), "field": None}
        return SimpleNamespace(last_hidden_state=moments(maps)) if self.kind == "field" else kinds[self.kind]


@pytest.mark.parametrize("kind", ["maps", "tokens", "vector", "field"])
def test_any_module_is_an_encoder(kind):
    torch.manual_seed(0)
    network = Single(Wrapped(Plain(kind), width=6, size=32), num_classes=2)
    clip = torch.randn(3, 3, 4, 32, 32)
    want = network.head(network.encoder.module.convolution(clip).mean((2, 3, 4)))
    assert torch.allclose(network.score({"face": clip}, {}), want, atol=1e-5)
    assert network.encoder.input["size"] == 32 and "frames" not in network.encoder.input
    parts = {"face": Wrapped(Plain(kind), width=6), "audio": encoder("audio")}
    joined = Fusion(parts, "attention", SPANS)
    present = {"audio": torch.tensor([True, False, True])}
    assert joined.score(batch() | {"face": clip}, present).shape == (3, 1)
    with pytest.raises(
        InputError, match=r"Plain of clips \(3, 3, 4, 32, 32\) gives \(3, .*, and the encoder's width is 5"
    ):
        Single(Wrapped(Plain(kind), width=5))(clip)
