"""Environment variables that this project chooses where the user chose nothing.

Libraries read these once, when they are loaded, and child processes inherit them. So the first module of
either wing that is imported sets them (``preprocess/__init__.py``, ``stan_lightning/__init__.py``).
"""

import os
from collections.abc import MutableMapping

DEFAULTS = {
    # OpenMP's threads wait for each other asleep, not spinning: spinning threads starve one another where
    # another process is busy on the same cores. No sum changes. GNU's, LLVM's and Intel's runtimes read it.
    "OMP_WAIT_POLICY": "PASSIVE",
}
YIELDS_TO = {"OMP_WAIT_POLICY": ("GOMP_SPINCOUNT", "KMP_BLOCKTIME")}
"""Other variables that set the same thing: where the user chose one of them, the default is left out."""


def set_defaults(environment: MutableMapping[str, str] = os.environ) -> None:
    """Add the `DEFAULTS` that the user left open to the environment of this process and its children."""
    for name, value in DEFAULTS.items():
        if not any(other in environment for other in YIELDS_TO.get(name, ())):
            environment.setdefault(name, value)
