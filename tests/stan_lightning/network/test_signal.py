"""A network on signals: what is missing, padded or constant changes nothing; alone and in a fusion."""

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN
from stan_lightning.network.build import build
from stan_lightning.network.encoder import Single, mean_over
from stan_lightning.network.fusion import FUSIONS, WIDTH, Fusion
from stan_lightning.network.signal import SignalNet

NAN = float("nan")


def signal(columns: int = 3, **more) -> SignalNet:
    torch.manual_seed(0)
    return SignalNet("mood", columns, width=8, **more).eval()


def measured(size: int = 3, moments: int = 20, columns: int = 3) -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randn(size, moments, columns)


@pytest.mark.parametrize("columns", [1, 3, 700])
def test_any_number_of_columns_and_few_parameters(columns):
    network = signal(columns)
    assert network.score({"mood": measured(columns=columns)}, {}).shape == (3, 1)
    assert network.modalities == ("mood",) and network.heads == [network.fc]
    assert sum(p.numel() for p in SignalNet("mood", 30).parameters()) < 15_000


def test_standardised_by_buffers_that_travel_with_the_weights():
    network, x = signal(), measured() * 5 + 100
    mean, deviation = x.flatten(0, 1).mean(0), x.flatten(0, 1).std(0)
    network.standardise(mean, deviation)
    plain = signal()
    assert torch.allclose(network(x), plain((x - mean) / deviation), atol=1e-5)
    state = network.state_dict()
    assert torch.equal(state["mean"], mean) and torch.equal(state["deviation"], deviation)


def test_a_constant_column_says_nothing_and_a_slip_is_bounded():
    network, x = signal(), measured()
    network.standardise(torch.tensor([0.0, 5.0, 0.0]), torch.tensor([1.0, 0.0, 1.0]))
    other = x.clone()
    other[..., 1] = 1e9
    assert torch.equal(network(x), network(other)) and network(x).isfinite().all()
    far = x.clone()
    far[0, 0, 0] = 1e30
    near = x.clone()
    near[0, 0, 0] = 10.0
    assert torch.equal(network(far), network(near))


def test_padding_and_batches_change_nothing():
    """To 1e-6: whole recordings of any length score in a batch as one by one."""
    network = signal(layers=3)
    clips = [measured(1, moments) for moments in (1, 7, 20, 300)]
    clips[2][0, 3:9] = NAN  # a gap
    clips[2][0, 12, 1] = NAN
    alone = torch.cat([network(clip) for clip in clips])
    padded = torch.full((4, 300, 3), NAN)
    for row, clip in enumerate(clips):
        padded[row, : clip.shape[1]] = clip[0]
    assert (network(padded) - alone).abs().max() < 1e-6
    longer = torch.cat([padded, torch.full((4, 50, 3), NAN)], 1)
    assert (network(longer) - alone).abs().max() < 1e-6
    assert len({round(float(one), 4) for one in alone.detach()}) == 4


def test_what_is_missing_is_told_from_zero():
    network, x = signal(), measured()
    x[:, 5, 0] = 0.0
    zero = network(x)
    x[:, 5, 0] = NAN
    assert (network(x) - zero).abs().min() > 1e-6


def test_attention_is_a_softmax_over_the_moments_that_are_there():
    network, x = signal(), measured()
    x[0, 4:10] = NAN
    tokens, present = network.tokens(x)
    assert present.sum(1).tolist() == [14, 20, 20] and not tokens[0, 4:10].any()
    hidden = torch.cat([torch.nan_to_num(x), (~x.isnan()).float()], 2)
    y = network.enter(hidden)
    for block in network.blocks:
        y = block(y, present[:, :, None].float())
    y = network.norm(y)
    logits = network.weigh(y)[..., 0]
    for row in range(3):
        weights = logits[row, present[row]].softmax(0)
        want = (weights[:, None] * y[row, present[row]]).sum(0)
        assert torch.allclose(mean_over(tokens, present)[row], want, atol=1e-6)


def test_nothing_measured_is_a_constant_with_a_gradient():
    network, x = signal().train(), measured()
    x[1] = NAN
    found = network.eval()(x)
    assert torch.equal(found[1], network.fc.bias) and found.isfinite().all()
    network.train()(torch.full((2, 5, 3), NAN)).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in network.parameters())
    network.train()(x).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kernel": 4}, "kernel is 4: it must be odd"),
        ({"width": 0}, "width is 0: it must be a whole number of at least 1"),
        ({"layers": 1.5}, "layers is 1.5"),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_arguments_outside_their_choices(change, said):
    with pytest.raises(InputError, match=said):
        SignalNet("mood", 3, **change)


# --- in a fusion --------------------------------------------------------------------------------------


def face() -> STADRN:
    return STADRN(layers=(1, 1, 1, 1), features=2, k=2)


def fusion(kind: str, *signals: str, see: bool = True, **more) -> Fusion:
    torch.manual_seed(0)
    encoders = {"face": face()} if see else {}
    encoders |= {name: SignalNet(name, 3 + number, width=8) for number, name in enumerate(signals)}
    return Fusion(encoders, kind, {"face": (0.0, 1.6)}, moment_s=0.1, **more).eval()


def batch(*signals: str, moments: int = 16) -> dict[str, torch.Tensor]:
    torch.manual_seed(1)
    inputs = {"face": torch.randn(3, 3, 16, 32, 32)}
    return inputs | {name: torch.randn(3, moments, 3 + n) for n, name in enumerate(signals)}


@pytest.mark.parametrize("kind", FUSIONS)
def test_a_signal_that_is_missing_decides_nothing(kind):
    network, inputs = fusion(kind, "mood", "pulse"), batch("mood", "pulse")
    everyone = {name: torch.ones(3, dtype=torch.bool) for name in ("mood", "pulse")}
    without = dict(everyone, mood=torch.tensor([True, False, True]))
    whole, masked = network.score(inputs, everyone), network.score(inputs, without)
    assert torch.allclose(whole[[0, 2]], masked[[0, 2]], atol=1e-6)
    assert (whole[1] - masked[1]).abs() > 1e-5
    other = dict(inputs, mood=torch.where(without["mood"][:, None, None], inputs["mood"], NAN))
    assert torch.equal(network.score(other, without), masked)
    hidden = network.score(inputs, everyone | {"mood": torch.zeros(3, dtype=torch.bool)})
    assert torch.allclose(hidden[1], masked[1], atol=1e-6)


@pytest.mark.parametrize("kind", FUSIONS)
def test_moments_that_are_missing_decide_nothing(kind):
    """Two signals alone; whole recordings padded in a batch score as one by one."""
    network, inputs = fusion(kind, "mood", "pulse", see=False), batch("mood", "pulse", moments=30)
    present = {name: torch.ones(3, dtype=torch.bool) for name in ("mood", "pulse")}
    inputs["mood"][1, 12:] = NAN
    inputs["pulse"][1, 12:] = NAN
    inputs["mood"][0, 5:9] = NAN
    alone = network.score({n: inputs[n][1:2, :12] for n in present}, {n: present[n][:1] for n in present})
    assert (network.score(inputs, present)[1] - alone).abs().max() < 1e-6
    nobody = {name: torch.zeros(3, dtype=torch.bool) for name in present}
    assert network.score(inputs, nobody).isfinite().all()
    network.train().score(inputs, nobody).sum().backward()
    assert all(p.grad.isfinite().all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("kind", FUSIONS)
def test_every_parameter_learns_and_mean_takes_each_ones_own_score(kind):
    network, inputs = fusion(kind, "mood", drop_modality=0.0), batch("mood")
    if kind == "mean":
        want = (network.encoders["face"](inputs["face"]) + network.encoders["mood"](inputs["mood"])) / 2
        assert torch.allclose(network.score(inputs, {}), want, atol=1e-6)
    network.train().score(inputs, {}).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert len(network.heads) == (2 if kind == "mean" else 1)


def test_a_signal_s_tokens_stand_at_its_moments():
    network = fusion("attention", "mood")
    clock = network._clock("mood", torch.zeros(1, 16, WIDTH))
    whole = network._clock("mood", torch.zeros(1, 200, WIDTH))
    assert torch.equal(clock, whole[:16])
    seen = network._clock("face", torch.zeros(1, 2, WIDTH))
    assert torch.allclose((clock[3] + clock[4]) / 2, seen[0], atol=0.06)  # 0.35 s, 0.45 s; 0.4 s


SIGNAL = {
    "_target_": "stan_lightning.network.SignalNet",
    "width": 4,
    "layers": 1,
    "kernel": 3,
    "dropout": 0.1,
}
FACE = {"_target_": "stan_lightning.network.STADRN", "layers": [1, 1, 1, 1], "features": 2, "k": 1}
ALONE = {"_target_": "stan_lightning.network.Single", "encoder": SIGNAL | {"modality": "mood"}}
BOTH: dict = {"_target_": "stan_lightning.network.Fusion", "fusion": "gated"}
BOTH |= {"encoders": {"face": FACE, "mood": SIGNAL | {"width": 12}}}
FACTS: dict = {"columns": {"mood": ["a", "b"]}, "spans": {"face": [0.0, 1.6]}, "moment_s": 0.1}


def test_networks_are_built_for_the_data_s_columns():
    alone = build(ALONE | {"bounded": True}, 1, FACTS)
    assert isinstance(alone, Single) and alone.bounded and alone.encoder.mean.shape == (2,)
    both = build(BOTH, 1, FACTS)
    assert isinstance(both, Fusion) and both.modalities == ("face", "mood") and both.moment_s == 0.1
    assert both.widths == {"face": 64, "mood": 12}


@pytest.mark.parametrize(
    ("config", "columns", "said"),
    [
        (ALONE, {}, r"model\.network\.encoder reads a signal's columns, and nobody knows those of mood"),
        (ALONE | {"encoder": SIGNAL | {"modality": "face"}}, {}, "nobody knows those of face, which is none"),
        (
            ALONE | {"encoder": SIGNAL | {"modality": "mood", "widht": 3}},
            {"mood": ["a"]},
            "did you mean width",
        ),
        (BOTH | {"encoders": {"face": FACE, "values": SIGNAL}}, {"values": ["a"]}, "cannot be called values"),
    ],
)
def test_what_is_no_network_is_refused(config, columns, said):
    with pytest.raises(InputError, match=said):
        build(config, 1, FACTS | {"columns": columns})
