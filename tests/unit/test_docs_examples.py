"""What the documents tell people to run, load or paste is what there is to run, load or paste.

Dialplans, pages and programs that need a peer are followed to the letter by tests of their own
(``test_line_docs``, ``test_embedding_docs``, ``test_adding_a_provider`` and others); here are the
rules that hold for every example of every page.
"""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
import tomllib
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml

from voxgate.cli.command_group import command_group
from voxgate.config.load import parse_config
from voxgate.config.models import AppConfig

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FENCED = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_NOT_OURS = {"apiVersion", "groups", "scrape_configs", "services"}
"""Keys at the top of YAML that is for another program: Grafana's, Prometheus's, a composer's."""
_SHELL = {"", "sh", "bash", "console"}
_END = {"|", "||", "&&", ";", "&", ">", ">>", "2>", "<"}


class Block(NamedTuple):
    """A fenced block."""

    page: str
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.number}"


def _pages() -> list[Path]:
    return sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])


def _blocks() -> Iterator[Block]:
    for page in _pages():
        name = page.relative_to(ROOT).as_posix()
        text = page.read_text(encoding="utf-8")
        for number, (_, language, code) in enumerate(_BLOCK.findall(text)):
            yield Block(name, number, language, textwrap.dedent(code))


BLOCKS = list(_blocks())


def _in(language: str) -> list[Block]:
    return [block for block in BLOCKS if block.language == language]


class Command(NamedTuple):
    """A line that runs something."""

    place: str
    environ: dict[str, str]
    words: list[str]
    is_whole: bool
    """It stands in a block, with all that it needs; not in a sentence."""


def _parsed(place: str, line: str, *, is_whole: bool) -> Command | None:
    """Return a line's variables and words, up to what the shell takes for itself."""
    words = shlex.split(line, comments=True)
    environ = {}
    while words and re.match(r"(sudo$|exec$|export$|\w+=)", words[0]):
        name, mark, value = words.pop(0).partition("=")
        if mark:
            environ[name] = value
    ends = [position for position, word in enumerate(words) if word in _END]
    words = words[: ends[0]] if ends else words
    return Command(place, environ, words, is_whole) if words or environ else None


def _commands() -> Iterator[Command]:
    """Yield every command of the documents: lines of shell blocks, and `voxgate ...` in text."""
    for block in BLOCKS:
        if block.language not in _SHELL:
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            ours = re.match(r"(?:\w+=\S* )*(?:\S*/)?(?:voxgate|python3?) ", line)
            if block.language or ours:
                command = _parsed(str(block), line.removeprefix("$ "), is_whole=True)
                if command:
                    yield command
    for page in _pages():
        text = _FENCED.sub("", page.read_text(encoding="utf-8"))
        for span in re.findall(r"`((?:\w+=\S+ )*voxgate [a-z][^`]*)`", text):
            name = page.relative_to(ROOT).as_posix()
            command = _parsed(f"{name}: {span}", " ".join(span.split()), is_whole=False)
            if command:
                yield command


COMMANDS = list(_commands())
OURS = [each for each in COMMANDS if each.words and Path(each.words[0]).name == "voxgate"]


@pytest.mark.parametrize("command", OURS, ids=lambda each: f"{each.place}: {each.words[1:2]}")
def test_a_command_of_voxgate_takes_what_it_is_given(command: Command) -> None:
    """The command, its options, their choices and ranges, and the arguments that it needs."""
    top = click.Context(command_group, info_name="voxgate")
    words = command.words[1:]
    if not words or words[0].startswith("-"):
        assert set(words) <= {"--help", "-h", "--version"}
        return
    found = command_group.get_command(top, words[0])
    assert found is not None, f"there is no voxgate {words[0]}"
    context = click.Context(found, info_name=words[0], parent=top)
    given, rest, _ = found.make_parser(context).parse_args(list(words[1:]))
    assert rest == []
    for param in found.params:
        value = given.get(param.name)
        if isinstance(value, str) and _has_closed_values(param):
            param.type.convert(value, param, context)
        if command.is_whole and "--help" not in words:
            assert not param.required or value is not None, param.name


def _has_closed_values(param: click.Parameter) -> bool:
    return isinstance(param.type, (click.Choice, click.IntRange, click.FloatRange))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: f"{each.place}: {each.words[:1]}")
def test_what_a_command_names_is_there(command: Command) -> None:
    """Variables that set keys set keys that exist; modules and files of ours are there."""
    keys = {name: v for name, v in command.environ.items() if name.startswith("VOXGATE__")}
    parse_config("{}", command.place, keys)
    if "-m" in command.words:
        module = command.words[command.words.index("-m") + 1]
        assert not module.startswith("voxgate") or find_spec(module), module
    for word in command.words:
        if re.match(r"(benchmarks|config|src|tests|tools)/.*\.\w+$", word):
            assert (ROOT / word).is_file(), word


def test_the_search_finds_commands_of_every_kind() -> None:
    """Were nothing found, nothing would be proven."""
    named = {each.words[1] for each in OURS if len(each.words) > 1}
    assert {"serve", "check-config", "evaluate", "bench", "bench-guard"} <= named
    assert any(each.environ for each in OURS)
    assert any(not each.is_whole for each in OURS)


def test_every_extra_that_is_named_exists() -> None:
    """In ``voxgate[...]`` and in ``'.[...]'``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    texts = [page.read_text(encoding="utf-8") for page in _pages()]
    named = {
        extra
        for text in texts
        for group in re.findall(r"(?:voxgate|'\.)\[([a-z,]+)\]", text)
        for extra in group.split(",")
    }
    assert {"server", "local", "twilio"} <= named
    assert named <= set(project["optional-dependencies"])


def _of_a_provider(kind: str, tree: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration that has the keys of one provider that a page shows."""
    return {"providers": {"embedded": {"kind": "openai_realtime"}, "shown": {"kind": kind, **tree}}}


_PARTS = {"docs/providers/local.md": partial(_of_a_provider, "local")}
"""Pages that show keys without the sections around them, and what belongs around them."""


@pytest.mark.parametrize("block", _in("yaml"), ids=str)
def test_yaml_loads(block: Block) -> None:
    """As a configuration, unless it is for another program."""
    tree = yaml.safe_load(block.text) or {}  # a comment alone says nothing
    assert isinstance(tree, dict)
    if set(tree) & _NOT_OURS:
        return
    if tree and not set(tree) & set(AppConfig.__dataclass_fields__):
        tree = _PARTS[block.page](tree)
    assert parse_config(yaml.safe_dump(tree), str(block), {}).config


@pytest.mark.parametrize("block", _in("python"), ids=str)
def test_python_compiles(block: Block) -> None:
    """And names nothing of voxgate that is not there."""
    for node in ast.walk(ast.parse(block.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("voxgate"):
            offered = _names_in(str(node.module), [alias.name for alias in node.names])
            assert [a.name for a in node.names if a.name not in offered] == []


def _names_in(module: str, wanted: list[str]) -> set[str]:
    """Return what a module offers; of a plug-in whose framework is not installed by its text."""
    package, _, framework = module.rpartition(".")
    if package != "voxgate.integrations" or framework not in {"livekit", "pipecat"}:
        return set(dir(__import__(module, fromlist=wanted)))
    tree = ast.parse((ROOT / f"src/integrations/{framework}/__init__.py").read_text("utf-8"))
    (names,) = [n.value for n in tree.body if isinstance(n, ast.Assign)]
    return set(ast.literal_eval(names))


def _run(block: Block, names: dict[str, Any]) -> dict[str, Any]:
    names = {"__name__": "example", **names}
    exec(compile(block.text, str(block), "exec"), names)  # noqa: S102 - our own document
    return names


def test_the_gate_by_itself_runs_as_the_readme_shows_it() -> None:
    """One slot of a silent line: nothing raises, and the provider is sent 20 ms of audio."""
    (block,) = [each for each in _in("python") if each.page == "README.md"]
    sent: list[bytes] = []
    told: list[str] = []
    names = _run(
        block,
        {
            "now_ms": 0.0,
            "played_frame": bytes(320),
            "frame": bytes(320),
            "send_to_provider": sent.append,
            "pause_the_agent": lambda: told.append("pause"),
            "resume_the_agent": lambda: told.append("resume"),
            "forget_what_the_agent_still_had_to_say": lambda: told.append("forget"),
        },
    )
    assert sum(map(len, sent)) == 320
    assert "pause" not in told
    assert names["manager"].get_stats("call-1") is None


def test_the_functions_of_a_model_are_registered_as_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine that the page makes has the tool of the page."""
    monkeypatch.chdir(ROOT)
    page = "docs/providers/openai-realtime.md"
    block = next(each for each in _in("python") if each.page == page)
    names = _run(block, {})
    assert "opening_hours" in str(names["tools"].specs)
