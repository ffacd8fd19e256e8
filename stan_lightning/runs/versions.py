"""The versions that a run or an evaluation was made with."""

from importlib.metadata import version

PACKAGES = ("stan-lightning", "torch", "lightning", "torchmetrics", "hydra-core", "numpy", "opencv-python")


def versions() -> dict[str, str]:
    """Version of each package that decides a number."""
    return {package: version(package) for package in PACKAGES}
