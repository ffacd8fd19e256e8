"""Windows scored by onnxruntime against torch: seconds a window, and how far the scores lie apart.

    python -m benchmarks.runtime
    python -m benchmarks.runtime --frames 16 --size 112 --batches 1 --rounds 3

The default network, in evaluation mode and float32. Both runtimes score the same batch in each round, one
after the other, with as many threads; a ratio is the median over the rounds of torch's time by onnxruntime's,
so that what else the machine does hits both. What onnxruntime takes to begin is told apart.
"""

import argparse
import statistics
import time

import torch
from rich.console import Console
from rich.table import Table

from stan_lightning.network import STADRN, Single
from stan_lightning.network.onnx_network import OnnxNetwork


def seconds(network: torch.nn.Module, clips: torch.Tensor) -> tuple[float, torch.Tensor]:
    """Of one pass, and its scores."""
    begun = time.perf_counter()
    with torch.inference_mode():
        scores = network.score({"face": clips}, {})
    return time.perf_counter() - begun, scores


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.manual_seed(0)
    network = Single(STADRN()).eval()
    begun = time.perf_counter()
    other = OnnxNetwork(network, asked.frames, asked.size, (640, 64))
    start = time.perf_counter() - begun
    drawn = Table(title=f"windows of {asked.frames} x {asked.size} px, {torch.get_num_threads()} threads")
    for column in ("windows", "torch s", "onnxruntime s", "times faster", "scores differ by"):
        drawn.add_column(column, justify="right")
    for batch in asked.batches:
        clips = torch.randn(batch, 3, asked.frames, asked.size, asked.size)
        apart = (seconds(network, clips)[1] - seconds(other, clips)[1]).abs().max()  # and both are warm
        pairs = [(seconds(network, clips)[0], seconds(other, clips)[0]) for _ in range(asked.rounds)]
        torch_s, onnx_s = (statistics.median(one) / batch for one in zip(*pairs, strict=True))
        ratio = statistics.median(first / second for first, second in pairs)
        drawn.add_row(str(batch), f"{torch_s:.2f}", f"{onnx_s:.2f}", f"{ratio:.2f}", f"{apart:.1e}")
    console = Console()
    console.print(drawn)
    console.print(f"onnxruntime begins after {start:.0f} s: its file is written from the network")


if __name__ == "__main__":
    main()
