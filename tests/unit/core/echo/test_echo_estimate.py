"""What the echo filter says about one frame: the rows of its powers."""

from __future__ import annotations

import numpy as np

from voxgate.core.echo.echo_estimate import EchoEstimate, PowerRow
from voxgate.core.echo.kalman_filter import KalmanEchoFilter


def test_every_row_of_the_powers_has_its_number() -> None:
    """As many as the filter writes, from 0 on, of the bins of 40 ms."""
    estimate = KalmanEchoFilter().process(np.zeros(160, np.float32))
    assert isinstance(estimate, EchoEstimate)
    assert [int(row) for row in PowerRow] == list(range(len(estimate.powers)))
    assert estimate.powers.shape == (6, 161)
