"""The packages that a corpus is made of."""

from __future__ import annotations

from voxgate.lab.corpus_packages import PACKAGES


def test_every_package_names_its_licence_and_is_fetched_once_a_kind() -> None:
    """The same package may have music and noises."""
    assert all(package.licence for package in PACKAGES)
    keys = [(package.name, package.kind) for package in PACKAGES]
    assert len(set(keys)) == len(keys)


def test_voices_are_those_of_four_packages() -> None:
    """Speaker and language are known of each; the hold music is required as they are."""
    required = [package.name for package in PACKAGES if package.is_required]
    assert required == [
        "asterisk-core-sounds-en-wav",
        "asterisk-core-sounds-es-wav",
        "asterisk-core-sounds-ru-wav",
        "asterisk-prompt-it-menardi-wav",
        "asterisk-moh-opsound-wav",
    ]
    speech = [package for package in PACKAGES if package.kind == "speech"]
    assert [package.name for package in speech] == required[:4]
    assert all(package.speaker and package.language for package in speech)
