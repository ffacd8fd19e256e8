"""Nothing is mixed between devices, and no step waits for the device: on a device that is none."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stan_lightning.network.attention import ATTENTIONS
from stan_lightning.network.fusion import FUSIONS

backends = pytest.importorskip("torch.utils.backend_registration")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(
    not hasattr(backends, "_setup_privateuseone_for_python_backend"),
    reason="this torch cannot make up a device",
)
def test_batches_and_steps_of_every_network_stay_on_the_device() -> None:
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("fake_gpu.py")],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    names = [*ATTENTIONS, "audio", *(f"fusion {fusion}" for fusion in FUSIONS)]
    assert done.stdout.splitlines() == [f"{name}, {bits} bits" for name in names for bits in (32, 16)]
