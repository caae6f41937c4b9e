"""What takes effect when stands in the documentation as it stands in the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from voxgate.config.key_help import explain_key, help_text
from voxgate.config.load import parse_config, read_default
from voxgate.config.reload_rules import RELOAD_RULES, TakesEffect
from voxgate.observe import config_history

TEXT = (Path(__file__).resolve().parents[3] / "docs/configuration.md").read_text(encoding="utf-8")

WORDS = {
    TakesEffect.RUNNING_CALLS: "at once",
    TakesEffect.NEW_CALLS: "new calls",
    TakesEffect.RESTART: "restart",
}


def test_the_table_is_made_of_the_rules() -> None:
    """In their order, with their reasons."""
    found = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert found == [(rule.key, WORDS[rule.takes_effect], rule.why) for rule in RELOAD_RULES]


def test_the_explained_key_is_explained_so() -> None:
    """To the letter, of a copy of the packaged file, whatever line the key stands on."""
    (shown,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
    _, text = read_default()
    loaded = parse_config(text, "/etc/voxgate/ai-agent.yaml", {})
    said = help_text(explain_key("barge_in.min_ms", loaded, text))
    assert re.sub(r"yaml:\d+", "yaml:", shown.strip()) == re.sub(r"yaml:\d+", "yaml:", said)
    assert re.search(r"yaml:\d+", said)


def test_the_line_of_the_history_can_be_read() -> None:
    """By whoever reads the file."""
    (shown,) = re.findall(r"```json\n(.*?)\n```", TEXT, re.DOTALL)
    change = config_history._parsed(shown)
    assert change is not None
    assert json.loads(config_history._line(change)) == json.loads(shown)
