"""Says what voxgate brings with it at run time: a bill of materials, licences, known weaknesses.

What is looked at is what uv.lock has of the package's own dependencies and of all its extras; tools
of development are left out. `tools/audit.sh` gives this a pip-audit in an environment of its own.

Invariant: what could not be checked is said, and never passes for checked.
"""

from __future__ import annotations

__all__ = [
    "LICENCE_EXCEPTIONS",
    "Advisories",
    "is_licence_allowed",
    "licence_of",
    "main",
    "parse_report",
    "runtime_packages",
    "sbom_of",
]

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).resolve().parent.parent
_PROJECT = "voxgate"
_SERVICES = ("osv", "pypi")
"""Where pip-audit asks, in this order; the first that answers counts."""
_PROBE = "numpy"
"""What is asked about first, to see whether a service answers at all."""
_TIMEOUT_S = "15"

LICENCE_EXCEPTIONS: Mapping[str, str] = {
    "piper-tts": "GPL-3.0: only in the extra local, and run as a process of its own; who ships "
    "voxgate with it ships it under its terms",
}
"""Packages whose licence is none of those that are allowed, and why they are there all the same."""

_DENIED = re.compile(
    r"\bA?GPL|Affero|GNU General|SSPL|BUSL|Business Source|non.?commercial|-NC\b|Commons Clause"
    r"|PolyForm|Elastic|proprietary|non.?compete",
    re.IGNORECASE,
)
_ALLOWED = re.compile(
    r"\b(MIT|0?BSD|Apache|MPL|Mozilla|PSF|Python Software Foundation|Zlib|ISC|CC0|Unlicense"
    r"|public domain|LGPL|DFSG)",
    re.IGNORECASE,
)


# -- what there is ---------------------------------------------------------------------------------


def runtime_packages(lock: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the packages of a uv.lock that the project or one of its extras needs, by name."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for package in lock["package"]:
        by_name.setdefault(package["name"], []).append(package)
    waiting, seen = [_PROJECT], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for package in by_name.get(name, ()):
            groups = package.get("optional-dependencies", {}).values()
            needed = [
                *package.get("dependencies", ()),
                *(each for group in groups for each in group),
            ]
            waiting += [each["name"] for each in needed]
    seen.discard(_PROJECT)
    return [package for name in sorted(seen) for package in by_name.get(name, ())]


def sbom_of(packages: Iterable[Mapping[str, Any]], version: str) -> dict[str, Any]:
    """Return a CycloneDX 1.5 bill of materials: for machines without uv, which writes its own."""
    components = [
        {
            "type": "library",
            "bom-ref": f"{package['name']}@{package['version']}",
            "name": package["name"],
            "version": package["version"],
            "purl": f"pkg:pypi/{package['name']}@{package['version']}",
            "externalReferences": [
                {"type": "distribution", "url": file["url"], "hashes": [_hash(file["hash"])]}
                for file in (*package.get("wheels", ()), *filter(None, [package.get("sdist")]))
                if "url" in file and "hash" in file
            ],
        }
        for package in packages
    ]
    root = {"type": "application", "bom-ref": f"{_PROJECT}@{version}", "name": _PROJECT}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {**root, "version": version}},
        "components": components,
    }


def _hash(text: str) -> dict[str, str]:
    algorithm, _, digest = text.partition(":")
    return {"alg": algorithm.upper().replace("SHA", "SHA-"), "content": digest}


# -- licences --------------------------------------------------------------------------------------


def licence_of(fields: Message, text: str = "") -> str:
    """Return what a package says of its licence: the expression, its classifiers, or its words.

    Args:
        fields: Its metadata.
        text: Of its file with the licence, whose first line counts where nothing else is said.
    """
    if expression := fields.get("License-Expression"):
        return str(expression)
    classifiers = [
        line.rpartition("::")[2].strip()
        for line in fields.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    if classifiers:
        return " AND ".join(classifiers)
    lines = str(fields.get("License") or text).strip().splitlines()
    return lines[0].strip() if lines else ""


def is_licence_allowed(licence: str) -> bool:
    """Say whether all parts of one of the alternatives are among those that are allowed."""
    return any(
        all(
            _ALLOWED.search(part) and not _DENIED.search(part.replace("LGPL", ""))
            for part in re.split(r"\bAND\b|;", alternative)
        )
        for alternative in re.split(r"\bOR\b", licence)
    )


def _check_licences(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the packages whose licence is not allowed, and those that are not installed here."""
    refused, absent = [], []
    for name in names:
        try:
            found = distribution(name)
        except PackageNotFoundError:
            absent.append(name)
            continue
        licence = licence_of(cast("Message", found.metadata), _licence_file(found))
        if not is_licence_allowed(licence) and name not in LICENCE_EXCEPTIONS:
            refused.append(f"{name}: {licence or 'says nothing'}")
    return refused, absent


def _licence_file(found: Distribution) -> str:
    files = [file for file in found.files or () if "licenses" in file.parts]
    return files[0].read_text() if files else ""


# -- advisories ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Advisories:
    """What a service knows of packages."""

    n_audited: int
    """Packages that it knows."""
    found: tuple[str, ...]
    """A line for each known weakness."""
    skipped: tuple[str, ...]
    """Packages that it does not know, or was not asked about, with the reason."""


def parse_report(text: str) -> Advisories | None:
    """Return what pip-audit's JSON says; None if it is none, or nothing was audited at all."""
    try:
        dependencies = json.loads(text)["dependencies"]
        skipped = tuple(
            f"{each['name']}: {each['skip_reason']}"
            for each in dependencies
            if "skip_reason" in each
        )
        found = tuple(
            f"{each['name']} {each['version']}: {weakness['id']}"
            f" ({', '.join(weakness.get('aliases') or ['no other name'])}), fixed in"
            f" {', '.join(weakness['fix_versions']) or 'no version'}"
            for each in dependencies
            for weakness in each.get("vulns", ())
        )
    except (ValueError, KeyError, TypeError):
        return None
    n_audited = len(dependencies) - len(skipped)
    return Advisories(n_audited, found, skipped) if n_audited else None


def _ask(pip_audit: str, pins: Sequence[str], service: Sequence[str]) -> Advisories | None:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(pins) + "\n")
        file.flush()
        command = [pip_audit, "--requirement", file.name, "--no-deps", "--disable-pip"]
        command += ["--format", "json", "--progress-spinner", "off", "--timeout", _TIMEOUT_S]
        done = subprocess.run([*command, *service], capture_output=True, text=True, check=False)
    return parse_report(done.stdout)


def _rounds(packages: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return pins in lists that name no package twice: a lock may have several versions of it."""
    rounds: list[dict[str, str]] = []
    for package in packages:
        name, version = package["name"], package["version"]
        free = next((each for each in rounds if name not in each), None)
        if free is None:
            rounds.append(free := {})
        free[name] = f"{name}=={version}"
    return [list(each.values()) for each in rounds]


def _audit(
    pip_audit: str, packages: Sequence[Mapping[str, Any]], osv_url: str | None
) -> tuple[str, Advisories] | None:
    """Return who was asked and what of; None if no service answers."""
    rounds = _rounds(packages)
    probe = [pin for pin in rounds[0] if pin.startswith(f"{_PROBE}==")]
    for name in _SERVICES:
        url = ["--osv-url", osv_url] if name == "osv" and osv_url else []
        service = ["--vulnerability-service", name, *url]
        if _ask(pip_audit, probe, service) is None:
            continue
        answers = [_ask(pip_audit, pins, service) for pins in rounds]
        heard = [answer for answer in answers if answer is not None]
        if len(heard) == len(answers):
            return name, Advisories(
                sum(answer.n_audited for answer in heard),
                tuple(line for answer in heard for line in answer.found),
                tuple(line for answer in heard for line in answer.skipped),
            )
    return None


# -- the command -----------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Check all three; return 1 if something is wrong, or was to be checked and could not be."""
    asked = _parse(arguments)
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    packages = runtime_packages(lock)
    if asked.sbom is not None:
        project = next(each for each in lock["package"] if each["name"] == _PROJECT)
        text = json.dumps(sbom_of(packages, project["version"]), indent=1)
        asked.sbom.write_text(f"{text}\n", encoding="utf-8")
    is_right = _report_licences(packages)
    return 0 if _report_advisories(packages, asked) and is_right else 1


def _report_licences(packages: Iterable[Mapping[str, Any]]) -> bool:
    names = list(dict.fromkeys(package["name"] for package in packages))
    refused, absent = _check_licences(names)
    print(f"audit: licences: {len(names) - len(absent)} of {len(names)} run-time packages checked")
    for name, why in LICENCE_EXCEPTIONS.items():
        print(f"audit: licences: {name} is an exception: {why}")
    if absent:
        print(f"audit: licences: NOT CHECKED, as not installed here: {', '.join(absent)}")
    for line in refused:
        print(f"audit: licences: NOT ALLOWED: {line}")
    return not refused


def _report_advisories(packages: Sequence[Mapping[str, Any]], asked: argparse.Namespace) -> bool:
    answer = _audit(asked.pip_audit, packages, asked.osv_url) if asked.pip_audit else None
    if answer is None:
        why = "no service of advisories was reached" if asked.pip_audit else "there is no pip-audit"
        print(f"audit: weaknesses: NOT REACHED, NOT AUDITED: {why} ({', '.join(_SERVICES)})")
        return not asked.strict
    service, advisories = answer
    print(f"audit: weaknesses: {advisories.n_audited} packages audited by {service}")
    for line in advisories.skipped:
        print(f"audit: weaknesses: NOT AUDITED: {line}")
    for line in advisories.found:
        print(f"audit: weaknesses: FOUND: {line}")
    return not advisories.found and not (asked.strict and advisories.skipped)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--strict", action="store_true", help="what can't be audited is a failure")
    parser.add_argument("--sbom", type=Path, help="where to write a bill of materials without uv")
    parser.add_argument(
        "--pip-audit", default="", help="the program; without it nothing is audited"
    )
    parser.add_argument("--osv-url", help="of another OSV service than osv.dev")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
