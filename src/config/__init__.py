"""YAML and environment to frozen models, with errors that name the key.

``load_config`` is read once, by the shell that starts; everything below gets models.
"""

from __future__ import annotations

__all__ = [
    "AppConfig",
    "ChangedKey",
    "ConfigWarning",
    "LoadedConfig",
    "changed_keys",
    "config_warnings",
    "load_config",
    "read_config",
]

from .advice import ConfigWarning, config_warnings
from .load import LoadedConfig, load_config, read_config
from .model_tree import ChangedKey, changed_keys
from .models import AppConfig
