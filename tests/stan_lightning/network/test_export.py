"""The exported network gives the network's numbers elsewhere."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from stan_lightning.network import STADRN, Network, Probe, Statistics
from stan_lightning.network.fusion import FUSIONS, Fusion
from stan_lightning.network.signal import SignalNet


def trained(attention: str = "sta_af") -> STADRN:
    """Draw a small network whose statistics a step has moved."""
    torch.manual_seed(0)
    network = STADRN(attention, layers=(1, 1, 1, 1), features=4, k=1, bounded=True)
    network(torch.randn(2, 3, 8, 32, 32))
    return network.eval()


@pytest.mark.slow
@pytest.mark.parametrize("attention", ["sta", "sta_af"])
def test_onnx_runtime_gives_the_same_scores(tmp_path: Path, attention: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'stan-lightning[onnx]'")
    pytest.importorskip("onnxscript", reason="pip install 'stan-lightning[onnx]'")
    from stan_lightning.network.export import save_onnx

    network = trained(attention).train()
    save_onnx(network, tmp_path / "network.onnx", frames=8, size=32)
    assert network.training and [path.name for path in tmp_path.iterdir()] == ["network.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    network.eval()
    for batch in (1, 3):
        clips = torch.randn(batch, 3, 8, 32, 32)
        (scores,) = session.run(None, {"clips": clips.numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), network(clips).detach(), rtol=1e-4, atol=1e-6)


def hearing(kind: str | None) -> STADRN | Fusion:
    """Draw a small network that hears, alone or beside a face, with statistics as after training."""
    torch.manual_seed(0)
    encoders = {
        name: STADRN(layers=(1, 1, 1, 1), features=2, k=2, modality=name) for name in ("face", "audio")
    }
    spans = {"face": (0.0, 0.8), "audio": (0.0, 0.8)}
    network = encoders["audio"] if kind is None else Fusion(encoders, kind, spans)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def mixed(size: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Clips of which some lack their sound and some their pictures, but none has neither."""
    clips = {"face": torch.randn(size, 3, 8, 32, 32), "audio": torch.randn(size, 1, 80, 64, 1)}
    face = torch.arange(size) % 3 != 1
    return clips, {"face": face, "audio": (torch.arange(size) % 2 == 0) | ~face}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*FUSIONS, None])
def test_onnx_of_what_hears_gives_the_same_scores_whoever_is_there(tmp_path: Path, kind: str | None) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'stan-lightning[onnx]'")
    pytest.importorskip("onnxscript", reason="pip install 'stan-lightning[onnx]'")
    from stan_lightning.network.export import save_onnx

    network = hearing(kind)
    save_onnx(network, tmp_path / "network.onnx", frames=8, size=32, sound=(80, 64))
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    names = ["face", "audio", "face_present", "audio_present"] if kind else ["audio"]
    assert [one.name for one in session.get_inputs()] == names
    for size in (1, 2, 5):
        clips, present = mixed(size)
        given = clips | {f"{name}_present": one for name, one in present.items()}
        with torch.no_grad():
            expected = network.score(clips, present)
        for noise in (0.0, 100.0):  # what is not there decides nothing
            if kind:
                given["audio"] = torch.where(present["audio"].view(-1, 1, 1, 1, 1), clips["audio"], noise)
            (scores,) = session.run(None, {name: given[name].numpy() for name in names})
            torch.testing.assert_close(torch.from_numpy(scores), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["network", "probe"])
def test_onnx_of_a_signal_gives_the_same_scores_where_measurements_are_missing(
    tmp_path: Path, kind: str
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="pip install 'stan-lightning[onnx]'")
    pytest.importorskip("onnxscript", reason="pip install 'stan-lightning[onnx]'")
    from stan_lightning.network.export import save_onnx

    torch.manual_seed(0)
    network: Network = SignalNet("behaviour", 3).eval()
    if kind == "probe":
        network = Probe({"behaviour": Statistics("behaviour", 3)}, reader=None).eval()
    network.parts["behaviour"].standardise(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 0.0, 2.0]))
    save_onnx(network, tmp_path / "network.onnx", frames=8)
    session = onnxruntime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])

    def expected(measured: torch.Tensor) -> torch.Tensor:
        return network.score({"behaviour": measured}, {}).detach()

    for size in (1, 4):
        measured = torch.randn(size, 8, 3)
        measured[:, 2:4] = measured[-1, 5, 1] = torch.nan
        (scores,) = session.run(None, {"behaviour": measured.numpy()})
        torch.testing.assert_close(torch.from_numpy(scores), expected(measured), rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", FUSIONS)
def test_what_an_export_computes_is_what_evaluation_does(kind: str) -> None:
    network, (clips, present) = hearing(kind), mixed(5)
    assert isinstance(network, Fusion)
    with torch.no_grad():
        expected = network.score(clips, present)
        network.exporting = True
        torch.testing.assert_close(network.score(clips, present), expected, rtol=0, atol=1e-6)


def test_exported_program_gives_the_same_scores() -> None:
    network = trained()
    batch = torch.export.Dim("batch", min=1, max=8)
    program = torch.export.export(network, (torch.randn(2, 3, 8, 32, 32),), dynamic_shapes={"x": {0: batch}})
    clips = torch.randn(3, 3, 8, 32, 32)
    torch.testing.assert_close(program.module()(clips), network(clips))


def test_network_can_be_copied() -> None:
    network = trained()
    clips = torch.randn(1, 3, 8, 32, 32)
    assert torch.equal(copy.deepcopy(network)(clips), network(clips))
