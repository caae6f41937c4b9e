"""A change makes another document, of which text and tree say the same."""

from __future__ import annotations

from typing import Any

import pytest

from voxgate.config.config_document import ConfigDocument
from voxgate.config.edited_document import ABSENT
from voxgate.config.load import parse_config
from voxgate.config.models import AppConfig
from voxgate.config.yaml_document import parse_document
from voxgate.errors import ConfigError

TEXT = "# Mine.\nengine: {max_calls: 7}  # seven\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"engine.max_calls": 9},
        {"engine.max_calls": ABSENT, "barge_in.min_ms": 200},
        {"providers.openai.voice": "cedar"},
        {"providers.openai.voice": "cedar", "providers.mine": {"kind": "deepgram"}},
        {"providers": {"embedded": {"kind": "openai_realtime", "url": "embedded"}}},
    ],
)
def test_what_was_judged_is_what_the_text_comes_to(changes: dict[str, Any]) -> None:
    """By its tree, quickly, and by its text, as the next start will read it."""
    document, loaded = ConfigDocument.parsed(TEXT, "a.yaml", {})
    judged = document.judged_with(changes, loaded.config)
    edited = document.edited(changes, loaded.config)
    assert parse_config(edited.text, "a.yaml", {}).config == judged.config
    assert parse_document(edited.text, "a.yaml")[0] == edited.tree
    assert edited.text.startswith("# Mine.\n")
    assert judged.config != loaded.config
    assert document.text == TEXT


def test_the_environment_is_over_whatever_is_changed() -> None:
    """And stands in no text."""
    environ = {"VOXGATE__ENGINE__MAX_CALLS": "5"}
    document, loaded = ConfigDocument.parsed(TEXT, "a.yaml", environ)
    changes = {"engine.drain_timeout_s": 1.0}
    assert document.judged_with(changes, loaded.config).config.engine.max_calls == 5
    assert "max_calls: 7, drain_timeout_s: 1.0" in document.edited(changes, loaded.config).text
    assert "VOXGATE" not in repr(document)


def test_what_is_wrong_is_told_by_its_key() -> None:
    """In the words of the loader."""
    config = AppConfig()
    document, _ = ConfigDocument.parsed(TEXT, "a.yaml", {})
    with pytest.raises(ConfigError, match=r"engine\.max_calls: 0 is not in 1\.\.10000 \(a\.yaml"):
        document.judged_with({"engine.max_calls": 0}, config)
