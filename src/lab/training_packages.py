"""Free packages of Debian with music and noises to train a detector on, beside those of a corpus.

Licences are those that each package's ``copyright`` file names for its sounds. Invariant: no voices
are taken from them; those of Debian's other packages are kept for judging.
"""

from __future__ import annotations

__all__ = ["TRAINING_PACKAGES"]

from .corpus_packages import CorpusPackage

_ZERO_AD = "usr/share/games/0ad/mods/public/public.zip"
_UFO = "usr/share/games/ufoai/base/0snd.pk3"
_WARZONE = "usr/share/games/warzone2100/base.wz"
_HORIZONS = "usr/share/unknown-horizons/content/audio"
_RED_ECLIPSE = "usr/share/games/redeclipse/data/sounds"
_STAMPS = "usr/share/tuxpaint/stamps"


def _sounds(
    kind: str, name: str, licence: str, at_most: int, files: str, *, within: str = "usr/share"
) -> CorpusPackage:
    """Return the music or the noises of a package."""
    return CorpusPackage(
        name=name, kind=kind, licence=licence, files=files, folder=within, at_most=at_most
    )


_MUSIC = (
    _sounds("music", "0ad-data", "CC-BY-SA-3.0", 60, "^audio/music/", within=_ZERO_AD),
    _sounds("music", "megaglest-data", "CC-BY-SA-3.0", 0, "/music/"),
    _sounds("music", "redeclipse-data", "CC-BY-SA-3.0", 0, "^music/", within=_RED_ECLIPSE),
    _sounds("music", "supertuxkart-data", "GPL-3+ / CC-BY-SA-3.0", 0, "/data/music/"),
    _sounds("music", "unknown-horizons", "CC-BY-SA-3.0", 0, "^music/", within=_HORIZONS),
    _sounds("music", "widelands-data", "GPL-2+ / CC-BY-SA-3.0", 0, "/music/"),
)
_NOISES = (
    _sounds(
        "noise",
        "0ad-data",
        "CC-BY-SA-3.0",
        160,
        "^audio/(actor|ambient|attack|interface|resource)/(?!human/death)",
        within=_ZERO_AD,
    ),
    _sounds(
        "noise", "megaglest-data", "CC-BY-SA-3.0", 80, "/(commondata/sounds|water_sounds|tilesets)/"
    ),
    _sounds(
        "noise",
        "redeclipse-data",
        "CC-BY-SA-3.0",
        80,
        "^(ambience/(?!morph)|sfx/|weapons/)",
        within=_RED_ECLIPSE,
    ),
    _sounds("noise", "supertuxkart-data", "GPL-3+ / CC-BY-SA-3.0", 60, "/data/sfx/"),
    _sounds("noise", "tuxpaint-stamps-default", "GPL-2", 120, r"^(?!.*_desc)", within=_STAMPS),
    _sounds(
        "noise",
        "ufoai-sound",
        "GPL-2+ / CC-BY-SA-3.0 / CC-BY-3.0",
        80,
        "^sound/(ambience|doors|footsteps|impact|misc|ui|weapons)/",
        within=_UFO,
    ),
    _sounds("noise", "unknown-horizons", "CC-BY-SA-3.0", 0, "^sounds/", within=_HORIZONS),
    _sounds("noise", "warzone2100-data", "GPL-2+", 60, "^audio/sfx/", within=_WARZONE),
    _sounds("noise", "widelands-data", "GPL-2+", 80, "/data/(sound|world/critters)/"),
)
TRAINING_PACKAGES = _MUSIC + _NOISES
"""What is fetched to train on."""
