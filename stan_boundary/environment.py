"""Environment variables that this project chooses where the user chose nothing.

Libraries read these once, when they are loaded, and child processes inherit them. So the first module of
either wing that is imported sets them (``preprocess/__init__.py``, ``stan_lightning/__init__.py``).
"""

import os
from collections.abc import MutableMapping

from stan_boundary import cores

DEFAULTS = {
    # OpenMP's threads spin briefly and then sleep while they wait for each other: threads that go on spinning
    # starve one another where another process is busy on the same cores, and threads that sleep at once make
    # small operations half as slow again (benchmarks/contention.py). No sum changes. LLVM's and Intel's
    # runtimes read the first; GNU's, which torch has on Linux, goes by the second where both are set.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "3000",
    # Nothing is sent that nobody asked for. onnxruntime, which torchmetrics imports, sends a device id and
    # python's path; W&B reports crashes and sessions, also of offline runs; huggingface_hub names of models.
    "ORT_DISABLE_TELEMETRY": "1",
    "WANDB_ERROR_REPORTING": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Variables that set the same thing: where the user chose one of them, none is added."""

THREADS = "OMP_NUM_THREADS"
chosen: set[str] = set()
"""Variables that were set here, in this process."""


def set_defaults(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add what the user left open to the environment of this process and its children.

    The number of threads is left to the libraries, which go by affinity, but where control groups grant less:
    another number adds in another order.
    """
    limited = cores.granted() < cores.bound()
    defaults = DEFAULTS | ({THREADS: str(cores.usable())} if limited else {})
    taken = set(environment) | (set(WAITING) if any(name in environment for name in WAITING) else set())
    for name in defaults.keys() - taken:
        environment[name] = defaults[name]
        chosen.add(name)
