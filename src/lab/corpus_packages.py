"""The free packages of Debian that a corpus is made of, each with its licence.

Licences are those that each package's ``copyright`` file names for its sounds. Invariant: voices
come from the first four packages and from nowhere else; other prompts are kept for judging.
"""

from __future__ import annotations

__all__ = ["PACKAGES", "CorpusPackage"]

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusPackage:
    """One package, or one folder of it."""

    name: str
    kind: str
    """``speech``, ``music`` or ``noise``."""
    licence: str
    folder: str = "usr/share"
    """Where in the package the sounds are: a folder or a zip archive."""
    files: str = ""
    """Regular expression to be found in a sound's path below that."""
    at_most: int = 0
    """How many sounds to take, spread over all; 0 for all."""
    speaker: str = ""
    """Of speech."""
    language: str = ""
    """Of speech, as a BCP 47 tag."""
    is_required: bool = False
    """True if a corpus without it is incomplete."""


PACKAGES = (
    CorpusPackage(
        name="asterisk-core-sounds-en-wav",
        kind="speech",
        licence="CC-BY-SA-3.0",
        speaker="allison_smith",
        language="en-US",
        is_required=True,
    ),
    CorpusPackage(
        name="asterisk-core-sounds-es-wav",
        kind="speech",
        licence="CC-BY-SA-3.0",
        speaker="allison_smith",
        language="es-MX",
        is_required=True,
    ),
    CorpusPackage(
        name="asterisk-core-sounds-ru-wav",
        kind="speech",
        licence="CC-BY-3.0",
        speaker="maxim_topal",
        language="ru-RU",
        is_required=True,
    ),
    CorpusPackage(
        name="asterisk-prompt-it-menardi-wav",
        kind="speech",
        licence="CC-BY-SA-3.0",
        speaker="menardi",
        language="it-IT",
        is_required=True,
    ),
    CorpusPackage(
        name="asterisk-moh-opsound-wav", kind="music", licence="CC-BY-SA-3.0", is_required=True
    ),
    CorpusPackage(name="drascula-music", kind="music", licence="Drascula licence (BSD-like)"),
    CorpusPackage(name="fretsonfire-songs-sectoid", kind="music", licence="GPL-2"),
    CorpusPackage(name="frozen-bubble-data", kind="music", licence="GPL-2"),
    CorpusPackage(name="singularity-music", kind="music", licence="CC-BY-SA-2.0"),
    CorpusPackage(name="xmoto-data", kind="music", licence="GPL-2+"),
    CorpusPackage(
        name="colobot-common-sounds",
        kind="music",
        licence="GPL-3+",
        folder="usr/share/games/colobot/music",
    ),
    CorpusPackage(
        name="colobot-common-sounds",
        kind="noise",
        licence="GPL-3+",
        folder="usr/share/games/colobot/sounds",
    ),
    CorpusPackage(name="freedroid-data", kind="noise", licence="GPL-2+"),
    CorpusPackage(name="lomiri-sounds", kind="noise", licence="CC0-1.0 / CC-BY-SA-3.0 / CC-BY-4.0"),
    CorpusPackage(name="minetest-data", kind="noise", licence="CC-BY-SA-3.0 / CC0-1.0"),
    CorpusPackage(name="oxygen-sounds", kind="noise", licence="LGPL-3+"),
    CorpusPackage(name="pingus-data", kind="noise", licence="GPL-2+"),
    CorpusPackage(name="sonic-pi-samples", kind="noise", licence="CC0-1.0"),
    CorpusPackage(
        name="sound-theme-freedesktop", kind="noise", licence="CC-BY-SA-3.0 / CC-BY-3.0 / GPL-2+"
    ),
)
"""What is fetched, in this order."""
