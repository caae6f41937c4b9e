"""Warnings about what is allowed but probably not meant."""

from __future__ import annotations

import pytest

from voxgate.config import advice, load
from voxgate.config.advice import ConfigWarning, config_warnings
from voxgate.config.load import parse_config
from voxgate.config.provider_models import TurnDetectionType
from voxgate.core.guard_profile import PROFILE_DEFAULTS, GuardProfile

KEY = {"OPENAI_API_KEY": "set"}
POLICY = "gating.providers.openai_realtime"


def warned(text: str, environ: dict[str, str] | None = None) -> dict[str, str]:
    config = parse_config(text, "a.yaml", {}).config
    warnings = config_warnings(config, KEY if environ is None else environ)
    return {warning.key: warning.message for warning in warnings}


def policy(keys: str) -> str:
    return f"gating: {{providers: {{openai_realtime: {{{keys}}}}}}}"


def test_the_defaults_give_no_warning() -> None:
    """Nobody learns to overlook warnings because there are always some."""
    assert warned("", {}) == {}


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("mode: vad, sensitivity: 0.7", {"sensitivity": "has no effect in mode vad"}),
        ("mode: half_duplex, vad_threshold: 0.7", {"vad_threshold": "has no effect in mode half"}),
        ("mode: vad, forwarded_audio: raw", {"forwarded_audio": "has no effect in mode vad"}),
        ("forwarded_audio: raw", {}),
        ("mode: 'off', post_speech_grace_ms: 9", {"post_speech_grace_ms": "has no effect in mode"}),
        ("vad_threshold: 0.7", {"vad_threshold": "applies only where no far-end reference"}),
        ("energy_threshold: 9", {"energy_threshold": "applies only where no far-end reference"}),
        ("gating_enabled: false, sensitivity: 1", {"sensitivity": "has no effect, as gating_enab"}),
        ("mode: vad, vad_threshold: 0.7, energy_threshold: 9", {}),
        ("mode: half_duplex, post_speech_grace_ms: 9, withheld_audio: adaptive", {}),
        ("sensitivity: 0.7, post_speech_grace_ms: 9, aliases: [a]", {}),
        ("mode: vad, sensitivity: 0.5", {}),
    ],
)
def test_keys_that_the_mode_does_not_use_are_told(keys: str, expected: dict[str, str]) -> None:
    """A changed key without effect is told with the reason; one with effect, or unchanged, not."""
    warnings = warned(policy(keys))
    assert set(warnings) == {f"{POLICY}.{key}" for key in expected}
    for key, message in expected.items():
        assert warnings[f"{POLICY}.{key}"].startswith(message)


def test_a_key_that_wins_over_the_profile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever copied the default file learns why the profile changes nothing."""
    profiles = {**PROFILE_DEFAULTS, GuardProfile.MOBILE: {"hangover_ms": 500, "sensitivity": 0.6}}
    monkeypatch.setattr(advice, "PROFILE_DEFAULTS", profiles)
    monkeypatch.setattr(load, "PROFILE_DEFAULTS", profiles)
    assert warned("audio_guard: {profile: mobile}") == {}
    told = warned("audio_guard: {profile: mobile, sensitivity: 0.5, preroll_ms: 400}")
    assert set(told) == {"audio_guard.sensitivity"}
    assert told["audio_guard.sensitivity"].startswith(
        "0.5 is set, and wins over the profile mobile (0.6)"
    )


@pytest.mark.parametrize("mode", ["'off'", "half_duplex"])
def test_barge_in_keys_are_told_where_nobody_can_barge_in(mode: str) -> None:
    """The section is shared by all kinds; the provider that answers decides."""
    warnings = warned(policy(f"mode: {mode}") + "\nbarge_in: {min_ms: 200}")
    assert set(warnings) == {"barge_in.min_ms"}


def test_sections_of_the_gate_are_told_where_audio_passes_untouched() -> None:
    """Tuning the gate in front of a provider that has none is a misunderstanding."""
    warnings = warned(
        "engine: {default_provider: local}\nvad: {smoothing_frames: 7}\n"
        "audio_guard: {preroll_ms: 200}\nbarge_in: {min_ms: 200}"
    )
    assert set(warnings) == {
        "vad.smoothing_frames",
        "audio_guard.preroll_ms",
        "barge_in.min_ms",
    }
    assert "local passes untouched" in warnings["barge_in.min_ms"]


def test_a_noise_hangover_that_is_cut_short_is_told() -> None:
    """It is a part of the whole hangover; equal is fine."""
    warnings = warned("audio_guard: {hangover_ms: 300, noise_hangover_ms: 320}")
    assert set(warnings) == {"audio_guard.noise_hangover_ms"}
    assert "hangover_ms (300)" in warnings["audio_guard.noise_hangover_ms"]
    assert warned("audio_guard: {hangover_ms: 300, noise_hangover_ms: 300}") == {}


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ("type: semantic_vad, threshold: 0.7", "threshold"),
        ("type: semantic_vad, silence_duration_ms: 700", "silence_duration_ms"),
        ("eagerness: low", "eagerness"),
        ("type: none, eagerness: low", "eagerness"),
        ("type: none, interrupt_response: false", "interrupt_response"),
        ("create_response: false", "create_response"),
    ],
)
def test_keys_of_the_other_turn_detector_are_told(keys: str, key: str) -> None:
    """And that without create_response nobody answers."""
    text = (
        "engine: {default_provider: a}\n"
        f"providers: {{a: {{kind: openai_realtime, turn_detection: {{{keys}}}}}}}"
    )
    assert set(warned(text)) == {f"providers.a.turn_detection.{key}"}


@pytest.mark.parametrize("name", TurnDetectionType)
def test_every_turn_detector_can_be_chosen_without_a_warning(name: TurnDetectionType) -> None:
    """With ``none``, ``check-config`` and ``serve`` once failed on what they had to say of it."""
    text = (
        "providers: {embedded: "
        f"{{kind: openai_realtime, url: embedded, turn_detection: {{type: {name}}}}}}}"
    )
    assert warned(text) == {}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("lines: {audiosocket: {host: 0.0.0.0}}", "lines.audiosocket.host"),
        ("lines: {audiosocket: {host: '::'}}", "lines.audiosocket.host"),
        ("lines: {audiosocket: {host: pbx.example}}", "lines.audiosocket.host"),
        (
            "lines: {audiosocket: {hooks: {metadata_url: 'http://pbx.example/{call_id}'}}}",
            "lines.audiosocket.hooks.metadata_url",
        ),
        (
            "lines: {audiosocket: {hooks: {transfer_url: 'http://192.0.2.7/'}}}",
            "lines.audiosocket.hooks.transfer_url",
        ),
        (
            "lines: {audiosocket: {hooks: {token_env: PBX_TOKEN}}}",
            "lines.audiosocket.hooks.token_env",
        ),
        ("realtime_server: {host: 10.0.0.1}", "realtime_server.host"),
        ("lines: {audiosocket: {enabled: false}}", "lines"),
    ],
)
def test_addresses_beyond_this_machine_are_told(text: str, key: str) -> None:
    """And a configuration with no line at all."""
    assert set(warned(text)) == {key}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "'::1'", "'[::1]'", "localhost"])
def test_loopback_addresses_are_fine(host: str) -> None:
    """All of 127/8, both families, and the usual name."""
    assert warned(f"lines: {{audiosocket: {{host: {host}}}}}") == {}


@pytest.mark.parametrize(
    "keys",
    [
        "host: 0.0.0.0, allowed_peers: [10.0.0.0/8]",
        "hooks: {metadata_url: 'https://pbx.example/{call_id}'}",
        "hooks: {transfer_url: 'http://127.0.0.1:8088/transfer'}",
    ],
)
def test_an_asterisk_that_is_named_and_a_hook_that_is_hidden_are_fine(keys: str) -> None:
    """What there was to do has been done."""
    assert warned(f"lines: {{audiosocket: {{{keys}}}}}") == {}


def test_a_disabled_line_s_address_is_nobody_s_risk() -> None:
    """Only the missing line is told."""
    assert set(warned("lines: {audiosocket: {enabled: false, host: 0.0.0.0}}")) == {"lines"}


@pytest.mark.parametrize(
    ("keys", "is_told"),
    [
        ("url: 'ws://10.0.0.1/v1'", True),
        ("url: 'ws://10.0.0.1/v1', api_key_env: null", False),
        ("url: 'ws://127.0.0.1:9/v1'", False),
        ("url: 'ws://[::1]:9/v1'", False),
        ("url: 'wss://10.0.0.1/v1'", False),
    ],
)
def test_a_key_in_clear_text_is_told(keys: str, *, is_told: bool) -> None:
    """ws:// is for this machine, or for a server that gets no key."""
    text = f"engine: {{default_provider: a}}\nproviders: {{a: {{kind: openai_realtime, {keys}}}}}"
    assert ("providers.a.url" in warned(text)) == is_told


@pytest.mark.parametrize("environ", [{}, {"OPENAI_API_KEY": ""}, {"OPENAI_API_KEY": " "}])
def test_a_missing_key_is_told_for_the_provider_that_answers(environ: dict[str, str]) -> None:
    """An empty variable is as good as none."""
    warnings = warned("engine: {default_provider: openai}", environ)
    assert set(warnings) == {"providers.openai.api_key_env"}
    assert warnings["providers.openai.api_key_env"] == (
        "the environment variable OPENAI_API_KEY is not set: serve will not start without it"
    )


def test_a_key_that_is_set_is_fine() -> None:
    """As is one that nobody needs."""
    assert warned("engine: {default_provider: openai}", KEY) == {}
    assert warned("engine: {default_provider: local}", {}) == {}


def test_a_warning_reads_as_key_and_message() -> None:
    """As a problem does."""
    assert str(ConfigWarning(key="a.b", message="is odd")) == "a.b: is odd"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("min_ms: 400", {"barge_in.min_ms": "the first 20 ms"}),
        ("min_ms: 380", {}),
        ("min_ms: 1000", {"barge_in.min_ms": "the first 620 ms"}),
        ("onset_preroll_ms: 480", {"barge_in.onset_preroll_ms": "the first 120 ms"}),
        ("min_ms: 300, onset_preroll_ms: 300", {"barge_in.min_ms": "the first 100 ms"}),
        ("confirm_timeout_ms: 300", {"barge_in.confirm_timeout_ms": "300 is below confirm_speech"}),
        ("confirm_speech_ms: 1300", {"barge_in.confirm_timeout_ms": "1200 is below confirm_spee"}),
        ("confirm_timeout_ms: 400", {}),
    ],
)
def test_times_of_a_barge_in_that_contradict_each_other_are_told(
    keys: str, expected: dict[str, str]
) -> None:
    """With the numbers; equal is enough."""
    warnings = warned(f"{policy('mode: vad')}\nbarge_in: {{{keys}}}")
    assert set(warnings) == set(expected)
    for key, words in expected.items():
        assert words in warnings[key]


@pytest.mark.parametrize("key", ["candidate_ms", "min_ms"])
def test_evidence_in_ms_is_told_where_the_detector_decides(key: str) -> None:
    """With the key that shifts the detector; mode vad, whose keys they are, is not told."""
    text = (
        f"barge_in: {{{key}: 100, min_ms: 200}}" if key != "min_ms" else "barge_in: {min_ms: 200}"
    )
    message = warned(text)[f"barge_in.{key}"]
    assert message.startswith("applies only where no far-end reference")
    assert f"{POLICY}.sensitivity" in message
    assert warned(f"{policy('mode: vad')}\n{text}") == {}


def test_the_other_times_of_a_barge_in_hold_in_every_mode() -> None:
    """The release of evidence, the pre-roll, the confirmation."""
    assert warned("barge_in: {evidence_release_ms: 200, confirm_speech_ms: 500}") == {}


def test_a_lost_onset_is_told_in_every_mode() -> None:
    """Without a far-end reference the same evidence is asked for in mode echo_aware."""
    assert (
        "the first 100 ms"
        in warned("barge_in: {onset_preroll_ms: 460}")["barge_in.onset_preroll_ms"]
    )


def test_contradictions_of_a_section_without_effect_are_not_told_as_well() -> None:
    """One word a key is enough."""
    warnings = warned(policy("mode: half_duplex") + "\nbarge_in: {min_ms: 1000}")
    assert warnings["barge_in.min_ms"].startswith("has no effect")


ANSWERED_BY_A = "engine: {default_provider: a}\nproviders: {a: {kind: openai_realtime"


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("engine: {provider_hold_ms: 4000}", True),
        ("engine: {provider_hold_ms: 5000}", False),
        (f"{ANSWERED_BY_A}, reconnect_max_ms: 20000}}}}", True),
        (f"{ANSWERED_BY_A}, reconnect_max_ms: 20000, max_reconnects: 0}}}}", False),
        ("engine: {default_provider: local, provider_hold_ms: 0}", False),
    ],
)
def test_a_pause_longer_than_what_is_held_is_told(text: str, *, is_told: bool) -> None:
    """What the caller said at its beginning would be gone before the next attempt."""
    warnings = warned(text)
    name = "a" if "{a:" in text else "embedded"
    assert set(warnings) == ({f"providers.{name}.reconnect_max_ms"} if is_told else set())


@pytest.mark.parametrize(
    ("variable", "words"),
    [
        ("VOXGATE_BARGE_IN_MIN_MS", "VOXGATE__BARGE_IN__MIN_MS"),
        ("VOXGATE_BARGE_IN__MIN_MS", "VOXGATE__BARGE_IN__MIN_MS"),
        ("VOXGATE_ENGINE_LOGLEVEL", "VOXGATE__SECTION__KEY"),
        ("voxgate__engine__log_level", "VOXGATE__ENGINE__LOG_LEVEL"),
    ],
)
def test_a_variable_that_was_meant_for_a_key_is_told(variable: str, words: str) -> None:
    """It has no effect, and nothing else would say so."""
    warnings = warned("", {variable: "1"})
    assert set(warnings) == {variable}
    assert words in warnings[variable]
    assert "has no effect" in warnings[variable]


@pytest.mark.parametrize("variable", ["VOXGATE_HOME", "VOXGATE__ENGINE__LOG_LEVEL", "ENGINE_X"])
def test_other_variables_are_nobody_s_business(variable: str) -> None:
    """Scripts have variables of that name too."""
    assert warned("", {variable: "1"}) == {}


@pytest.mark.parametrize("kind", ["silero", "joined"])
def test_evidence_that_is_not_installed_is_told(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The warning names the key and what to install; none where it is there, or nobody is gated."""
    text = f"audio_guard: {{speech_evidence: {kind}}}"
    monkeypatch.setattr(advice, "has_onnxruntime", lambda: False)
    (message,) = warned(text).values()
    assert set(warned(text)) == {"audio_guard.speech_evidence"}
    assert message.startswith(f"{kind} needs onnxruntime")
    assert "pip install 'voxgate[silero]'" in message
    ungated = warned(f"{text}\n{policy('gating_enabled: false')}")["audio_guard.speech_evidence"]
    assert "has no effect" in ungated
    monkeypatch.setattr(advice, "has_onnxruntime", lambda: True)
    assert warned(text) == {}


@pytest.mark.parametrize("kind", ["auto", "light"])
def test_evidence_that_needs_nothing_is_not_told(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With or without the extra."""
    monkeypatch.setattr(advice, "has_onnxruntime", lambda: False)
    assert warned(f"audio_guard: {{speech_evidence: {kind}}}") == {}


def test_a_gate_that_deepgram_s_client_would_not_ask_is_told() -> None:
    """Turned on, it would only take the caller's interruptions away."""
    key = "gating.providers.deepgram.gating_enabled"
    warnings = warned("gating: {providers: {deepgram: {gating_enabled: true}}}")
    assert set(warnings) == {key}
    assert "does not ask the gate" in warnings[key]


def test_deepgram_is_looked_at_like_the_other_cloud() -> None:
    """Its key in clear text, its pauses, its variable."""
    text = (
        "engine: {default_provider: a}\n"
        "providers: {a: {kind: deepgram, url: 'ws://10.0.0.1/v1', reconnect_max_ms: 20000}}"
    )
    assert set(warned(text)) == {
        "providers.a.url",
        "providers.a.reconnect_max_ms",
        "providers.a.api_key_env",
    }


def test_a_twilio_line_without_its_token_is_told() -> None:
    """serve refuses it; nothing is told where the token is there, or is not asked for."""
    text = "lines: {twilio: {enabled: true, public_url: 'wss://voice.example.com/twilio'}}"
    key = "lines.twilio.auth_token_env"
    assert "TWILIO_AUTH_TOKEN is not set" in warned(text, {})[key]
    assert key not in warned(text, {"TWILIO_AUTH_TOKEN": "secret"})
    assert key not in warned(text.replace("enabled: true", "enabled: false"), {})
    assert key not in warned(
        text.replace("enabled: true,", "enabled: true, validate_signature: false,"), {}
    )


def test_a_browser_line_that_others_reach_without_a_token_is_told() -> None:
    """On this machine only, it is nobody else's; with a token, it asks for one."""
    text = "lines: {browser: {enabled: true, host: 10.0.0.7}}"
    key = "lines.browser.host"
    assert "no token is asked for" in warned(text)[key]
    assert key not in warned(text.replace("10.0.0.7", "127.0.0.1"))
    assert key not in warned(text.replace("true", "false"))
    assert key not in warned(text.replace("10.0.0.7", "10.0.0.7, token_env: T"), {"T": "secret"})


def test_an_asterisk_websocket_that_anybody_reaches_is_told() -> None:
    """A password or a list of peers will do, and so will this machine only."""
    text = "lines: {asterisk_websocket: {enabled: true, host: 10.0.0.7}}"
    key = "lines.asterisk_websocket.host"
    assert "set allowed_peers, or username_env" in warned(text)[key]
    for other in ("127.0.0.1", "10.0.0.7, username_env: U, password_env: P"):
        assert key not in warned(text.replace("10.0.0.7", other))
    assert key not in warned(text.replace("10.0.0.7", "10.0.0.7, allowed_peers: [10.0.0.9]"))
    assert key not in warned(text.replace("true", "false"))


def test_an_asterisk_websocket_whose_password_is_not_set_is_told() -> None:
    """serve refuses it, and the user just so."""
    text = "lines: {asterisk_websocket: {enabled: true, username_env: WS_U, password_env: WS_P}}"
    told = warned(text, {"WS_U": "voxgate"})
    assert "WS_P is not set" in told["lines.asterisk_websocket.password_env"]
    assert "lines.asterisk_websocket.username_env" not in told
    assert "WS_U is not set" in warned(text, {})["lines.asterisk_websocket.username_env"]


def test_a_desk_whose_token_is_not_set_is_told() -> None:
    """serve refuses it."""
    text = "desk: {token_env: DESK_TOKEN}"
    assert "DESK_TOKEN is not set" in warned(text, {})["desk.token_env"]
    assert warned(text, {"DESK_TOKEN": "0123456789abcdef"}) == {}


def test_a_browser_line_whose_token_is_not_set_is_told() -> None:
    """serve refuses it."""
    text = "lines: {browser: {enabled: true, token_env: PAGE_TOKEN}}"
    key = "lines.browser.token_env"
    assert "PAGE_TOKEN is not set" in warned(text, {})[key]
    assert key not in warned(text, {"PAGE_TOKEN": "secret"})
    assert key not in warned(text.replace("true", "false"), {})
