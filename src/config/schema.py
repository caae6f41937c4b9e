"""The JSON schema of ``config/ai-agent.yaml``, for editors that complete and check while one types.

``python -m voxgate.config.schema PATH`` writes it. Invariant: it is made of the models alone;
descriptions are the docstrings of their fields. It accepts every file that loads; rules across
fields are the loader's.
"""

from __future__ import annotations

__all__ = ["json_schema", "schema_text"]

import json
import re
import sys
from pathlib import Path
from typing import Any

from .models import AppConfig

_LITERAL = re.compile(r"``(.+?)``")


def json_schema() -> dict[str, Any]:
    """Return the schema, draft 2020-12."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(AppConfig).json_schema(ref_template="#/$defs/{model}")
    definitions = schema["$defs"]
    # A policy in a file is completed with the defaults of its kind, so it needs no key.
    definitions["ProviderGatingPolicy"].pop("required", None)
    definitions["AnnouncementConfig"].pop("required")  # likewise, with the text of its kind
    for definition in definitions.values():
        if "const" in definition.get("properties", {}).get("kind", {}):
            definition["required"] = ["kind"]
    for section in schema["properties"].values():
        _allow_null(section, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_readable(schema),
        "title": "voxgate configuration",
    }


def schema_text() -> str:
    """Return the schema as the text of its file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _allow_null(section: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Accept a section whose keys are all commented out, as the loader does.

    In place, not as one of two alternatives: of those an editor can't tell which one was meant.
    """
    name = section.get("$ref", "").rpartition("/")[2]
    owner = definitions.get(name, section)
    owner["type"] = [owner["type"], "null"]


def _readable(node: Any) -> Any:
    """Return a schema without generated titles, strict, with descriptions as one line of text."""
    if isinstance(node, list):
        return [_readable(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "patternProperties" in node:
        node = {**node, "additionalProperties": False}
    return {
        key: _plain_text(value)
        if key == "description" and isinstance(value, str)
        else _readable(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str))
    }


def _plain_text(docstring: str) -> str:
    return _LITERAL.sub(r"\1", " ".join(docstring.split()))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(), encoding="utf-8")
