"""What is said where LiveKit Agents is not installed."""

from __future__ import annotations

import sys

import pytest


def test_without_the_framework_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.startswith("voxgate.integrations.livekit")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "livekit", None)
    with pytest.raises(ImportError, match=r"pip install 'voxgate\[livekit\]'"):
        __import__("voxgate.integrations.livekit")
