"""The JSON schema that editors use."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from voxgate.config.provider_models import PROVIDER_KINDS
from voxgate.config.schema import json_schema, schema_text

FILE = Path(__file__).resolve().parents[3] / "config" / "ai-agent.schema.json"


def objects(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        if "object" in node.get("type", ()):
            yield path, node
        for key, value in node.items():
            yield from objects(value, f"{path}/{key}")
    elif isinstance(node, list):
        for position, value in enumerate(node):
            yield from objects(value, f"{path}/{position}")


def test_the_file_is_that_of_the_models() -> None:
    """Write it anew with ``python -m voxgate.config.schema config/ai-agent.schema.json``."""
    assert FILE.read_text(encoding="utf-8") == schema_text()


def test_the_text_is_the_schema() -> None:
    """What is written is what is compared."""
    assert json.loads(schema_text()) == json_schema()


def test_unknown_keys_are_marked_everywhere() -> None:
    """An editor underlines what the loader refuses."""
    for path, node in objects(json_schema()):
        is_mapping = "additionalProperties" in node and "properties" not in node
        assert is_mapping or node["additionalProperties"] is False, path


def test_every_key_of_ours_is_described_in_plain_text() -> None:
    """Descriptions are the docstrings of the fields, on one line."""
    definitions = json_schema()["$defs"]
    ours = [name for name in definitions if name != "ProviderGatingPolicy"]
    for name in ours:
        for key, value in definitions[name].get("properties", {}).items():
            assert value.get("description"), f"{name}.{key}"
            assert "``" not in value["description"]
            assert "\n" not in value["description"]


def test_ranges_and_names_are_in_the_schema() -> None:
    """What the models limit, the editor knows."""
    definitions = json_schema()["$defs"]
    min_ms = definitions["BargeInConfig"]["properties"]["min_ms"]
    assert (min_ms["minimum"], min_ms["maximum"], min_ms["default"]) == (20, 2000, 140)
    assert definitions["GatingMode"]["enum"] == ["off", "half_duplex", "vad", "echo_aware"]
    policies = definitions["GatingSection"]["properties"]["providers"]
    assert policies["propertyNames"]["enum"] == list(PROVIDER_KINDS)
    assert "pattern" in definitions["AudioSocketConfig"]["properties"]["host"]


def test_a_provider_needs_its_kind_a_policy_and_an_announcement_nothing() -> None:
    """As the loader has it: the kind chooses the model, the others are completed by theirs."""
    definitions = json_schema()["$defs"]
    assert definitions["OpenAIRealtimeConfig"]["required"] == ["kind"]
    assert "required" not in definitions["ProviderGatingPolicy"]
    assert "required" not in definitions["AnnouncementConfig"]


def test_an_emptied_section_is_allowed() -> None:
    """All keys of a section may be commented out."""
    schema = json_schema()
    sections = [schema["$defs"]["BargeInConfig"], schema["properties"]["providers"]]
    assert [section["type"] for section in sections] == [["object", "null"]] * 2


def test_the_module_run_as_a_command_writes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first test tells to run does what it says."""
    path = tmp_path / "schema.json"
    monkeypatch.setattr(sys, "argv", ["schema", str(path)])
    monkeypatch.delitem(sys.modules, "voxgate.config.schema")
    runpy.run_module("voxgate.config.schema", run_name="__main__")
    assert path.read_text(encoding="utf-8") == schema_text()
