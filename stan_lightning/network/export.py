"""The network for use without this package: an ONNX file."""

import copy
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from stan_boundary.errors import InputError
from stan_boundary.writing import write_whole
from stan_lightning.network.encoder import Network

MOST_CLIPS = 1024


def need_onnx(what: str, *modules: str) -> list[Any]:
    """Modules of the extra `onnx`; raises an `InputError` that says `what` needs it where one is missing."""
    try:
        return [import_module(name) for name in modules]
    except ImportError as error:
        raise InputError(
            f"{what} needs the extra onnx ({error}): pip install 'stan-lightning[onnx]'"
        ) from None


class _Flat(nn.Module):
    """A network whose batch is lists in the order of its modalities: what it reads, and who is there."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Sequence[Tensor], present: Sequence[Tensor]) -> Tensor:
        names = self.network.modalities
        return self.network.score(
            dict(zip(names, inputs, strict=True)), dict(zip(names, present, strict=False))
        )


def save_onnx(
    network: Network,
    path: str | Path,
    frames: int = 64,
    size: int = 224,
    sound: tuple[int, int] = (640, 64),
) -> None:
    """Write the trained network in evaluation mode as one ONNX file.

    It maps its inputs, normalised and with B free, to `scores`, ``(B, num_classes)``:

    - a network of faces reads `clips`, ``(B, in_channels, frames, size, size)``;
    - a network of voices reads `audio`, ``(B, 1, moments, bands, 1)``;
    - a network of a signal reads it by its name, ``(B, frames, columns)``, as measured, NaN where missing;
    - a fusion reads each modality by its name (`face` as clips), and for each, as `face_present` and
      `audio_present`, bool ``(B,)``, which clips have it: at least one of them. What is not there may hold
      any numbers.

    Needs the `onnx` extra.

    Args:
        network: stays as it is.
        path: of the file to write.
        frames: of a clip, which are the moments of its signals.
        size: of a frame's side, in pixels.
        sound: moments and bands of a clip's log-mel.
    """
    network = copy.deepcopy(network).eval().requires_grad_(True)  # else torch fuses what ONNX does not know
    names = list(network.modalities)
    inputs, present = [network.parts[name].example(frames, size, sound) for name in names], []
    network.exporting = True
    if len(names) > 1:
        present = [torch.tensor([True, one == 0]) for one in range(len(names))]
        names += [f"{name}_present" for name in names]
    batch = {0: torch.export.Dim("batch", min=1, max=MOST_CLIPS)}
    with _quiet():
        program = torch.onnx.export(
            _Flat(network).eval(),
            (inputs, present),
            dynamo=True,
            external_data=False,
            input_names=["clips"] if names == ["face"] else names,
            output_names=["scores"],
            dynamic_shapes={"inputs": [batch] * len(inputs), "present": [batch] * len(present)},
            verbose=False,
        )
    assert program is not None
    write_whole(Path(path), _without_traces(program.model_proto).SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself, such as packages that it does without."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _without_traces(model: Any) -> Any:
    """A model without what torch notes of where each node came from: this machine's paths and our lines."""
    graphs = [model.graph, *model.functions]
    while graphs:
        graph = graphs.pop()
        values = [*getattr(graph, "value_info", ()), *getattr(graph, "initializer", ())]
        ends = [] if graph in model.functions else [*graph.input, *graph.output]
        for part in (graph, *graph.node, *values, *ends):
            part.ClearField("doc_string")
            part.ClearField("metadata_props")
        for node in graph.node:
            graphs += [one.g for one in node.attribute if one.HasField("g")]
    model.ClearField("doc_string")
    model.ClearField("metadata_props")
    return model
