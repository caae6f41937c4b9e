"""Recognition on this machine by CMU Pocketsphinx, in processes of its own.

The package holds the interpreter's lock while it decodes, up to 74 ms at the end of a turn of 3 s:
a thread would stop the lines for as long. Invariant: the text grows while the caller speaks.
"""

from __future__ import annotations

__all__ = ["PocketsphinxRecogniser"]

import asyncio

from ..config.local_models import PocketsphinxConfig
from ..errors import ProviderError
from .recogniser import LONGEST_TURN_BYTES
from .required_packages import missing_modules
from .worker_crew import Job, WorkerCrew
from .worker_process import WorkerProcess
from .worker_wire import Message, MessageKind

_PEER = "pocketsphinx"
_WORKER = f"{__package__}.pocketsphinx_worker"


class PocketsphinxRecogniser:
    """Recognises English with the model that the package brings along.

    Args:
        config: What the operator set.
    """

    def __init__(self, config: PocketsphinxConfig) -> None:
        self._timeout_s = config.timeout_s
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
        """Start the processes, and wait until all have loaded the model.

        Raises:
            ProviderError: the package is not installed, or a process does not start.
        """
        if missing := missing_modules(["pocketsphinx"]):
            raise ProviderError(_PEER, missing, retryable=False)
        await self._crew.start()

    def begin(self) -> PocketsphinxRecognition:
        """Begin a turn; where all processes are busy its sound waits for one."""
        return PocketsphinxRecognition(self._crew, self._timeout_s)

    async def stop(self) -> None:
        """End the processes; turns under way fail."""
        await self._crew.stop()

    async def _spawn(self) -> WorkerProcess:
        return await WorkerProcess.spawn(_PEER, _WORKER, {})


class PocketsphinxRecognition:
    """One turn.

    Args:
        crew: Where it gets its worker from, with the first sound.
        timeout_s: Time in s from its end to its words.
    """

    def __init__(self, crew: WorkerCrew, timeout_s: float) -> None:
        self._crew = crew
        self._timeout_s = timeout_s
        self._job: Job | None = None
        self._words: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._text = ""
        self._taken_bytes = 0
        self.left_out_bytes = 0
        """Sound beyond the longest turn, not listened to."""

    @property
    def text(self) -> str:
        """The words so far."""
        return self._text

    def send_audio(self, audio: bytes) -> None:
        """Take the next audio; never blocks."""
        if self._words.done():
            return
        if self._taken_bytes + len(audio) > LONGEST_TURN_BYTES:
            self.left_out_bytes += len(audio)
            return
        self._taken_bytes += len(audio)
        if self._job is None:
            self._job = self._crew.begin(self)
        self._job.send(MessageKind.AUDIO, audio)

    async def finish(self) -> str:
        """Return all words. Cancelled, the turn is forgotten.

        Raises:
            ProviderError: its process died, or took too long; another turn may work.
        """
        if self._job is None:
            return ""
        self._job.send(MessageKind.END)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._words
        except TimeoutError:
            reason = f"no text within {self._timeout_s:g} s of the end of the turn"
            raise self._crew.error(reason) from None
        finally:
            self._job.cancel()

    async def cancel(self) -> None:
        """Forget the turn; idempotent."""
        if self._job is not None:
            self._job.cancel()
        self._words.cancel()

    def receive_answer(self, message: Message) -> None:
        """Take words from the worker."""
        self._text = message.text
        if message.kind is MessageKind.DONE and not self._words.done():
            self._words.set_result(self._text)

    def receive_failure(self, error: ProviderError) -> None:
        """Take note that there are no words."""
        if not self._words.done():
            self._words.set_exception(error)
            self._words.exception()  # seen: nobody may ever ask for the words
