"""No network unasked: what libraries send by themselves is switched off before they are imported.

Importing this module does it. It stands first in every command, as most libraries read the environment only
once. A value that the user set stays.
"""

import os

QUIET = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime, which torchmetrics imports: a device id, the path of python
    "WANDB_ERROR_REPORTING": "false",  # W&B: crashes and an id of the session, at the end of offline runs too
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub and transformers: names of models and versions
    "DO_NOT_TRACK": "1",  # what many libraries agreed on
}


def keep_quiet() -> None:
    """Set what is not set yet; processes that are started later inherit it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


keep_quiet()
