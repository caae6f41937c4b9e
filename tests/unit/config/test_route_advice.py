"""Routes that are allowed but probably not meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxgate.config.advice import config_warnings
from voxgate.config.load import parse_config

_KEYS = {"OPENAI_API_KEY": "set", "DEEPGRAM_API_KEY": "set"}


def warned(text: str, environ: dict[str, str] | None = None) -> dict[str, str]:
    config = parse_config(text, "a.yaml", {}).config
    warnings = config_warnings(config, _KEYS if environ is None else environ)
    return {warning.key: warning.message for warning in warnings}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            (
                "routes: [{provider: openai, match: {called_number: '+49*'}},"
                " {provider: deepgram, match: {called_number: '+4930*', line: audiosocket}}]"
            ),
            {"routes[1].match": "no call takes this route: routes[0] takes them all before it"},
        ),
        (
            "routes: [{provider: openai}, {provider: deepgram}, {provider: embedded}]",
            {
                "routes[1].match": "no call takes this route: routes[0] takes them all before it",
                "routes[2].match": "no call takes this route: routes[0] takes them all before it",
                "engine.default_provider": "never answers: routes[0] takes every call",
            },
        ),
        (
            "routes: [{provider: openai, match: {line: twilio}}]",
            {"routes[0].match.line": "twilio is not enabled: no call comes by it"},
        ),
        (
            (
                "routes: [{provider: openai, match: {called_number: '+4930*'}},"
                " {provider: deepgram, match: {called_number: '+49*'}}]"
            ),
            {},
        ),
        (
            (
                "providers: {a: {kind: openai_realtime}, b: {kind: openai_realtime, model: x}}\n"
                "engine: {default_provider: a, fall_back_provider: b}"
            ),
            {
                "engine.fall_back_provider": "b has the url of a: where one can't be reached "
                "neither can be"
            },
        ),
        (
            (
                "providers: {a: {kind: openai_realtime}, b: {kind: deepgram}}\n"
                "engine: {default_provider: a, fall_back_provider: b, fall_back_after_s: 3}\n"
                "announcements: {lost: {text: Oh.}, fall_back: {text: null}}"
            ),
            {},
        ),
        (
            (
                "engine: {fall_back_after_s: 3}\n"
                "announcements: {lost: {text: A.}, fall_back: {text: null}, unreachable: {text: B}}"
            ),
            {
                "engine.fall_back_after_s": "has no effect: no provider takes over from another",
                "announcements.lost": "is never heard: no provider takes over from another",
                "announcements.fall_back": "is never heard: no provider takes over from another",
            },
        ),
    ],
)
def test_what_was_probably_not_meant_is_told(text: str, expected: dict[str, str]) -> None:
    """And nothing else."""
    assert warned(text) == expected


def test_every_provider_that_can_answer_needs_its_key() -> None:
    """Those of routes and fall-backs too."""
    text = "routes: [{provider: openai, fall_back_provider: deepgram, match: {call_id: a}}]"
    warnings = warned(text, {})
    assert set(warnings) == {"providers.openai.api_key_env", "providers.deepgram.api_key_env"}
    assert all("serve will not start without it" in message for message in warnings.values())


def test_the_gate_s_keys_have_an_effect_where_any_provider_is_gated() -> None:
    """Though the default one is not."""
    text = (
        "engine: {{default_provider: deepgram{}}}\n"
        "audio_guard: {{preroll_ms: 200}}\nbarge_in: {{turn_end_ms: 900}}\n"
    )
    assert set(warned(text.format(""))) == {"audio_guard.preroll_ms", "barge_in.turn_end_ms"}
    assert warned(text.format(", fall_back_provider: embedded")) == {}


def test_the_pauses_of_every_provider_that_can_answer_are_compared_with_what_is_held() -> None:
    """A second provider reconnects too."""
    text = (
        "providers: {a: {kind: openai_realtime}, b: {kind: deepgram, reconnect_max_ms: 20000}}\n"
        "engine: {default_provider: a, fall_back_provider: b}"
    )
    assert set(warned(text)) == {"providers.b.reconnect_max_ms"}


def test_a_recording_that_is_not_there_is_told(tmp_path: Path) -> None:
    """As it would stop the start; one that is not heard would not."""
    path = tmp_path / "a.wav"
    text = f"announcements: {{unreachable: {{text: Oh., file: {path}}}}}"
    assert "there is no such file" in warned(text)["announcements.unreachable.file"]
    assert warned(text.replace("Oh.", "null")) == {}
    path.touch()
    assert warned(text) == {}
