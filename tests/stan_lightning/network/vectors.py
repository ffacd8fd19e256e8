"""Reference vectors of STA-DRN, made by the plain network of the benchmarks: what vectors.json holds.

Weights and clips are sines of their position, so that nothing here depends on a generator of random numbers.
``python tests/stan_lightning/network/vectors.py`` writes the file again.
"""

import json
import runpy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

FILE = Path(__file__).with_name("vectors.json")
PlainSTADRN = runpy.run_path(str(Path(__file__).parents[3] / "benchmarks" / "plain_network.py"))[
    "PlainSTADRN"
]
CASES: dict[str, dict[str, Any]] = {
    **{f"{name}, k=2": {"attention": name, "k": 2} for name in ("ta", "sa", "sta", "sta_af")},
    **{f"{name}, k=1": {"attention": name, "k": 1} for name in ("sta", "sta_af")},
    "sta_af on audio, five classes": {"attention": "sta_af", "k": 2, "in_channels": 1, "num_classes": 5},
}
SMALL = {"layers": (1, 1, 1, 1), "features": 2}


def sines(like: Tensor, phase: float) -> Tensor:
    """Numbers of a tensor's shape from -1 to 1, none like its neighbour."""
    return torch.sin(torch.arange(like.numel(), dtype=torch.double) * 0.7 + phase).reshape(like.shape)


def plain(**arguments: Any) -> nn.Module:
    """The plain network with weights and statistics by position and order."""
    network = PlainSTADRN(**SMALL, **arguments).double()
    with torch.no_grad():
        for number, (name, tensor) in enumerate(network.state_dict().items()):
            if name.endswith("running_var") or ("bn" in name and name.endswith("weight")):
                tensor.copy_(1 + 0.5 * sines(tensor, number))
            elif tensor.is_floating_point():
                tensor.copy_(sines(tensor, number) / max(1, tensor[0].numel()) ** 0.5)
    return network


def measured(network: nn.Module, in_channels: int = 3, **_: Any) -> dict[str, Any]:
    """What a network gives for two clips in evaluation and in training, and its gradient's norm."""
    clips = sines(torch.empty(2, in_channels, 6, 24, 20), 0.0)
    found = {"evaluation": network.eval()(clips).tolist()}
    output = network.train()(clips)
    output.square().sum().backward()
    norm = torch.stack([one.grad.norm() for one in network.parameters() if one.grad is not None]).norm()
    return found | {"training": output.tolist(), "gradient": norm.item()}


if __name__ == "__main__":
    vectors = {name: measured(plain(**arguments), **arguments) for name, arguments in CASES.items()}
    FILE.write_text(json.dumps(vectors, indent=1) + "\n")
