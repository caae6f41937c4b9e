"""``voxgate check-config``."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from voxgate.call.embedded_server import EmbeddedAgent
from voxgate.cli.check_config import command
from voxgate.config.line_models import LinesConfig
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.scripted import ScriptedProvider

LINES = [field.name for field in fields(LinesConfig)]


def check(*arguments: str, **environ: str) -> Result:
    return CliRunner().invoke(command, arguments, env=environ)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.yaml"


@pytest.fixture
def local_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all packages of the local agent, as far as the embedded server knows."""
    agent = EmbeddedAgent(provider="local", reason="its packages are installed", is_optional=True)
    monkeypatch.setattr("voxgate.cli.check_config.choose_agent", lambda _config: agent)


@pytest.mark.usefixtures("local_agent")
def test_the_default_is_valid_and_without_warnings() -> None:
    """What comes with voxgate is shown in short."""
    result = check()
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "the packaged default: OK",
        "  provider     embedded (openai_realtime, embedded)",
        "  gate         echo_aware",
        "  lines        audiosocket 127.0.0.1:8090",
        "  changed      nothing: every key has its default",
    ]


def test_what_was_turned_is_shown_with_its_default(file: Path) -> None:
    """From the file and from the environment, which is named."""
    file.write_text("engine: {default_provider: openai}\naudio_guard: {preroll_ms: 200}\n")
    result = check(str(file), VOXGATE__BARGE_IN__MIN_MS="160", OPENAI_API_KEY="set")
    assert result.exit_code == 0
    assert "  provider     openai (openai_realtime, wss://api.openai.com/v1/realtime)" in (
        result.output
    )
    for line in (
        'engine.default_provider: "openai" (default "embedded")',
        "audio_guard.preroll_ms: 200 (default 300)",
        "barge_in.min_ms: 160 (default 140)",
        "  environment  VOXGATE__BARGE_IN__MIN_MS",
    ):
        assert line in result.output


def test_a_provider_without_a_gate_and_no_line_are_said(file: Path) -> None:
    """Nothing is left blank."""
    file.write_text(
        "gating: {providers: {openai_realtime: {gating_enabled: false}}}\n"
        "lines: {audiosocket: {enabled: false}}\n"
    )
    lines = check(str(file)).output.splitlines()
    assert "  gate         passes everything untouched" in lines
    assert "  lines        none" in lines
    assert (
        "warning: lines: none is enabled, so no call can come in, and serve will not start" in lines
    )


def test_deepgram_can_answer(file: Path) -> None:
    """Where it is, and that its audio passes; what is missing is its key."""
    file.write_text("engine: {default_provider: deepgram}\n")
    result = check(str(file))
    assert result.exit_code == 0
    assert "deepgram (deepgram, wss://agent.deepgram.com/v1/agent/converse)" in result.stdout
    assert "passes everything untouched" in result.stdout
    assert "the environment variable DEEPGRAM_API_KEY is not set" in result.output


def test_the_local_agent_can_answer(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key, a server or a warning."""
    monkeypatch.setattr("voxgate.cli.check_config.missing_packages", lambda _config: None)
    file.write_text("engine: {default_provider: local}\n")
    result = check(str(file))
    assert result.exit_code == 0
    assert "warning" not in result.output
    assert "  gate         passes everything untouched" in result.output.splitlines()


@pytest.fixture
def _no_local_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that knows the kind local, and has no client for it."""
    registry = ProviderRegistry()
    registry.register("openai_realtime", ScriptedProvider.from_setup)
    registry.register("local", None)
    monkeypatch.setattr("voxgate.cli.check_config.default_registry", lambda: registry)


@pytest.mark.usefixtures("_no_local_agent")
def test_a_provider_that_serve_would_refuse_is_an_error(file: Path) -> None:
    """Known to the configuration is not the same as available; what there is instead is said."""
    file.write_text("engine: {default_provider: local}\n")
    result = check(str(file))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        "engine.default_provider: 'local' is of the kind local, "
        "not available in this version; there is openai_realtime"
    )
    assert str(file) in result.stderr


@pytest.mark.usefixtures("_no_local_agent")
def test_every_provider_that_serve_would_refuse_is_an_error(file: Path) -> None:
    """Those of routes and those that take over too, all at once."""
    file.write_text(
        "engine: {fall_back_provider: local}\nroutes: [{provider: openai}, {provider: local}]\n"
    )
    result = check(str(file))
    assert result.exit_code == 1
    fall_back, route = result.stderr.splitlines()
    assert fall_back.startswith("engine.fall_back_provider: 'local' is of the kind local, not av")
    assert route.startswith("routes[1].provider: 'local' is of the kind local, not available")


@pytest.mark.usefixtures("_no_local_agent")
def test_a_provider_that_serve_would_refuse_is_an_error_from_the_environment_too() -> None:
    """The message names the variable then; as JSON it is a problem like any other."""
    result = check("--json", VOXGATE__ENGINE__DEFAULT_PROVIDER="local")
    assert result.exit_code == 1
    (problem,) = json.loads(result.stdout)["problems"]
    assert problem["key"] == "engine.default_provider"
    assert problem["source"] == "environment VOXGATE__ENGINE__DEFAULT_PROVIDER"


def test_a_provider_that_answers_nothing_may_be_of_any_kind(file: Path) -> None:
    """Only the one that answers has to be available."""
    file.write_text(
        "engine: {default_provider: a}\nproviders: {a: {kind: openai_realtime}, "
        "b: {kind: deepgram}}\n"
    )
    assert check(str(file)).exit_code == 0


def test_a_long_value_is_shortened(file: Path) -> None:
    """Instructions of a page would hide the rest."""
    file.write_text(
        "engine: {default_provider: a}\n"
        f"providers: {{a: {{kind: openai_realtime, instructions: {'b' * 500}}}}}\n"
    )
    assert max(map(len, check(str(file)).output.splitlines())) < 200


def test_every_problem_is_told_with_status_1(file: Path) -> None:
    """On stderr, one a line, and nothing on stdout."""
    file.write_text("barge_in: {min_ms: -20}\nlines: {sip: {}}\n")
    result = check(str(file))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert sorted(result.stderr.splitlines()) == [
        f"barge_in.min_ms: -20 is not in 20..2000 ({file}:1)",
        f"lines.sip: is not a known key; known: {', '.join(LINES)} ({file}:2)",
    ]


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_cannot_be_read_is_status_2(file: Path, content: bytes | None) -> None:
    """A script tells a wrong path from a wrong configuration."""
    if content is not None:
        file.write_bytes(content)
    result = check(str(file))
    assert result.exit_code == 2
    assert result.stderr.startswith("document: can't be read: ")


def test_broken_yaml_is_status_1(file: Path) -> None:
    """The file was read; what it holds is wrong."""
    file.write_text("a: b: c")
    result = check(str(file))
    assert result.exit_code == 1
    assert f"({file}, line 1, column 5)" in result.stderr


def test_json_tells_the_same_of_a_valid_file(file: Path) -> None:
    """For programs: one object on stdout."""
    file.write_text(
        "engine: {default_provider: openai}\n"
        "gating: {providers: {openai_realtime: {mode: vad, sensitivity: 0.7}}}\n"
    )
    result = check("--json", str(file), OPENAI_API_KEY="set")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["ok"] is True
    assert report["source"] == str(file)
    assert report["provider"] == {
        "name": "openai",
        "kind": "openai_realtime",
        "url": "wss://api.openai.com/v1/realtime",
        "fall_back": None,
    }
    assert report["gating"] == {"gating_enabled": True, "mode": "vad"}
    assert report["lines"] == [{"name": "audiosocket", "host": "127.0.0.1", "port": 8090}]
    assert {"key": "engine.default_provider", "value": "openai", "default": "embedded"} in (
        report["changed"]
    )
    assert [warning["key"] for warning in report["warnings"]] == [
        "gating.providers.openai_realtime.sensitivity"
    ]


def test_json_tells_the_same_of_a_wrong_file(file: Path) -> None:
    """Problems as fields, so that an editor can place them."""
    file.write_text("barge_in: {min_ms: -20}")
    result = check("--json", str(file))
    assert result.exit_code == 1
    assert result.stderr == ""
    assert json.loads(result.stdout) == {
        "ok": False,
        "problems": [
            {
                "key": "barge_in.min_ms",
                "value": "-20",
                "rule": "is not in 20..2000",
                "source": f"{file}:1",
            }
        ],
    }


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("realtime_server: {answered_by: local}\n", "realtime_server.answered_by"),
        ("engine: {default_provider: local}\n", "engine.default_provider"),
        (
            "engine: {fall_back_provider: local}\nrealtime_server: {answered_by: scripted}\n",
            "engine.fall_back_provider",
        ),
    ],
)
def test_an_agent_whose_packages_are_missing_is_an_error(
    file: Path, text: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Serve would refuse it; the line says what to install."""
    lacking = "piper is not installed: pip install 'voxgate[local]'"
    monkeypatch.setattr("voxgate.cli.check_config.missing_packages", lambda _config: lacking)
    file.write_text(text)
    result = check(str(file))
    assert result.exit_code == 1
    assert f"{key}: 'local' can't be started: piper is not installed" in result.output


_UNSPOKEN = """\
realtime_server: {answered_by: scripted}
announcements: {unreachable: {text: Nobody is there.}, lost: {text: null}}
"""


def test_a_sentence_that_nobody_can_speak_is_an_error(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Serve would refuse it; the line says what to do, and those that come along are no trouble."""
    lacking = "piper is not installed: pip install 'voxgate[local]'"
    monkeypatch.setattr("voxgate.cli.check_config.missing_voice", lambda: lacking)
    file.write_text(_UNSPOKEN)
    result = check(str(file))
    assert result.exit_code == 1
    (line,) = result.output.splitlines()
    assert line.startswith(f"announcements.unreachable.text: can't be spoken, as {lacking}; or ")
    assert line.endswith(f"({file})")


@pytest.mark.parametrize(
    "text",
    [
        _UNSPOKEN + "engine: {default_provider: local}\n",
        _UNSPOKEN.replace("scripted", "auto"),
        _UNSPOKEN.replace("Nobody is there.", "Nobody is there., file: pyproject.toml"),
        _UNSPOKEN.replace("Nobody is there.", "null"),
    ],
    ids=["agent", "embedded agent", "recording", "nothing"],
)
def test_a_sentence_that_an_agent_can_speak_or_a_recording_has_is_none(
    file: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what is not said at all."""
    monkeypatch.setattr("voxgate.cli.check_config.missing_packages", lambda _config: None)
    agent = EmbeddedAgent(provider="local", reason="", is_optional=True)
    if "auto" in text:
        monkeypatch.setattr("voxgate.cli.check_config.choose_agent", lambda _config: agent)
    monkeypatch.setattr("voxgate.cli.check_config.missing_voice", lambda: "piper")
    file.write_text(text)
    assert check(str(file)).exit_code == 0


def test_routes_are_shown_one_by_one(file: Path) -> None:
    """Who answers, who takes over, and what a call must be like for it."""
    file.write_text(
        "engine: {default_provider: openai, fall_back_provider: deepgram}\n"
        "routes:\n"
        '  - match: {line: audiosocket, called_number: "+4930*", parameters: {queue: night}}\n'
        "    provider: deepgram\n"
        "    fall_back_provider: openai\n"
        "  - provider: deepgram\n"
    )
    result = check(str(file), OPENAI_API_KEY="set", DEEPGRAM_API_KEY="set")
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[1] == (
        "  provider     openai (openai_realtime, wss://api.openai.com/v1/realtime), then deepgram"
    )
    at = lines.index(
        '  routes       [0] {"line": "audiosocket", "called_number": "+4930*", "parameters": '
        '{"queue": "night"}}: deepgram, then openai'
    )
    assert lines[at + 1] == "               [1] every call: deepgram"
    assert "routes: " not in result.output
    routes = json.loads(check(str(file), "--json").output)["routes"]
    assert routes[1] == {"match": {}, "providers": ["deepgram"]}
    file.write_text("routes: [{provider: embedded}]\n")
    assert "nothing" not in check(str(file)).output


@pytest.mark.parametrize("answered_by", ["auto", "scripted"])
def test_an_agent_that_nobody_named_may_be_missing(
    file: Path, answered_by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sentences answer in its place."""
    monkeypatch.setattr("voxgate.cli.check_config.missing_packages", lambda _config: "all")
    file.write_text(f"realtime_server: {{answered_by: {answered_by}}}\n")
    assert check(str(file)).exit_code == 0


@pytest.mark.parametrize(
    ("text", "is_advised"),
    [
        ("engine: {}\n", True),
        ("engine: {default_provider: local, fall_back_provider: embedded}\n", True),
        ("engine: {default_provider: deepgram}\n", False),
        ("realtime_server: {answered_by: scripted}\n", False),
    ],
)
def test_callers_whom_nobody_listens_to_are_told_of(
    text: str, is_advised: bool, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unless the operator asked for that, or nobody gets there."""
    monkeypatch.setattr("voxgate.cli.check_config.missing_packages", lambda _config: None)
    monkeypatch.setattr(
        "voxgate.cli.check_config.choose_agent", lambda _config: EmbeddedAgent(reason="no piper")
    )
    file.write_text(text)
    result = check(str(file), "--json")
    warnings = json.loads(result.output)["warnings"]
    found = [each["message"] for each in warnings if each["key"] == "realtime_server.answered_by"]
    assert result.exit_code == 0
    assert ["no piper" in message for message in found] == [True] * is_advised


def test_a_key_is_explained(file: Path) -> None:
    """Also where serve would refuse a provider; several at once, as text and as JSON."""
    file.write_text("barge_in:\n  min_ms: 200\n")
    result = check(str(file), "--explain", "barge_in.min_ms", "--explain", "idle_fill")
    assert result.exit_code == 0
    assert f"  comes from   {file}:2" in result.output
    assert "  keys         after_ms" in result.output
    result = check(str(file), "--explain", "barge_in.min_ms", "--json", VOXGATE__VAD__X="1")
    assert result.exit_code == 1
    told = json.loads(check(str(file), "--explain", "barge_in.min_ms", "--json").output)
    (key,) = told["keys"]
    assert (key["range"], key["default"], key["value"]) == ("20..2000", 140, 200)
    assert key["takes_effect"] == "running_calls"


def test_a_key_that_there_is_not_is_told_with_one_like_it() -> None:
    """Of the packaged default too."""
    assert check("--explain", "engine.max_calls").exit_code == 0
    result = check("--explain", "engine.max_call")
    assert result.exit_code == 1
    assert "did you mean engine.max_calls" in result.output


def test_what_the_environment_sets_is_told_by_key(file: Path) -> None:
    """Beside the names of the variables, which stay where they were."""
    file.write_text("{}")
    told = json.loads(check(str(file), "--json", VOXGATE__BARGE_IN__MIN_MS="160").output)
    assert told["environment"] == ["VOXGATE__BARGE_IN__MIN_MS"]
    assert told["overrides"] == {"barge_in.min_ms": "VOXGATE__BARGE_IN__MIN_MS"}
    text = check(str(file), VOXGATE__BARGE_IN__MIN_MS="160").output
    assert "  environment  VOXGATE__BARGE_IN__MIN_MS sets barge_in.min_ms" in text
