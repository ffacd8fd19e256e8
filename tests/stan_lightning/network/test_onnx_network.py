"""A network that onnxruntime computes gives torch's scores, whoever is there."""

import importlib

import pytest
import torch

from stan_boundary.errors import InputError
from stan_lightning.network import STADRN, Fusion, Single, export
from stan_lightning.network.onnx_network import OnnxNetwork

SHAPE = {"frames": 8, "size": 32, "sound": (80, 64)}


def settled(network: torch.nn.Module) -> torch.nn.Module:
    """With statistics as after training."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.mark.slow
def test_scores_of_one_modality_and_of_two() -> None:
    small = {"layers": (1, 1, 1, 1), "features": 2}
    alone = settled(Single(STADRN(**small)))
    both = {name: STADRN(**small, modality=name) for name in ("face", "audio")}
    fused = settled(Fusion(both, fusion="gated", spans={}))
    inputs = {"face": torch.randn(3, 3, 8, 32, 32), "audio": torch.randn(3, 1, 80, 64, 1)}
    present = {"audio": torch.tensor([True, False, True])}
    for network in (alone, fused):
        found = OnnxNetwork(network, **SHAPE)
        with torch.inference_mode():
            for given in (present, {}):
                torch.testing.assert_close(
                    found.score(inputs, given), network.score(inputs, given), rtol=1e-4, atol=1e-6
                )
        assert found.modalities == network.modalities and dict(found.parts) == dict(network.parts)
        assert found.heads == list(network.heads)
        assert not list(found.parameters())  # whose place nobody would look for


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without(name: str, *rest: object) -> object:
        if name == "onnxruntime":
            raise ImportError("No module named 'onnxruntime'")
        return real(name)

    monkeypatch.setattr(export, "import_module", without)
    with pytest.raises(InputError, match=r"needs the extra onnx .* pip install 'stan-lightning\[onnx\]'"):
        OnnxNetwork(Single(STADRN(layers=(1, 1, 1, 1), features=2)), **SHAPE)
