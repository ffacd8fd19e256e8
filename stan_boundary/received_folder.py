"""Folders that others filled: what is read from them lies in them."""

from pathlib import Path

from stan_boundary.errors import InputError


def check_inside(path: Path, folder: Path) -> Path:
    """Give `path` back where it lies below `folder` with all links followed; links above `folder` are free.

    Raises:
        InputError: A link below `folder` leads out of it.
    """
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a loop of links; NUL in a name
        inside = False
    if not inside:
        raise InputError(f"{path} leads out of {folder} by a link: what belongs to a run lies in its folder")
    return path
