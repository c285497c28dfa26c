"""Outputs as JSON: messages and documents as their fields, numbers that JSON cannot say as null."""

import math
from typing import Any

from .. import answers


def encode(value: Any) -> bytes:
    """Compact JSON. Raises `TypeError` for what JSON has no form for."""
    try:
        return answers.to_json(value)
    except ValueError:
        return answers.to_json(_finite(value))


def _finite(value: Any) -> Any:
    """A copy without NaN and infinities."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    if value is None or isinstance(value, (str, int)):
        return value
    return _finite(answers.plain(value))
