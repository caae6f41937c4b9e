"""The patch."""

from __future__ import annotations

from dataclasses import replace

import yaml

from support.tuned_calls import measures
from support.tunings import made_tuning
from voxgate.config.load import parse_config
from voxgate.lab.tune.cost import Weights
from voxgate.lab.tune.figures import figures_of
from voxgate.lab.tune.measures import CallMeasures
from voxgate.lab.tune.patch import PATCH_MARK, patch_text
from voxgate.lab.tune.tuned_keys import applied

SOURCE = "ai-agent.yaml"


def test_a_patch_holds_the_changed_keys_and_nothing_else() -> None:
    """Nested as in the configuration, a section once."""
    assert yaml.safe_load(patch_text(made_tuning(), SOURCE)) == {
        "audio_guard": {"hangover_ms": 300, "preroll_ms": 400},
        "gating": {"providers": {"openai_realtime": {"sensitivity": 0.4}}},
    }


def test_a_patch_is_a_configuration_by_itself() -> None:
    """With the very values that were proposed."""
    tuning = made_tuning()
    loaded = parse_config(patch_text(tuning, SOURCE), "patch.yaml", {})
    default = parse_config("", "empty", {}).config
    wanted = {change.key.name: change.proposed for change in tuning.changes}
    assert loaded.config == applied(default, wanted)


def test_a_patch_says_where_it_is_from_and_what_to_expect() -> None:
    """Of the calls held out, with intervals: the searched ones flatter what was found on them."""
    lines = patch_text(made_tuning(), SOURCE).splitlines()
    assert lines[0] == f"{PATCH_MARK}proposal for {SOURCE}"
    assert "# Expected, by 12 calls that were held out:" in lines
    assert not any("18" in line for line in lines)
    assert (
        "#   false barge-ins, of agent turns: 20.0 % (11.8 to 31.8) -> 0.0 % (0.0 to 6.0)" in lines
    )
    assert "#   caller speech lost: 5.0 % (5.0 to 5.0) -> 1.0 % (1.0 to 1.0)" in lines
    (was,) = (line for line in lines if "was 400" in line)
    assert was == "  # was 400; higher keeps more of soft word ends"


def test_what_was_not_measured_is_a_dash() -> None:
    """No interval of nothing."""
    none = figures_of([CallMeasures()], Weights(), seed=1)
    held_out = replace(made_tuning().held_out, current=none)
    text = patch_text(made_tuning(held_out=held_out), SOURCE)
    assert "#   caller speech lost: - -> 1.0 % (1.0 to 1.0)" in text.splitlines()
    few = figures_of([measures(lost_ms=80.0)], Weights(), seed=1)
    text = patch_text(made_tuning(held_out=replace(held_out, current=few)), SOURCE)
    assert "#   caller speech lost: 1.0 % -> 1.0 % (1.0 to 1.0)" in text.splitlines()
