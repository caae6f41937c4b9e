"""Free packages of Debian to train a detector on, beside those of a corpus.

Licences are those that each package's ``copyright`` file names for its sounds. Invariant: no voice
of telephone prompts is among them; they are kept for judging.
"""

from __future__ import annotations

__all__ = ["TRAINING_PACKAGES"]

from .corpus_packages import CorpusPackage

_ZERO_AD = "usr/share/games/0ad/mods/public/public.zip"
_NEXUIZ = "usr/share/games/nexuiz/data/data.pk3"
_UFO = "usr/share/games/ufoai/base/0snd.pk3"
_WARZONE = "usr/share/games/warzone2100/base.wz"
_FISH = "usr/share/games/fillets-ng/sound"
_HORIZONS = "usr/share/unknown-horizons/content/audio"
_RED_ECLIPSE = "usr/share/games/redeclipse/data/sounds"
_STAMPS = "usr/share/tuxpaint/stamps"


def _voice(
    name: str, licence: str, speaker: str, language: str, files: str, *, within: str
) -> CorpusPackage:
    """Return a package with voices, whose recordings are cut to clips."""
    return CorpusPackage(
        name=name,
        kind="speech",
        licence=licence,
        speaker=speaker,
        language=language,
        files=files,
        folder=within,
        is_cut=True,
    )


def _sounds(
    kind: str, name: str, licence: str, at_most: int, files: str, *, within: str = "usr/share"
) -> CorpusPackage:
    """Return a package with music or noises."""
    return CorpusPackage(
        name=name, kind=kind, licence=licence, files=files, folder=within, at_most=at_most
    )


_VOICES = (
    # KDE's volunteers have the same name in both packages, as they may be the same people.
    _voice(
        "klettres-data",
        "GPL-2+",
        "kde_{tag}",
        "{tag}",
        r"^(?P<tag>\w+)/(alpha|syllab)/",
        within="usr/share/klettres",
    ),
    _voice(
        "ktuberling-data",
        "GPL-2+",
        "kde_{tag}",
        "{tag}",
        r"^(?P<tag>ca|el|it|nl|pt|ru|sv)/",
        within="usr/share/ktuberling/sounds",
    ),
    _voice(
        "tuxpaint-stamps-default",
        "GPL-2",
        "tuxpaint_{tag}",
        "{tag}",
        r"_desc_(?P<tag>be|bg|ca|da|el|es|fr|lt|nl|ro|ru)\.ogg$",
        within=_STAMPS,
    ),
    _voice("tuxpaint-stamps-default", "GPL-2", "tuxpaint_en", "en", r"_desc\.ogg$", within=_STAMPS),
    _voice(
        "fillets-ng-data-nl", "GPL-2+", "fillets_nl_small_fish", "nl", r"-m-[^/]*$", within=_FISH
    ),
    _voice("fillets-ng-data-nl", "GPL-2+", "fillets_nl_big_fish", "nl", r"-v-[^/]*$", within=_FISH),
    _voice(
        "gcin-voice",
        "GPL-3 / LGPL-3",
        "edward_liu",
        "zh-TW",
        r"/3\.ogg$",
        within="usr/share/gcin-voice",
    ),
    _voice(
        "gcin-voice", "CC-BY-3.0", "chu_lo", "zh-TW", r"/5\.ogg$", within="usr/share/gcin-voice"
    ),
    _voice("festvox-ru", "BSD-like", "nsh", "ru-RU", "", within="usr/share/festival/voices"),
    _voice(
        "pocketsphinx-testdata",
        "BSD-2-Clause",
        "cards",
        "en",
        "^cards/",
        within="usr/share/pocketsphinx/test/data",
    ),
    _voice(
        "0ad-data",
        "CC-BY-SA-3.0",
        "0ad_{people}_{sex}",
        "mul",
        r"^audio/voice/(?P<people>greek(?=/civ/civ_f)|latin|persian|napatan)/civ/"
        r"civ_(?P<sex>female|male)_",
        within=_ZERO_AD,
    ),
    _voice(
        "nexuiz-data",
        "GPL-2+",
        "nexuiz_{who}",
        "en",
        r"^sound/player/(?P<who>fricka|insurrectionist|marine|pyria-skadi|soldier|specop)/coms/",
        within=_NEXUIZ,
    ),
    _voice("nexuiz-data", "GPL-2+", "nexuiz_tutorial", "en", r"^sound/tutorial/", within=_NEXUIZ),
    _voice(
        "warzone2100-data", "GPL-2+", "warzone_tutorial", "en", "^audio/tutorial/", within=_WARZONE
    ),
    _voice(
        "unknown-horizons",
        "CC-BY-SA-3.0",
        "unknown_horizons_{tag}",
        "{tag}",
        r"^voice/(?P<tag>de|en|fr)/",
        within=_HORIZONS,
    ),
    _voice(
        "redeclipse-data", "CC-BY-SA-3.0", "redeclipse_player", "en", "^voice/", within=_RED_ECLIPSE
    ),
    _voice(
        "hedgewars-data",
        "GFDL-1.3",
        "hw_{who}",
        "mul",
        r"^(?P<who>Default_es|Default_pl|Default_ru|Russian_pl)/",
        within="usr/share/games/hedgewars/Data/Sounds/voices",
    ),
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
TRAINING_PACKAGES = _VOICES + _MUSIC + _NOISES
"""What is fetched to train on."""
