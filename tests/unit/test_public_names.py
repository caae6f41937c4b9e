"""What voxgate offers is what its modules say they offer, and all of it is explained."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

import voxgate


@dataclass(frozen=True)
class Source:
    """A module as text."""

    name: str
    path: Path

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    def load(self) -> ModuleType:
        for plug_in, framework in _FRAMEWORKS.items():
            if self.name.startswith(plug_in) and not importlib.util.find_spec(framework):
                pytest.skip(f"{framework} is not installed; see tests/frameworks")
        return importlib.import_module(self.name)


_FRAMEWORKS = {
    "voxgate.integrations.livekit": "livekit",
    "voxgate.integrations.pipecat": "pipecat",
}
"""Plug-ins that load inside their framework only, and its name. Their text is looked at as any."""


def _sources() -> list[Source]:
    found = [Source("voxgate", Path(voxgate.__path__[0]) / "__init__.py")]
    for info in pkgutil.walk_packages(voxgate.__path__, "voxgate."):
        if info.name.endswith(".__main__"):
            continue
        assert info.module_finder is not None
        folder = Path(info.module_finder.path)  # type: ignore[union-attr]
        stem = info.name.rpartition(".")[2]
        path = folder / stem / "__init__.py" if info.ispkg else folder / f"{stem}.py"
        found.append(Source(info.name, path))
        if info.name in _FRAMEWORKS and not importlib.util.find_spec(_FRAMEWORKS[info.name]):
            modules = [each for each in path.parent.glob("*.py") if each != path]
            found += [Source(f"{info.name}.{each.stem}", each) for each in modules]
    return found


SOURCES = _sources()
BY_NAME = {source.name: source for source in SOURCES}

every_module = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
every_package = pytest.mark.parametrize(
    "source", [source for source in SOURCES if source.is_package], ids=lambda source: source.name
)


def _all_of(tree: ast.Module) -> list[str] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


@every_module
def test_all_is_there_and_true(source: Source) -> None:
    """``__all__`` is declared once, as plain text, and every name in it exists."""
    names = _all_of(source.tree())
    if names is None:
        assert source.is_package, f"{source.name} has no __all__"
        assert not _imported_names(source.tree()), f"{source.name} re-exports without __all__"
        return
    module = source.load()
    assert [name for name in names if not hasattr(module, name)] == []
    assert len(names) == len(set(names))


@every_module
def test_all_comes_first(source: Source) -> None:
    """A reader meets the docstring, then ``__all__``, then everything else."""
    tree = source.tree()
    if _all_of(tree) is None:
        return
    body = [n for n in tree.body[1:] if not _is_future_import(n)]
    assert isinstance(body[0], ast.Assign)
    assert ast.unparse(body[0].targets[0]) == "__all__"


def _is_future_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


@every_module
def test_every_public_name_is_explained(source: Source) -> None:
    """A class or function has a docstring, a constant a line of text below it."""
    tree = source.tree()
    public = set(_all_of(tree) or ()) - {"__version__"}
    unexplained = [
        name
        for node, following in zip(tree.body, [*tree.body[1:], None], strict=True)
        for name in _defined_names(node)
        if name in public and not _is_explained(node, following)
    ]
    assert unexplained == []


def _defined_names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _is_explained(node: ast.stmt, following: ast.stmt | None) -> bool:
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        return bool(ast.get_docstring(node))
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp):
        return True  # a union of classes that are explained one by one
    return isinstance(following, ast.Expr) and isinstance(
        getattr(following.value, "value", None), str
    )


@every_module
def test_every_public_method_is_explained(source: Source) -> None:
    """What can be called on a public class says what it does, unless its base class says it."""
    module = source.load()
    unexplained = []
    for node in source.tree().body:
        if not isinstance(node, ast.ClassDef) or node.name not in getattr(module, "__all__", ()):
            continue
        bases = getattr(module, node.name).__mro__[1:]
        for method in node.body:
            if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            inherited = any(method.name in vars(base) for base in bases)
            if not method.name.startswith("_") and not inherited and not ast.get_docstring(method):
                unexplained.append(f"{node.name}.{method.name}")
    assert unexplained == []


REFERENCE = sorted((Path(__file__).resolve().parents[2] / "docs" / "reference").glob("*.md"))


@pytest.mark.parametrize("page", REFERENCE, ids=lambda page: page.stem)
def test_every_attribute_of_the_reference_is_explained(page: Path) -> None:
    """The site leaves out what has no docstring: a field without one would not be on its page."""
    unexplained = [
        f"{kind.__module__}.{kind.__name__}.{name}"
        for path in re.findall(r"^::: ([\w.]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        for kind in _classes_at(path)
        for name in _unexplained_attributes(kind)
    ]
    assert unexplained == []


def _classes_at(path: str) -> list[type]:
    """Return the class of a dotted name, or the public ones of a module; none for a function."""
    owner, _, name = path.rpartition(".")
    named = BY_NAME[path].load() if path in BY_NAME else getattr(BY_NAME[owner].load(), name)
    found = [getattr(named, each) for each in named.__all__] if inspect.ismodule(named) else [named]
    return [each for each in found if inspect.isclass(each)]


def _unexplained_attributes(kind: type) -> Iterator[str]:
    """Yield the public fields of a class, and what its constructor sets, without a docstring."""
    tree = BY_NAME[kind.__module__].tree()
    (node,) = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == kind.__name__]
    constructors = [n for n in node.body if getattr(n, "name", "") == "__init__"]
    yield from _unexplained(node.body, r"([a-zA-Z]\w*)")
    for constructor in constructors:
        yield from _unexplained(getattr(constructor, "body", []), r"self\.([a-zA-Z]\w*)")


def _unexplained(body: list[ast.stmt], target: str) -> Iterator[str]:
    """Yield the names that statements set, where the pattern fits and no docstring follows."""
    for node, following in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and not _is_explained(node, following):
            left = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            found = re.fullmatch(target, ast.unparse(left))
            if found:
                yield found[1]


_SPEAKS_FOR = {
    # A decision's events and state are made of these: whoever reads one needs no other module.
    "voxgate.core.gate_decision": {"GateEventType", "GateState"},
}


@every_module
def test_only_packages_re_export(source: Source) -> None:
    """A name is imported from the module that defines it, or from the one package that offers it:
    a module's ``__all__`` is what it defines."""
    if source.is_package:
        return
    tree = source.tree()
    re_exported = set(_all_of(tree) or ()) & set(_imported_names(tree))
    assert re_exported == _SPEAKS_FOR.get(source.name, set())


def test_a_name_is_re_exported_once() -> None:
    """Two packages that offered one name would leave it open which of both is meant."""
    offered = Counter(
        name for source in SOURCES if source.is_package for name in _imported_names(source.tree())
    )
    assert [name for name, number in offered.items() if number > 1] == []


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Return the names that a package imports from within voxgate, with the module of each."""
    return {
        alias.asname or alias.name: f"{'.' * node.level}{node.module or ''}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }


@every_package
def test_a_package_re_exports_what_it_says(source: Source) -> None:
    """What ``__init__.py`` imports is its ``__all__``, and public where it comes from."""
    tree = source.tree()
    imported = _imported_names(tree)
    assert set(_all_of(tree) or ()) - {"__version__"} == set(imported)
    hidden = []
    for name, relative in imported.items():
        origin = importlib.util.resolve_name(relative, source.name)
        if name not in (_all_of(BY_NAME[origin].tree()) or ()):
            hidden.append(f"{origin}.{name}")
    assert hidden == []


def test_the_gate_needs_one_import() -> None:
    """An engine of one's own needs nothing but these two names."""
    from voxgate import AudioGatingManager, EnhancedVADManager

    assert {AudioGatingManager.__name__, EnhancedVADManager.__name__} <= set(voxgate.__all__)
