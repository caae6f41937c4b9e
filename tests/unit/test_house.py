"""The files around the code agree with one another."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

import voxgate
from setup_env import LEFT_OUT, SUPPORTED

ROOT = Path(__file__).resolve().parents[2]

_NOT_OURS = {".git", "corpus", "dist", "out"}
_OUTPUT = re.compile(r"^\.(venvs?|\w+_cache|import_linter_cache|hypothesis|coverage.*)$")


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads(_read(name))


PROJECT = _toml("pyproject.toml")
LOCK = _toml("uv.lock")
VERSIONS = [f"{SUPPORTED[0][0]}.{minor}" for minor in range(SUPPORTED[0][1], SUPPORTED[1][1])]


# --- the lock and its export ---------------------------------------------------------------------


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _exported() -> dict[tuple[str, str], set[str]]:
    """Return the hashes in requirements/dev.txt by name and version."""
    packages: dict[tuple[str, str], set[str]] = {}
    joined = _read("requirements/dev.txt").replace("\\\n", " ")
    for line in joined.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = re.match(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)", line)
        assert found, f"not a pinned package: {line[:80]}"
        key = (_normalised(found["name"]), found["version"])
        packages[key] = set(re.findall(r"--hash=(\S+)", line))
    return packages


def _installed_names() -> set[str]:
    """Return what `make setup` installs: all the lock reaches but by extras that are left out."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for package in LOCK["package"]:
        by_name.setdefault(package["name"], []).append(package)
    (root,) = by_name["voxgate"]
    extras = {k: v for k, v in root["optional-dependencies"].items() if k not in LEFT_OUT}
    waiting = [*root["dependencies"], *chain.from_iterable(extras.values())]
    waiting += chain.from_iterable(root["dev-dependencies"].values())
    names: set[str] = set()
    while waiting:
        name = waiting.pop()["name"]
        if name not in names:
            names.add(name)
            for package in by_name[name]:
                waiting += package.get("dependencies", [])
                waiting += chain.from_iterable(package.get("optional-dependencies", {}).values())
    return names


def _locked() -> dict[tuple[str, str], set[str]]:
    """Return the hashes in uv.lock by name and version, of what `make setup` installs."""
    packages = {}
    names = _installed_names()
    for package in LOCK["package"]:
        if package["name"] in names:
            files = [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
            packages[package["name"], package["version"]] = {file["hash"] for file in files}
    return packages


def test_the_export_for_pip_is_in_step_with_the_lock() -> None:
    """The same packages in the same versions with the same hashes, whichever tool installs them."""
    assert _exported() == _locked()


def _named(requirements: list[str]) -> dict[str, str]:
    """Return the version rule of each requirement by name."""
    parts = [re.match(r"([\w.-]+)(.*)", entry) for entry in requirements]
    return {_normalised(part[1]): part[2].split(";")[0].strip() for part in parts if part}


def test_the_lock_is_in_step_with_the_project() -> None:
    """A dependency that was added or changed without ``make lock`` is found."""
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    wanted = _named([*project["dependencies"], *(r for extra in extras.values() for r in extra)])
    (own,) = (package for package in LOCK["package"] if package["name"] == "voxgate")
    locked = {r["name"]: r.get("specifier", "") for r in own["metadata"]["requires-dist"]}
    del wanted["voxgate"], locked["voxgate"]  # one extra that has all of another
    assert locked == wanted
    developing = own["metadata"]["requires-dev"]["dev"]
    assert {r["name"]: r.get("specifier", "") for r in developing} == _named(
        PROJECT["dependency-groups"]["dev"]
    )


def test_the_lock_names_the_public_index_only() -> None:
    """A lock written behind a mirror would install nowhere else."""
    sources = {
        str(package["source"]) for package in LOCK["package"] if package["name"] != "voxgate"
    }
    assert sources == {str({"registry": "https://pypi.org/simple"})}
    hosts = set(re.findall(r"https?://([^/\"]+)/", _read("uv.lock")))
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}
    assert not re.search(
        r"^\s*(-|\w+://)", _read("requirements/dev.txt").replace("    --hash", ""), re.MULTILINE
    )


# --- versions ------------------------------------------------------------------------------------


def test_every_place_names_the_same_version() -> None:
    """pyproject.toml, the lock, ``voxgate.__version__`` and the newest release in the changelog."""
    version = PROJECT["project"]["version"]
    (own,) = (package for package in LOCK["package"] if package["name"] == "voxgate")
    assert own["version"] == version
    assert voxgate.__version__ == version
    headings = re.findall(r"^## \[([^\]]+)\]", _read("CHANGELOG.md"), re.MULTILINE)
    released = [heading for heading in headings if heading != "Unreleased"]
    assert headings, "CHANGELOG.md has no heading such as ## [0.1.0]"
    assert released[:1] in ([], [version])


def test_every_place_names_the_same_pythons() -> None:
    """The versions that setup takes are those declared, and those that forks are tested on."""
    project = PROJECT["project"]
    low, high = (".".join(map(str, edge)) for edge in SUPPORTED)
    assert project["requires-python"] == f">={low},<{high}"
    prefix = "Programming Language :: Python :: "
    classifiers = [c.removeprefix(prefix) for c in project["classifiers"] if c.startswith(prefix)]
    assert classifiers == VERSIONS
    workflow = yaml.safe_load(_read(".github/workflows/ci.yml"))
    assert workflow["jobs"]["ci"]["strategy"]["matrix"]["python"] == VERSIONS
    tried = re.search(r'VERSIONS="([^"]+)"', _read(".ci/run"))
    assert tried
    assert sorted(tried[1].split()) == sorted(VERSIONS)


# --- the text of the repository ------------------------------------------------------------------


def _text_files() -> Iterator[tuple[Path, str]]:
    """Yield every text file of the checkout with its content, outputs left out."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_symlink() or _is_output(path):
                continue
            if path.is_dir():
                folders.append(path)
                continue
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _is_output(path: Path) -> bool:
    if path.name == "__pycache__":
        return True
    return path.parent == ROOT and (path.name in _NOT_OURS or bool(_OUTPUT.match(path.name)))


# Written in pieces, so that this file does not name what it forbids.
_MACHINE_PATHS = re.compile(
    r"(?<![\w.~-])/(?:wo"
    r"rk|ro"
    r"ot)/|(?<![\w./])\.\./sha"
    r"red\b|(?<![\w.~-])/opt/(?:whe"
    r"els|py"
    r"pi)"
)
_SECRETS = re.compile(r"\bs" r"k-(?:proj-)?[A-Za-z0-9]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY")


@pytest.mark.parametrize(
    ("rule", "example"),
    [(_MACHINE_PATHS, "/wo" + "rk/main"), (_SECRETS, "s" + "k-proj-" + "a1" * 12)],
    ids=["a path of one machine", "a secret"],
)
def test_no_file_holds(rule: re.Pattern[str], example: str) -> None:
    """What belongs to one machine or one person has no place in the repository."""
    assert rule.search(example), "the rule finds nothing, so the search would prove nothing"
    found = [f"{path}: {hit.group()}" for path, text in _text_files() if (hit := rule.search(text))]
    assert found == []


def test_the_license_is_the_one_declared() -> None:
    """The licence text is there, and is what the metadata says."""
    assert PROJECT["project"]["license"] == "MIT"
    assert PROJECT["project"]["license-files"] == ["LICENSE"]
    assert _read("LICENSE").startswith("MIT License\n")


# --- the commands that people are told -----------------------------------------------------------


_FENCED = re.compile(r"^ *```[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", _read("Makefile"), re.MULTILINE))


def _documents() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_every_make_target_is_phony() -> None:
    """A file called ``test`` or ``dist`` must not keep the target of that name from running."""
    phony = re.search(r"^\.PHONY:(.*)$", _read("Makefile"), re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == _make_targets()


def test_the_list_of_make_help_has_room_for_every_target() -> None:
    """A longer name would push its line out of the column."""
    width = re.search(r'printf "%-(\d+)s ', _read("Makefile"))
    assert width
    assert max(len(f"  make {target}") for target in _make_targets()) <= int(width[1])


@pytest.mark.parametrize(
    "document", _documents(), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_document_names_make_targets_that_exist(document: Path) -> None:
    """Every ``make X`` in a document's code is a target of the Makefile."""
    code = _code_of(document.read_text(encoding="utf-8"))
    named = set(re.findall(r"\bmake +([a-z][a-z-]*)", code))
    assert named - _make_targets() == set()


def _code_of(markdown: str) -> str:
    fenced = _FENCED.findall(markdown)
    spans = re.findall(r"`([^`\n]+)`", _FENCED.sub("", markdown))
    return "\n".join([*fenced, *spans])


@pytest.mark.parametrize(
    "document", _documents(), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_documents_links_lead_somewhere(document: Path) -> None:
    """A relative link in a document names a file of the repository."""
    text = _FENCED.sub("", document.read_text(encoding="utf-8"))
    targets = re.findall(r"\]\(<?([^)\s>]+)>?\)", text)
    local = [t.partition("#")[0] for t in targets if not re.match(r"[a-z]+:|#", t)]
    assert [target for target in local if not (document.parent / target).exists()] == []


def test_editable_installs_find_the_sources() -> None:
    """The link that an editable install imports through leads to ``src``."""
    (folder,) = PROJECT["tool"]["hatch"]["build"]["dev-mode-dirs"]
    link = ROOT / folder / "voxgate"
    if not (ROOT / "tools" / "dev").exists():
        pytest.skip("a source archive has no link; it is made for checkouts")
    assert link.is_symlink()
    assert link.resolve() == (ROOT / "src").resolve()


def test_the_default_configuration_is_packed() -> None:
    """An installed voxgate finds the commented default configuration beside its loader."""
    wheel: Mapping[str, Any] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "config/ai-agent.yaml" in wheel["only-include"]
    assert wheel["sources"]["config"] == "voxgate/config"
    assert (ROOT / "config" / "ai-agent.yaml").is_file()
