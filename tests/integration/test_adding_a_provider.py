"""docs/providers/adding-a-provider.md, followed to the letter: its provider answers a telephone."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.signals import speech_like
from support.telephone import Telephone, until
from support.virtual_time import in_socket_time, virtual_ms
from voxgate.call import CallSession
from voxgate.call_observer import CallEnded, CallObserver
from voxgate.config import provider_models
from voxgate.config.line_models import AudioSocketConfig
from voxgate.config.local_models import LocalConfig
from voxgate.core.audio_gating_manager import AudioGatingManager
from voxgate.core.config import GatingConfig, ProviderGatingPolicy
from voxgate.providers.base import CallAudio
from voxgate.providers.registry import ProviderRegistry
from voxgate.providers.setup import ProviderSetup
from voxgate.transports.base import Line
from voxgate.transports.registry import TRANSPORTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "providers" / "adding-a-provider.md"
MODULE = "voxgate.providers.parrot"


def code_of(section: str) -> str:
    """Return the Python under a heading of the page."""
    text = PAGE.read_text(encoding="utf-8")
    (body,) = re.findall(rf"^## \d\. {section}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    (code,) = re.findall(r"```python\n(.*?)```", body, re.DOTALL)
    return str(code)


@pytest.fixture
def parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Do what the page says: the model among the models, the module among the providers."""
    names = dict(vars(provider_models))
    exec(code_of("The configuration"), names)  # noqa: S102 - our own page
    monkeypatch.setattr(provider_models, "ParrotConfig", names["ParrotConfig"], raising=False)
    path = tmp_path / "parrot.py"
    path.write_text(code_of("The module"), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, MODULE, module)
    spec.loader.exec_module(module)
    return module


class Ends(CallObserver):
    """Keeps how calls ended."""

    def __init__(self) -> None:
        self.ended: list[CallEnded] = []

    def on_call_ended(self, event: CallEnded) -> None:
        self.ended.append(event)


def test_the_provider_of_the_page_answers_the_telephone(parrot: Any) -> None:
    """Registered by its line, configured by its model, called over AudioSocket: it says what the
    caller said, to the byte."""
    registry = ProviderRegistry()
    exec(  # noqa: S102 - our own page
        code_of("The registry line"),
        {"registry": registry, "ParrotProvider": parrot.ParrotProvider},
    )
    assert registry.available == ("parrot",)
    _call(registry, provider_models.ParrotConfig(pause_ms=400))  # type: ignore[attr-defined]


@in_socket_time
async def _call(registry: ProviderRegistry, config: Any) -> None:
    policies = {"parrot": ProviderGatingPolicy(gating_enabled=False)}
    manager = AudioGatingManager(config=GatingConfig(providers=policies))
    ends = Ends()

    async def serve(line: Line) -> None:
        setup = ProviderSetup(
            config=config,
            call_id=line.call_id,
            call_audio=CallAudio(capture=line.capture_format, playout=line.playout_format),
            manager=manager,
            clock=virtual_ms,
        )
        session = CallSession(
            line,
            registry.create(setup),
            provider_name="parrot",
            manager=manager,
            observer=ends,
            clock=virtual_ms,
        )
        await session.run()

    transport = TRANSPORTS.create("audiosocket", AudioSocketConfig(port=0))
    await transport.start(serve)
    try:
        async with Telephone.calling(transport.address) as phone:
            await until(lambda: len(phone.heard) > 5)
            said = speech_like(800, seed=4)
            phone.say(said)
            words = said.astype("<i2").tobytes().strip(b"\0")
            await until(lambda: words in b"".join(phone.heard))
            phone.hang_up()
            await until(lambda: ends.ended)
    finally:
        await transport.stop()
    assert ends.ended[0].reason == "caller_hangup"
    assert ends.ended[0].gate is None


def test_another_configuration_is_refused(parrot: Any) -> None:
    """As the page's factory says."""
    with pytest.raises(TypeError, match="local is not parrot"):
        parrot.ParrotProvider.from_setup(
            ProviderSetup(
                config=LocalConfig(),
                call_id="c",
                call_audio=CallAudio(capture=None, playout=None),  # type: ignore[arg-type]
                manager=AudioGatingManager(),
            )
        )
