"""A worker's process outlives the signals that are meant for its parent, and not its parent."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from voxgate.local_agent.worker_process import WorkerProcess
from voxgate.local_agent.worker_wire import Message, MessageKind

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and named pipes of POSIX")

_GUARD_S = 60.0
"""No wait in a passing test comes near it."""
_MODULE = "support.living_worker"
_PARENT = """
import asyncio, json, sys
from voxgate.local_agent.worker_process import WorkerProcess

async def main(module, life):
    worker = await WorkerProcess.spawn("test", module, {"life": life})
    print(worker.process_id, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main(*sys.argv[1:]))
"""


class Listener:
    """Takes the answers of a worker."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message | None] = asyncio.Queue()

    def receive_message(self, message: Message) -> None:
        self.messages.put_nowait(message)

    def receive_end(self) -> None:
        self.messages.put_nowait(None)


@pytest.fixture
def life(tmp_path: Path) -> Path:
    """Return a named pipe: whoever reads it comes to its end when the worker is gone."""
    path = tmp_path / "life"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_to_all_of_us_leave_it_at_work(life: Path, number: signal.Signals) -> None:
    """A service manager and a terminal tell all processes to stop; the calls still need it."""
    reader = os.open(life, os.O_RDONLY | os.O_NONBLOCK)
    try:
        worker = await WorkerProcess.spawn("test", _MODULE, {"life": str(life)})
        listener = Listener()
        worker.listen(listener)
        assert os.getsid(worker.process_id) == worker.process_id != os.getsid(0)
        os.kill(worker.process_id, number)
        worker.send(Message(MessageKind.TEXT, 1, b"still there?"))
        async with asyncio.timeout(_GUARD_S):
            assert await listener.messages.get() == Message(MessageKind.DONE, 1, b"still there?")
        await worker.stop()
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_it_ends_with_a_parent_that_was_killed(life: Path) -> None:
    """Nobody can tell it: its pipe ends, and so does it."""
    command = [sys.executable, "-c", _PARENT, _MODULE, str(life)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent,
        life.open("rb") as reader,
    ):
        assert parent.stdout is not None
        process_id = json.loads(parent.stdout.readline())
        parent.kill()
        parent.wait(_GUARD_S)
        assert reader.read() == b""
    assert process_id != parent.pid
