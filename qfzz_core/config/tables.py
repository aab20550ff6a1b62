"""The tables of the configuration that are the same whatever plugins there are."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class FactorConfig:
    """A table `[factors.NAME]`: the weight, finite and >= 0, None for the factor's own; and the factor's options."""

    weight: float | None = attrs.field(default=None)
    options: Mapping[str, Any] = attrs.field(factory=dict, metadata={"rest": True})

    @weight.validator
    def _check_weight(self, _: Any, weight: Any) -> None:
        usable = isinstance(weight, (int, float)) and not isinstance(weight, bool) and 0 <= weight <= sys.float_info.max
        if weight is not None and not usable:
            raise ValueError(f"weight must be a finite number of at least 0, got {weight!r}")
