"""Numbers within bounds, or one line."""

from math import inf
from typing import Any

from stan_boundary.errors import InputError


def check_number(key: str, value: Any, kind: type, low: float, high: float = inf) -> None:
    """Raise an `InputError` where a value is no `int`, or no `float`, within these bounds."""
    right = type(value) is int or (kind is float and isinstance(value, float))
    if not (right and low <= value <= high):
        whole = "a whole number" if kind is int else "a number"
        bounds = f"of at least {low}" if high == inf else f"from {low} to {high}"
        raise InputError(f"{key}={str(value)[:80]}: it must be {whole} {bounds}")
