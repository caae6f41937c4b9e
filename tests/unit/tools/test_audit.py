"""What voxgate brings with it: packages, licences, weaknesses."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Mapping
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

import audit

LOCK = tomllib.loads((audit.ROOT / "uv.lock").read_text(encoding="utf-8"))

_REPORT = {
    "dependencies": [
        {
            "name": "aiohttp",
            "version": "3.14.5",
            "vulns": [
                {
                    "id": "CVE-2026-1",
                    "fix_versions": ["99.0"],
                    "aliases": ["GHSA-aaaa-bbbb-cccc"],
                    "description": "s",
                }
            ],
        },
        {"name": "numpy", "version": "2.3.0", "vulns": []},
        {"name": "voice", "skip_reason": "Dependency not found on PyPI"},
    ],
    "fixes": [],
}
"""As pip-audit 2.10 writes it."""


def test_run_time_packages_are_those_of_the_project_and_its_extras() -> None:
    """What they need in turn too; what only tests and tools need is not among them."""
    names = {package["name"] for package in audit.runtime_packages(LOCK)}
    assert {"numpy", "aiohttp", "multidict", "piper-tts", "pipecat-ai"} <= names
    assert names.isdisjoint({"voxgate", "pytest", "mypy", "hypothesis", "deepgram-sdk"})


def test_the_bill_of_materials_has_every_package_with_its_hashes() -> None:
    """In the form of CycloneDX 1.5."""
    packages = audit.runtime_packages(LOCK)
    sbom = audit.sbom_of(packages, "1.2.3")
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.5")
    assert sbom["metadata"]["component"]["version"] == "1.2.3"
    assert [each["name"] for each in sbom["components"]] == [each["name"] for each in packages]
    numpy = next(each for each in sbom["components"] if each["name"] == "numpy")
    assert numpy["purl"] == f"pkg:pypi/numpy@{numpy['version']}"
    hashes = [file["hashes"][0] for file in numpy["externalReferences"]]
    assert {each["alg"] for each in hashes} == {"SHA-256"}
    assert all(len(each["content"]) == 64 for each in hashes)


@pytest.mark.parametrize(
    ("licence", "is_allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("GPL-3.0-or-later OR MIT", True),
        ("BSD License; Mozilla Public License 2.0 (MPL 2.0)", True),
        ("LGPL-2.1-or-later", True),
        ("MIT AND GPL-3.0-or-later", False),
        ("AGPL-3.0", False),
        ("GNU General Public License v3 (GPLv3)", False),
        ("CC-BY-NC-4.0", False),
        ("Apache-2.0 with a non-compete clause", False),
        ("BUSL-1.1", False),
        ("NVIDIA Proprietary Software", False),
        ("", False),
    ],
)
def test_licences_are_allowed_by_name(licence: str, *, is_allowed: bool) -> None:
    """Of alternatives one is enough; what says nothing is not allowed."""
    assert audit.is_licence_allowed(licence) is is_allowed


def test_a_licence_is_taken_from_where_it_stands() -> None:
    """The expression first; else the classifiers, the field, the file's first line."""
    fields = Message()
    assert audit.licence_of(fields, "The MIT License (MIT)\n\nCopyright") == "The MIT License (MIT)"
    fields["License"] = "BSD\nand much more"
    assert audit.licence_of(fields) == "BSD"
    fields["Classifier"] = "License :: OSI Approved"
    fields["Classifier"] = "License :: OSI Approved :: MIT License"
    assert audit.licence_of(fields) == "MIT License"
    fields["License-Expression"] = "Apache-2.0"
    assert audit.licence_of(fields) == "Apache-2.0"


def test_every_licence_that_is_installed_here_is_allowed() -> None:
    """But for the exceptions, which are named with their reason."""
    refused, _ = audit._check_licences({each["name"] for each in audit.runtime_packages(LOCK)})
    assert refused == []
    assert all(audit.LICENCE_EXCEPTIONS.values())


def test_a_report_says_what_was_found_and_what_was_not_audited() -> None:
    """By name, version, all names of the weakness, and where it is fixed."""
    advisories = audit.parse_report(json.dumps(_REPORT))
    assert advisories == audit.Advisories(
        n_audited=2,
        found=("aiohttp 3.14.5: CVE-2026-1 (GHSA-aaaa-bbbb-cccc), fixed in 99.0",),
        skipped=("voice: Dependency not found on PyPI",),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Traceback",
        "[]",
        '{"dependencies": []}',
        '{"dependencies": [{"name": "numpy", "skip_reason": "not found"}]}',
        '{"dependencies": [{"vulns": [7]}]}',
    ],
)
def test_what_audited_nothing_is_no_report(text: str) -> None:
    """A service that answers 404 to everything has not judged anything."""
    assert audit.parse_report(text) is None


class Service:
    """Stands for pip-audit."""

    def __init__(self, reports: Mapping[str, Any]) -> None:
        self.reports = reports
        self.asked: list[tuple[str, int]] = []

    def run(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        """Answer as the service that is asked does."""
        pins = Path(command[command.index("--requirement") + 1]).read_text().split()
        service = command[command.index("--vulnerability-service") + 1]
        self.asked.append((service, len(pins)))
        report = self.reports.get(service)
        return subprocess.CompletedProcess(command, 1, "" if report is None else json.dumps(report))


@pytest.mark.parametrize(
    ("reports", "status", "strict_status", "said"),
    [
        ({}, 0, 1, "NOT REACHED, NOT AUDITED"),
        ({"pypi": _REPORT}, 1, 1, "FOUND: aiohttp 3.14.5"),
        ({"osv": {"dependencies": [{"name": "numpy", "version": "1", "vulns": []}]}}, 0, 0, "osv"),
        ({"osv": {"dependencies": _REPORT["dependencies"][1:]}}, 0, 1, "NOT AUDITED: voice"),
    ],
)
def test_the_command_fails_for_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    reports: Mapping[str, Any],
    status: int,
    strict_status: int,
    said: str,
) -> None:
    """A weakness always; what could not be audited is always said, and fails where it is to."""
    service = Service(reports)
    monkeypatch.setattr(subprocess, "run", service.run)
    assert audit.main(["--pip-audit", "pip-audit"]) == status
    assert said in capsys.readouterr().out
    assert service.asked[0] == ("osv", 1), "one package says whether a service answers"
    assert audit.main(["--pip-audit", "pip-audit", "--strict"]) == strict_status


def test_without_pip_audit_nothing_passes_for_audited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The bill of materials is written all the same."""
    sbom = tmp_path / "sbom.json"
    assert audit.main(["--sbom", str(sbom)]) == 0
    assert "NOT AUDITED: there is no pip-audit" in capsys.readouterr().out
    assert json.loads(sbom.read_text())["components"]
    assert audit.main(["--strict"]) == 1


def test_no_list_of_pins_names_a_package_twice() -> None:
    """pip-audit refuses that, and a lock has several versions of some packages."""
    rounds = audit._rounds(
        [
            {"name": name, "version": version}
            for name, version in (("a", "1"), ("a", "2"), ("b", "1"))
        ]
    )
    assert rounds == [["a==1", "b==1"], ["a==2"]]
