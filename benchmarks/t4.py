"""How long a recipe takes on a T4, predicted: no T4 was at hand.

    python -m benchmarks.t4

The network's operations are counted on fake tensors; a pass takes them divided by what the T4 can do in its
precision (NVIDIA's data sheet) and by a share of that which such networks reach. Clips have to be read as
well: an epoch's training and its development each take as long as the slower of device and loader. What is
not counted: the start of a run, kernels too small to fill the device, and how much faster a larger
`data.eval_batch_size` makes these.
"""

from dataclasses import dataclass

import torch
from rich import box
from rich.console import Console
from rich.table import Table
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from stan_lightning.network import STADRN

CLIPS, WINDOWS = 100, 900  # AVEC2014: training videos; development windows of 64 at every 3rd frame
SHAPE = (3, 64, 224, 224)
EPOCHS = 200
PEAK = {"16 bits": 65e12, "float32": 8.1e12}  # operations a second
REACHED = {"16 bits": (0.25, 0.15), "float32": (0.5, 0.25)}  # of that: at best, at worst
READ_S, WORKERS = (0.011, 0.022), 2  # seconds a clip and core: as measured here, and on a core half as fast


@dataclass(frozen=True)
class Settings:
    """What decides the time.

    Attributes:
        said: The settings as they are typed.
        development: Precision of development windows.
        interval: Epochs from one development score to the next.
    """

    said: str
    development: str
    interval: int


CASES = (
    Settings("model.validation_precision=32 (before)", "float32", 1),
    Settings("the default", "16 bits", 1),
    Settings("trainer.check_val_every_n_epoch=2", "16 bits", 2),
    Settings("trainer.check_val_every_n_epoch=5", "16 bits", 5),
)


def forward_operations() -> float:
    """Floating-point operations of one clip's forward pass through the default network."""
    with FakeTensorMode(), FlopCounterMode(display=False) as counter, torch.no_grad():
        STADRN().eval()(torch.empty(1, *SHAPE))
    return float(counter.get_total_flops())


def seconds(operations: float, precision: str, clips: int, case: int) -> float:
    """Seconds of a pass over so many clips at best (case 0) or at worst (case 1)."""
    device = operations * clips / (PEAK[precision] * REACHED[precision][case])
    return max(device, clips * READ_S[case] / WORKERS)


def predict(settings: Settings, case: int, forward: float) -> tuple[float, float, float]:
    """Seconds of an epoch's training and of a development score, and minutes for all epochs."""
    training = seconds(3 * forward, "16 bits", CLIPS, case)
    development = seconds(forward, settings.development, WINDOWS, case)
    scores = -(-EPOCHS // settings.interval)
    return training, development, (EPOCHS * training + scores * development) / 60


def main() -> None:
    """Print the table."""
    forward = forward_operations()
    console = Console(width=120)
    console.print(
        f"one clip forward: {forward / 1e9:.0f} GFLOP; an epoch: {3 * CLIPS * forward / 1e12:.0f} TFLOP of "
        f"training, {WINDOWS * forward / 1e12:.0f} TFLOP of development",
        highlight=False,
    )
    columns = ("settings", "training, s", "development, s", f"{EPOCHS} epochs, minutes")
    table = Table(*columns, box=box.MARKDOWN)
    for settings in CASES:
        best, worst = (predict(settings, case, forward) for case in (0, 1))
        table.add_row(
            settings.said, *(f"{low:.0f} to {high:.0f}" for low, high in zip(best, worst, strict=True))
        )
    console.print(table)


if __name__ == "__main__":
    main()
