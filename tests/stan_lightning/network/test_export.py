"""The exported network gives the network's numbers elsewhere."""

import copy
from pathlib import Path

import pytest
import torch

from stan_lightning.network import STADRN


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
