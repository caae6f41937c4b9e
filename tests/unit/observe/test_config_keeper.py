"""What is in force is known."""

from __future__ import annotations

import pytest

from voxgate.observe.config_keeper import ConfigKeeper


def test_there_is_a_keeper() -> None:
    """Without a configuration there is none."""
    with pytest.raises(NotImplementedError):
        ConfigKeeper().history()
