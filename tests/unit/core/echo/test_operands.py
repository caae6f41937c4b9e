"""Numbers for whole rows: what NumPy makes of them."""

from __future__ import annotations

import numpy as np
import pytest

from voxgate.core.echo.operands import operand

ROW = np.random.default_rng(1).standard_normal(160).astype(np.float32)


@pytest.mark.parametrize("value", [1.0, 1.0 / 3.0, 1e-12, 32768.0])
def test_an_operand_gives_what_a_scalar_gives(value: float) -> None:
    """In single precision, to the bit."""
    product = ROW * operand(value)
    assert product.dtype == np.float32
    assert product.tobytes() == (ROW * np.float32(value)).tobytes()


def test_an_operand_stays_as_it_is() -> None:
    """All calls share it: nothing can be written into it."""
    with pytest.raises(ValueError, match="read-only"):
        operand(1.0)[...] = 2.0
