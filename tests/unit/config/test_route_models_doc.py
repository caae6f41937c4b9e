"""The page on routes: its example loads, and does what the page says."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from voxgate.config.advice import config_warnings
from voxgate.config.announcement_models import AnnouncementsConfig
from voxgate.config.load import parse_config
from voxgate.config.models import AppConfig
from voxgate.config.route_models import CallFacts, RouteMatch, first_route

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "routes.md").read_text(encoding="utf-8")
KEYS = dict.fromkeys(("OPENAI_API_KEY", "DEEPGRAM_API_KEY", "TWILIO_AUTH_TOKEN"), "set")


@pytest.fixture(scope="module")
def example() -> AppConfig:
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return parse_config(block, "docs/routes.md", {}).config


def test_the_example_gives_no_warning(example: AppConfig) -> None:
    """It can be pasted as it is."""
    assert config_warnings(example, KEYS) == ()


@pytest.mark.parametrize(
    ("facts", "candidates"),
    [
        (
            CallFacts(line="audiosocket", call_id="5f0a6f4e-53a5-4f0a-9b8e-1d2c3b4a5968"),
            ("deepgram",),
        ),
        (CallFacts(line="audiosocket", call_id="other"), ("openai", "local")),
        (CallFacts(line="twilio", call_id="a", parameters={"queue": "night"}), ("local",)),
        (
            CallFacts(line="twilio", call_id="a", called_number="+4930123456"),
            ("deepgram", "local"),
        ),
        (CallFacts(line="twilio", call_id="a", called_number="+4940123456"), ("openai", "local")),
    ],
)
def test_its_routes_go_where_their_comments_say(
    example: AppConfig, facts: CallFacts, candidates: tuple[str, ...]
) -> None:
    """By UUID, parameter and number; else the default."""
    route = first_route(example.routes, facts)
    taken = example.engine.candidates if route is None else example.routes[route].candidates
    assert taken == candidates


def test_every_key_of_a_match_is_told() -> None:
    """And no other."""
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert rows == [field.name for field in fields(RouteMatch)]


def test_the_sentences_are_those_that_are_said(example: AppConfig) -> None:
    """Who reads the page hears the same."""
    assert example.announcements == AnnouncementsConfig()


def test_every_announcement_is_named() -> None:
    """With its whole key."""
    for field in fields(AnnouncementsConfig):
        assert f"`announcements.{field.name}`" in PAGE
