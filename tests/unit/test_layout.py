"""The tests mirror the sources file for file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
UNIT = ROOT / "tests" / "unit"

INTERFACES = {
    # Protocols and the values that cross them; every implementation's tests speak of them.
    "core/gate_tape.py",
    "local_agent/recogniser.py",
    "local_agent/reply.py",
    "local_agent/voice.py",
    "providers/base.py",
    "providers/socket_conversation.py",
    "transports/base.py",
}

SHELLS = {
    # They own sockets or the process, so that only tests/integration can drive them.
    "cli/proxy.py",
    "cli/serve.py",
    "lab/load/callers.py",
    "lab/load/callers_process.py",
    "lab/load/child_process.py",
    "lab/load/child_wire.py",
    "lab/load/embedded_stamps.py",
    "lab/load/light_server.py",
    "lab/load/load_run.py",
    "lab/load/server_process.py",
    "integrations/realtime_proxy/relay.py",
    "integrations/realtime_proxy/server.py",
    "integrations/realtime_proxy/upstream.py",
    "cli/serve_workers.py",
    "local_agent/chat_reply.py",
    "local_agent/piper_voice.py",
    "local_agent/pocketsphinx_recogniser.py",
    "local_agent/worker_process.py",
    "local_agent/wyoming_connection.py",
    "local_agent/wyoming_recogniser.py",
    "local_agent/wyoming_voice.py",
    "observe/desk/bounded_protocols.py",
    "observe/desk/desk.py",
    "observe/desk/live_socket.py",
    "observe/desk/server.py",
    "observe/desk/service.py",
    "observe/desk/worker.py",
    "providers/openai_realtime/connection.py",
    "providers/openai_realtime/provider.py",
    "realtime_server/server.py",
    "realtime_server/session_shell.py",
    "transports/audiosocket/connection.py",
    "transports/audiosocket/server.py",
    "transports/listening.py",
    "workers/engine_run.py",
    "workers/shared_lines.py",
    "workers/status_server.py",
    "workers/supervisor.py",
    "workers/worker_process.py",
    "workers/worker_program.py",
}

FRAMEWORKS = ("livekit", "pipecat")
"""Their plug-ins are tested inside the real frameworks, in tests/frameworks."""

ACROSS_MODULES = {
    # Whole calls through the gate, held to recorded decisions.
    "core/test_guard_off_golden.py",
    # Whole calls through the gate, held against faults seen in the field.
    "core/test_known_faults.py",
    # One whole call through every way into the gate, held to recorded decisions.
    "test_golden_call.py",
}

OF_THE_REPOSITORY = {
    "test_bounds_doc.py",
    "test_deployments.py",
    "test_docs_examples.py",
    "test_docs_site.py",
    "test_faults_doc.py",
    "test_house.py",
    "test_layout.py",
    "test_library_surface.py",
    "test_public_names.py",
    "test_security.py",
}


def _modules(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def _test_of(module: Path) -> Path:
    relative = module.relative_to(SOURCE)
    return UNIT / relative.parent / f"test_{relative.stem.strip('_')}.py"


@pytest.mark.parametrize(
    "module",
    [path for path in _modules(SOURCE) if path.name != "__init__.py"],
    ids=lambda path: path.relative_to(SOURCE).as_posix(),
)
def test_every_module_has_its_own_test_file(module: Path) -> None:
    """A module is tested where a reader looks for it, or is listed here with the reason."""
    name = module.relative_to(SOURCE).as_posix()
    if name.startswith(tuple(f"integrations/{framework}/" for framework in FRAMEWORKS)):
        return
    test = _test_of(module)
    assert name in INTERFACES | SHELLS or test.is_file(), f"no {test.relative_to(ROOT)}"


@pytest.mark.parametrize("name", sorted(SHELLS))
def test_every_shell_is_driven_by_an_integration_test(name: str) -> None:
    """A module without a unit test of its own is imported by a test over real sockets."""
    package = "voxgate." + name.rpartition("/")[0].replace("/", ".")
    texts = [path.read_text(encoding="utf-8") for path in _modules(ROOT / "tests/integration")]
    assert any(package in text for text in texts), f"no integration test imports {package}"


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_plug_in_is_driven_inside_its_framework(name: str) -> None:
    """Each of its modules but the one that tells what is missing is named in tests/frameworks."""
    texts = [
        path.read_text(encoding="utf-8") for path in _modules(ROOT / f"tests/frameworks/{name}")
    ]
    package = f"voxgate.integrations.{name}"
    assert any(package in text for text in texts), f"no test in tests/frameworks imports {package}"


def test_every_unit_test_file_has_its_module() -> None:
    """A test file is named for a module: ``test_NAME.py``, or ``test_NAME_ASPECT.py``."""
    orphans = []
    for test in _modules(UNIT):
        relative = test.relative_to(UNIT)
        if relative.as_posix() in ACROSS_MODULES | OF_THE_REPOSITORY:
            continue
        if not test.name.startswith("test_"):
            continue
        subject = test.stem.removeprefix("test_")
        base = ROOT if relative.parts[0] == "tools" else SOURCE
        siblings = [path.stem.strip("_") for path in (base / relative.parent).glob("*.py")]
        siblings += [path.stem for path in (base / relative.parent).glob("*.sh")]
        if not any(subject == name or subject.startswith(f"{name}_") for name in siblings):
            orphans.append(relative.as_posix())
    assert orphans == []


def test_the_list_of_exceptions_names_files_that_exist() -> None:
    """An exception for a module that is gone would hide the next module of that name."""
    assert [name for name in sorted(INTERFACES | SHELLS) if not (SOURCE / name).is_file()] == []


@pytest.mark.parametrize(
    "package",
    sorted(SOURCE.rglob("__init__.py")),
    ids=lambda path: path.parent.relative_to(SOURCE).as_posix(),
)
def test_a_package_file_holds_no_logic(package: Path) -> None:
    """``__init__.py`` is a docstring, imports, ``__all__`` and ``__version__``, nothing else."""
    tree = ast.parse(package.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "no docstring"
    odd = [
        ast.unparse(node).splitlines()[0]
        for node in tree.body[1:]
        if not isinstance(node, (ast.Import, ast.ImportFrom)) and not _sets_dunder(node)
    ]
    assert odd == []


def _sets_dunder(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and all(
        isinstance(target, ast.Name) and target.id in {"__all__", "__version__"}
        for target in node.targets
    )


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without ``__init__.py`` would be left out by tools that look for packages."""
    folders = {path.parent for path in _modules(SOURCE)}
    assert [
        str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").is_file()
    ] == []
