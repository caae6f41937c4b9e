"""The scripts that come with the package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from voxgate.transports.browser import script_files
from voxgate.transports.browser.protocol import SUBPROTOCOL
from voxgate.transports.browser.script_files import SCRIPT_NAMES, load_script

ASSETS = Path(script_files.__file__).parent / "assets"


def test_every_script_that_is_there_is_served():
    """And nothing else lies there."""
    assert {path.name for path in ASSETS.iterdir()} == set(SCRIPT_NAMES)


@pytest.mark.parametrize("name", SCRIPT_NAMES)
def test_a_script_loads_none_but_its_siblings(name: str):
    """No other server is asked for anything, by any of them."""
    text = load_script(name)
    assert set(re.findall(r"""from "\./([^"]+)";""", text)) <= set(SCRIPT_NAMES)
    assert not re.findall(r"https?://(?!127\.0\.0\.1)", text)


def test_the_class_names_what_it_loads_and_speaks():
    """The files of its worklets, and the version of the protocol."""
    text = load_script("voxgate-call.js")
    for name in ("voxgate-capture.js", "voxgate-playout.js", SUBPROTOCOL):
        assert f'"{name}"' in text


@pytest.mark.parametrize("name", ["", "..", "../server.py", "voxgate-call.js/", "x.js"])
def test_what_is_no_script_is_not_read(name: str):
    """Whatever a path makes of it."""
    with pytest.raises(ValueError, match="is not one of"):
        load_script(name)
