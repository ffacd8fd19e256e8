"""A network that onnxruntime computes, in the place of torch's: the same scores, from an ONNX file made here.

The file is made of the tensors at hand, which were checked, and never received: an ONNX file can ask for any
computation and any amount of memory.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_lightning.network.encoder import Encoder, Network
from stan_lightning.network.export import need_onnx, save_onnx

RUNTIMES = ("torch", "onnx")


class OnnxNetwork(Network):
    """Scores clips as another network does, by onnxruntime; it neither trains nor shows where it looks.

    Args:
        network: The one whose scores it gives.
        frames: Of a clip.
        size: Of a frame's side, in pixels.
        sound: Moments and bands of a clip's log-mel.

    Raises:
        InputError: The extra `onnx` is not installed, or the network cannot be written as ONNX.
    """

    def __init__(self, network: Network, frames: int, size: int, sound: tuple[int, int]) -> None:
        super().__init__()
        _, onnxruntime = need_onnx("runtime=onnx", "onnxscript", "onnxruntime")
        self.modalities, self.bounded = network.modalities, network.bounded
        self._parts, self._heads = dict(network.parts), list(network.heads)
        with tempfile.TemporaryDirectory(prefix="stan-lightning-") as folder:
            file = Path(folder) / "network.onnx"
            try:
                save_onnx(network, file, frames, size, sound)
            except torch.onnx.errors.OnnxExporterError as error:
                said = " ".join(str(error).split())[:200]
                raise InputError(f"runtime=onnx: this network cannot be written as ONNX: {said}") from None
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = torch.get_num_threads()
            self._session: Any = onnxruntime.InferenceSession(
                file, options, providers=onnxruntime.get_available_providers()
            )
        self._inputs = [one.name for one in self._session.get_inputs()]

    @property
    def parts(self) -> Mapping[str, Encoder]:
        """The encoders of the network that it stands for, which say how clips come to it."""
        return self._parts

    @property
    def heads(self) -> list[nn.Linear]:
        """The last layers of that network; nothing passes through them here."""
        return self._heads

    def score(self, inputs: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """Outputs ``(B, num_classes)``, on the device of the inputs."""
        first = inputs[self.modalities[0]]
        given = {name: inputs[name] for name in self.modalities}
        given |= {"clips": inputs["face"]} if "face" in inputs else {}
        everybody = torch.ones(len(first), dtype=torch.bool)
        given |= {f"{name}_present": present.get(name, everybody) for name in self.modalities}
        feed = {name: given[name].cpu().contiguous().numpy() for name in self._inputs}
        (scores,) = self._session.run(None, feed)
        return torch.from_numpy(scores).to(first.device)
