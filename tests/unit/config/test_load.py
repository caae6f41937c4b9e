"""The configuration from file and environment, and everything that can be wrong with them."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from voxgate.config import load
from voxgate.config.load import load_config, parse_config, read_config
from voxgate.config.model_tree import flattened, to_tree
from voxgate.config.models import AppConfig
from voxgate.config.provider_models import PROVIDER_KINDS, OpenAIRealtimeConfig
from voxgate.config.yaml_document import MAX_CHARACTERS
from voxgate.core.config import GatingConfig, GatingMode
from voxgate.core.guard_profile import PROFILE_DEFAULTS, GuardProfile
from voxgate.errors import ConfigError

FILE = Path(__file__).resolve().parents[3] / "config" / "ai-agent.yaml"
TEXT = FILE.read_text(encoding="utf-8")


def parsed(text: str, environ: dict[str, str] | None = None) -> AppConfig:
    return parse_config(text, "a.yaml", environ or {}).config


def problems(text: str, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parsed(text, environ)
    return [str(problem) for problem in caught.value.problems]


def test_an_empty_file_is_all_defaults() -> None:
    """Every key may be left out, and every section emptied."""
    assert parsed("") == AppConfig()
    assert parsed("\n".join(f"{section}:" for section in to_tree(AppConfig()))) == AppConfig()
    assert parsed("gating: {providers: }") == AppConfig()


def test_the_default_file_says_the_defaults() -> None:
    """Read without a path, with or without its keys, the outcome is the same."""
    assert load_config(None, {}) == AppConfig()
    assert load_config(FILE, {}) == AppConfig()


def test_the_default_file_has_every_key_with_its_default() -> None:
    """A key that the models have and the file lacks would be a secret of the source code."""
    values = flattened(yaml.safe_load(TEXT))
    for key, default in flattened(to_tree(AppConfig())).items():
        # Of several providers of one kind, and policies alike, one shows all keys.
        if key.startswith(("providers.embedded.", "gating.providers.")) and key not in values:
            key = key.replace("providers.embedded.", "providers.openai.")  # noqa: PLW2901
            key = key.replace(".deepgram.", ".openai_realtime.")  # noqa: PLW2901
            key = key.replace(".local.", ".openai_realtime.")  # noqa: PLW2901
            assert key in values
            continue
        assert values[key] == default, key


def test_every_key_of_the_default_file_has_a_comment() -> None:
    """A reader learns beside each key what it does."""
    lines = TEXT.splitlines()
    keys = [n for n, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")]
    in_block = {n + 1 for n in keys if lines[n].endswith(">-")}
    uncommented = [
        lines[n] for n in keys if n not in in_block and not lines[n - 1].lstrip().startswith("# ")
    ]
    assert uncommented == []
    assert len(keys) > 80


def test_a_profile_chooses_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are given win, in the file as in the environment, which may choose it too."""
    profiles = {**PROFILE_DEFAULTS, GuardProfile.MOBILE: {"hangover_ms": 500, "sensitivity": 0.6}}
    monkeypatch.setattr(load, "PROFILE_DEFAULTS", profiles)
    mobile = parsed("audio_guard: {profile: mobile}").audio_guard
    assert (mobile.hangover_ms, mobile.sensitivity) == (500, 0.6)
    given = parsed("audio_guard: {profile: mobile, hangover_ms: 400}").audio_guard
    assert (given.hangover_ms, given.sensitivity) == (400, 0.6)
    variables = {
        "VOXGATE__AUDIO_GUARD__PROFILE": "mobile",
        "VOXGATE__AUDIO_GUARD__SENSITIVITY": "1",
    }
    set_so = parsed("", variables).audio_guard
    assert (set_so.hangover_ms, set_so.sensitivity) == (500, 1.0)


@pytest.mark.parametrize("name", ["car", "3", "[mobile]", "{}", "null"])
def test_a_profile_that_is_none_is_refused(name: str) -> None:
    """With the names that there are, or with what it should be."""
    (problem,) = problems(f"audio_guard: {{profile: {name}}}")
    assert problem.startswith("audio_guard.profile")


def test_the_default_file_tells_editors_its_schema() -> None:
    """The first line is what the YAML language server looks for."""
    assert TEXT.splitlines()[0] == "# yaml-language-server: $schema=ai-agent.schema.json"
    assert (FILE.parent / "ai-agent.schema.json").is_file()


def test_one_line_leads_to_the_cloud() -> None:
    """The instance with the cloud's address is there; choosing it is all."""
    config = parsed("engine: {default_provider: openai}")
    assert isinstance(config.default_provider, OpenAIRealtimeConfig)
    assert not config.default_provider.is_embedded


def test_a_policy_keeps_the_defaults_of_its_kind() -> None:
    """To turn one key of a policy is not to reset the others, nor those of other kinds."""
    config = parsed("gating: {providers: {openai_realtime: {mode: off}, local: }}")
    policies, defaults = config.gating.providers, GatingConfig().providers
    assert policies["openai_realtime"].mode is GatingMode.OFF
    assert policies["openai_realtime"].gating_enabled
    assert {kind: policies[kind] for kind in PROVIDER_KINDS[1:]} == {
        kind: defaults[kind] for kind in PROVIDER_KINDS[1:]
    }


def test_providers_of_a_file_are_all_there_are() -> None:
    """An operator's list is not mixed with ours."""
    config = parsed("engine: {default_provider: a}\nproviders: {a: {kind: deepgram}}")
    assert list(config.providers) == ["a"]


def test_whole_numbers_are_numbers() -> None:
    """``30`` for ``30.0`` is no mistake; the other way round it is one."""
    assert parsed("engine: {drain_timeout_s: 30}") == AppConfig()
    assert problems("engine: {max_calls: 100.0}") == [
        "engine.max_calls: 100.0 is not a whole number (a.yaml:1)"
    ]


def test_the_environment_wins_over_the_file() -> None:
    """One container image, many deployments."""
    environ = {"VOXGATE__BARGE_IN__MIN_MS": "160", "VOXGATE__GATING__PROVIDERS__LOCAL__MODE": "off"}
    loaded = parse_config("barge_in: {min_ms: 200}", "a.yaml", environ)
    assert loaded.config.barge_in.min_ms == 160
    assert loaded.config.gating.providers["local"].mode is GatingMode.OFF
    assert loaded.variables == tuple(environ)
    assert loaded.source == "a.yaml"


def test_a_default_provider_can_be_turned_from_the_environment() -> None:
    """Without a ``providers`` section in the file, those of the package are there to turn."""
    config = parsed("", {"VOXGATE__PROVIDERS__OPENAI__VOICE": "cedar"})
    provider = config.providers["openai"]
    assert isinstance(provider, OpenAIRealtimeConfig)
    assert provider.voice == "cedar"


def test_the_example_of_the_house_style_reads_as_written() -> None:
    """Full key, value, rule, file and line."""
    assert problems("barge_in: {min_ms: -20}") == [
        "barge_in.min_ms: -20 is not in 20..2000 (a.yaml:1)"
    ]
    assert problems("", {"VOXGATE__BARGE_IN__MIN_MS": "-20"}) == [
        "barge_in.min_ms: -20 is not in 20..2000 (environment VOXGATE__BARGE_IN__MIN_MS)"
    ]


def test_all_problems_of_a_file_are_collected() -> None:
    """Form, secrets, references, types and ranges, in one go and each once."""
    text = """
engine: {default_provider: opnai, max_calls: 0, max_calls: 0}
lines: {sip: {}}
providers: {openai: {kind: openai_realtime, api_key: hunter2}}
vad: {smoothing_frames: 0}
"""
    keys = [line.partition(": ")[0] for line in problems(text, {"VOXGATE__VAD": "1"})]
    assert sorted(keys) == [
        "engine.default_provider",
        "engine.max_calls",
        "lines.sip",
        "providers.openai.api_key",
        "vad",
        "vad.smoothing_frames",
    ]


def test_a_missing_default_provider_is_told_for_the_default_name_too() -> None:
    """A file with providers of its own must choose one."""
    (line,) = problems("providers: {desk: {kind: local}}")
    assert line == (
        "engine.default_provider: 'embedded' is not the name of one of the providers; "
        "known: desk (a.yaml)"
    )


@pytest.mark.parametrize(
    "text",
    ["engine: 3", "providers: 3", "providers: {a: {kind: local}}\nengine: {default_provider: 3}",
     "gating: 3", "gating: {providers: 3}", "gating: {providers: {local: 3}}"],
)  # fmt: skip
def test_a_value_where_a_section_belongs_is_told(text: str) -> None:
    """Filling in defaults does not stumble over it."""
    assert all(" is not " in line for line in problems(text))


def test_a_secret_is_in_no_error(tmp_path: Path) -> None:
    """Neither in the text nor in what Python chains to it."""
    path = tmp_path / "a.yaml"
    path.write_text("providers: {openai: {kind: openai_realtime, api_key: hunter2}}\nx: 1\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize(
    ("content", "cause"), [(None, FileNotFoundError), (b"\xff\xfe", UnicodeDecodeError)]
)
def test_a_file_that_cannot_be_read_is_told_with_its_cause(
    tmp_path: Path, content: bytes | None, cause: type[Exception]
) -> None:
    """A command tells an unreadable file from a wrong one by the cause."""
    path = tmp_path / "a.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="document: can't be read: ") as caught:
        load_config(path, {})
    assert isinstance(caught.value.__cause__, cause)
    assert caught.value.problems[0].source == str(path)


def test_an_endless_file_is_refused() -> None:
    """A device, or a log by mistake, does not fill the memory."""
    with pytest.raises(ConfigError, match=f"longer than {MAX_CHARACTERS}|does not allow"):
        load_config(Path("/dev/zero"), {})


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfengine:\n  max_calls: 3\n")
    assert load_config(path, {}).engine.max_calls == 3


def test_a_packaged_file_is_read_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a wheel the default file lies in the package; in a checkout beside the sources."""
    assert read_config(None, {}).source == "config/ai-agent.yaml"
    (tmp_path / "ai-agent.yaml").write_text("engine: {max_calls: 7}")
    monkeypatch.setattr(load.resources, "files", lambda _: tmp_path)
    loaded = read_config(None, {})
    assert loaded.source == "voxgate/config/ai-agent.yaml"
    assert loaded.config.engine.max_calls == 7


# Whatever a file or the environment holds: models, or ConfigError.

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=10**900, max_value=10**990),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["embedded", "openai_realtime", "deepgram", "off", "drop", "sk-" + "x" * 20]),
)
KEYS = st.one_of(
    st.sampled_from(sorted({part for key in flattened(to_tree(AppConfig())) for part in
                            key.split(".")})),
    st.sampled_from(["api_key", "[key]", "<<", "kind", "x"]),
    st.text(max_size=8),
)  # fmt: skip
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


def refusal(text: str, environ: dict[str, str]) -> ConfigError | None:
    try:
        assert isinstance(parsed(text, environ).gating_config, GatingConfig)
    except ConfigError as error:
        return error
    return None


def holds(text: str, environ: dict[str, str] | None = None) -> None:
    """Check that text is a configuration or an error whose problems can be printed."""
    error = refusal(text, environ or {})
    if error is not None:
        assert error.problems
        assert all("\n" not in str(problem) for problem in error.problems)
        assert "x" * 20 not in str(error)


few = settings(max_examples=30)
"""For documents of the size of the default file, which take long to read."""


@given(VALUES)
def test_any_document_loads_or_is_a_config_error(document: Any) -> None:
    """Sections, lists and scalars in any place, huge numbers, not-a-numbers and infinities."""
    holds(yaml.dump(document, allow_unicode=True))


@few
@given(st.data())
def test_a_mutated_configuration_loads_or_is_a_config_error(data: st.DataObject) -> None:
    """One value anywhere in a valid configuration is replaced, removed, or joined by another."""
    tree = copy.deepcopy(to_tree(AppConfig()))
    for _ in range(data.draw(st.integers(1, 3))):
        section = tree
        while isinstance(section, dict) and section:
            key = data.draw(st.sampled_from(sorted(section)))
            if not isinstance(section[key], dict) or data.draw(st.integers(0, 3)) == 0:
                break
            section = section[key]
        else:
            continue
        change = data.draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "remove":
            del section[key]
        else:
            section[key if change == "replace" else data.draw(KEYS)] = data.draw(VALUES)
    holds(yaml.dump(tree, allow_unicode=True))


@few
@given(st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=10))
def test_a_damaged_file_loads_or_is_a_config_error(start: int, length: int, text: str) -> None:
    """A few characters of the default file are lost or overwritten."""
    holds(TEXT[:start] + text + TEXT[start + length :])


@given(
    st.dictionaries(
        st.lists(
            st.one_of(KEYS.map(str.upper), st.text(alphabet="AB_", max_size=4)),
            min_size=0,
            max_size=5,
        ).map(lambda parts: "VOXGATE__" + "__".join(parts)),
        st.one_of(st.text(max_size=20), SCALARS.map(str)),
        max_size=3,
    )
)
def test_any_environment_loads_or_is_a_config_error(environ: dict[str, str]) -> None:
    """Names that lead nowhere or through scalars, values of any text."""
    holds("", environ)


class TestRoutes:
    """A list of sections, each with its place in messages."""

    def test_a_file_with_routes_loads(self, tmp_path: Path) -> None:
        """As models, in the order of the file."""
        path = tmp_path / "a.yaml"
        path.write_text(
            "routes:\n"
            '  - match: {line: twilio, called_number: "+4930*", parameters: {queue: sales}}\n'
            "    provider: openai\n"
            "    fall_back_provider: embedded\n"
            "  - provider: deepgram\n"
            "announcements:\n"
            "  lost: {text: null}\n"
            "  unreachable: {text: Nobody is there., file: nobody.wav}\n"
        )
        config = load_config(path, {})
        assert [route.candidates for route in config.routes] == [
            ("openai", "embedded"),
            ("deepgram",),
        ]
        assert config.routes[0].match.parameters == {"queue": "sales"}
        assert config.announcements.lost.text is None
        assert config.announcements.unreachable.file == "nobody.wav"
        assert config.announcements.fall_back == AppConfig().announcements.fall_back

    def test_a_recording_needs_no_text(self) -> None:
        """What is left out of a sentence has the default of that sentence, and so has an emptied
        one; wherever the rest comes from."""
        default = AppConfig().announcements
        recorded = replace(default, lost=replace(default.lost, file="x.wav"))
        variable = {"VOXGATE__ANNOUNCEMENTS__LOST__FILE": "x.wav"}
        assert parsed("announcements: {lost: {file: x.wav}}\n").announcements == recorded
        assert parsed("announcements: {lost: }\n", variable).announcements == recorded
        assert parsed("", variable).announcements == recorded
        assert parsed("announcements: {lost: }\n").announcements == default

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (
                "routes:\n  - provider: openai\n  - provider: opnai\n",
                "routes[1].provider: 'opnai' is not the name of one of the providers; did you",
            ),
            (
                "routes:\n  - {provider: openai, fall_back_provider: openai}\n",
                "routes[0].fall_back_provider: 'openai' is the provider that it is to take over",
            ),
            ("routes:\n  - match: {}\n", "routes[0].provider: is missing"),
            (
                "routes:\n  - {provider: openai, match: {called_number: +4930}}\n",
                "routes[0].match.called_number: 4930 is not text: put it in quotes",
            ),
            (
                "routes:\n  - {provider: openai, match: {number: 1}}\n",
                "routes[0].match.number: is not a known key",
            ),
            (
                "routes:\n  - {provider: openai, match: {line: audiosoket}}\n",
                "routes[0].match.line: 'audiosoket' is not a kind of line; did you mean 'audio",
            ),
            ("routes: openai\n", "routes: 'openai' is not a list"),
            (
                "engine: {fall_back_provider: gone}\n",
                "engine.fall_back_provider: 'gone' is not the name of one of the providers",
            ),
            ("announcements: {lost: hello}\n", "announcements.lost: 'hello' is not a section"),
            ("announcements: {lose: {file: x.wav}}\n", "announcements.lose: is not a known key"),
        ],
    )
    def test_what_is_wrong_is_named_at_its_place(
        self, tmp_path: Path, text: str, problem: str
    ) -> None:
        """Once, with the line of the file."""
        path = tmp_path / "a.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError) as info:
            load_config(path, {})
        (found,) = info.value.problems
        assert str(found).startswith(problem)
        assert f"{path}:" in found.source

    def test_all_names_that_do_not_exist_are_told_at_once(self, tmp_path: Path) -> None:
        """Also where something else is wrong."""
        path = tmp_path / "a.yaml"
        path.write_text(
            "engine: {default_provider: one, max_calls: -1}\n"
            "routes: [{provider: two, fall_back_provider: three, match: {line: audiosoket}}]\n"
            "realtime_server: {answered_by: four}\n"
        )
        with pytest.raises(ConfigError) as info:
            load_config(path, {})
        assert [problem.key for problem in info.value.problems] == [
            "routes[0].match.line",
            "engine.default_provider",
            "routes[0].provider",
            "routes[0].fall_back_provider",
            "realtime_server.answered_by",
            "engine.max_calls",
        ]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            (
                "engine: {provider: openai}\n",
                "engine.provider: is not a known key; did you mean 'default_provider' or ",
            ),
            (
                "providers: {embedded: {kind: openai}}\n",
                "providers.embedded.kind: 'openai' is not a known kind; did you mean 'openai_r",
            ),
            (
                "lines: {audiosocket: {calls: {'000000000700': {}}}}\n",
                "lines.audiosocket.calls.000000000700: is not a whole UUID; write '*000000000700'",
            ),
            (
                "lines: {audiosocket: {hooks: {transfer_url: 'http://127.0.0.1:80800/'}}}\n",
                "lines.audiosocket.hooks.transfer_url: 'http://127.0.0.1:80800/' has a port that",
            ),
            (
                "providers: {embedded: {kind: deepgram, url: 'wss://[::1'}}\n",
                "providers.embedded.url: 'wss://[::1' has brackets that hold no IPv6 address",
            ),
        ],
    )
    def test_what_was_meant_is_said(self, tmp_path: Path, text: str, problem: str) -> None:
        """Once, so that the first try is the last."""
        path = tmp_path / "a.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError) as info:
            load_config(path, {})
        (found,) = info.value.problems
        assert str(found).startswith(problem)


def test_all_addresses_that_lead_nowhere_are_told_at_once(tmp_path: Path) -> None:
    """Two in one section among them."""
    path = tmp_path / "a.yaml"
    path.write_text(
        "lines:\n"
        "  audiosocket:\n"
        "    hooks: {metadata_url: 'http://[::1/{call_id}', transfer_url: 'http://h:99999/'}\n"
        "  twilio: {public_url: 'wss://h:70000/twilio', twiml_url: 'https://h:0/twiml'}\n"
    )
    with pytest.raises(ConfigError) as info:
        load_config(path, {})
    assert [(problem.key.rpartition(".")[2], problem.rule) for problem in info.value.problems] == [
        ("metadata_url", "has brackets that hold no IPv6 address"),
        ("transfer_url", "has a port that is not in 1..65535"),
        ("public_url", "has a port that is not in 1..65535"),
        ("twiml_url", "has a port that is not in 1..65535"),
    ]


def test_a_path_may_be_text(tmp_path: Path) -> None:
    """As somebody writes it in a program of their own."""
    path = tmp_path / "a.yaml"
    path.write_text("engine: {max_calls: 7}\n")
    assert load_config(str(path), {}).engine.max_calls == 7
    with pytest.raises(ConfigError, match="can't be read"):
        load_config(str(tmp_path / "none.yaml"), {})
