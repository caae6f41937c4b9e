"""A gate's configuration as an operator's file would hold it."""

from __future__ import annotations

import json

from voxgate.config.load import parse_config
from voxgate.core.config import BargeInConfig, GatingConfig
from voxgate.lab.gating_tree import GATE_SECTIONS, gating_tree


def test_a_file_with_these_sections_comes_to_the_same_gate() -> None:
    """Every key is there, under the name that the file has for it."""
    config = GatingConfig(barge_in=BargeInConfig(min_ms=200))
    tree = gating_tree(config)
    assert tuple(tree) == GATE_SECTIONS
    loaded = parse_config(json.dumps(tree), "a.yaml", {}).config.gating_config
    assert gating_tree(loaded) == tree
    assert loaded.barge_in.min_ms == 200
