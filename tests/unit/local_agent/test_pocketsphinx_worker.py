"""Tests of the process that hears, with a decoder that counts bytes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from voxgate.local_agent.pocketsphinx_worker import PocketsphinxWorker, make_worker
from voxgate.local_agent.worker_program import WorkerUnfitError
from voxgate.local_agent.worker_wire import Message, MessageKind

SECOND = b"\x01\x00" * 16_000


class Decoder:
    """Hears one ``x`` for every second; holds whoever uses it to the order of its calls."""

    def __init__(self) -> None:
        self.means = self.found = "packaged"
        self.search = "words"
        self.heard = 0
        self.utterances = 0
        self.is_busy = False

    def add_keyphrase(self, name: str, phrase: str) -> None:
        assert name != self.search

    def activate_search(self, name: str = "words") -> None:
        assert not self.is_busy
        self.search = name

    def get_cmn(self, *, update: bool) -> str:
        return self.found

    def set_cmn(self, means: str) -> None:
        self.means = means

    def start_utt(self) -> None:
        assert not self.is_busy
        self.is_busy, self.heard = True, 0
        if self.search == "words":
            assert self.means.startswith("of ")
            self.utterances += 1

    def process_raw(self, pcm: bytes, *, full_utt: bool = False) -> None:
        assert self.is_busy
        assert len(pcm) % 2 == 0
        if full_utt:
            self.found = f"of {len(pcm)}"
        self.heard += len(pcm)

    def end_utt(self) -> None:
        assert self.is_busy
        self.is_busy = False

    def hyp(self) -> SimpleNamespace | None:
        assert self.search == "words"
        seconds = self.heard // len(SECOND)
        return SimpleNamespace(hypstr=" ".join("x" * seconds)) if seconds else None


def say(worker: PocketsphinxWorker, kind: MessageKind, job: int, payload: bytes = b"") -> list[str]:
    return [
        f"{said.kind.name} {said.job} {said.text}"
        for said in worker.receive(Message(kind, job, payload))
    ]


def test_words_are_told_as_they_grow_and_once_more_at_the_end() -> None:
    """What has not changed is not said again."""
    worker = PocketsphinxWorker(Decoder())
    half = len(SECOND) // 2
    pieces = (SECOND[:half], SECOND[half:], SECOND[:half], SECOND[half:])
    said = [say(worker, MessageKind.AUDIO, 1, piece) for piece in pieces]
    assert said == [[], ["TEXT 1 x"], [], ["TEXT 1 x x"]]
    assert say(worker, MessageKind.END, 1) == ["DONE 1 x x"]


def test_every_turn_is_recognised_by_the_mean_of_its_own_first_second() -> None:
    """What one caller said does not show in another's words."""
    decoder = Decoder()
    worker = PocketsphinxWorker(decoder)
    for job, size in ((1, 32_000), (2, 40_000), (3, 8000)):
        say(
            worker,
            MessageKind.AUDIO,
            job,
            SECOND + bytes(size - 32_000) if job < 3 else SECOND[-size:],
        )
        say(worker, MessageKind.END, job)
        assert decoder.means == f"of {size}"
    assert decoder.utterances == 3


def test_a_cancelled_turn_is_ended_without_a_word() -> None:
    """The decoder is free for the next, whether the turn had begun to be recognised or not."""
    decoder = Decoder()
    worker = PocketsphinxWorker(decoder)
    for job, audio in ((1, SECOND), (2, SECOND[-100:]), (3, b"")):
        say(worker, MessageKind.AUDIO, job, audio)
        assert say(worker, MessageKind.CANCEL, job) == []
        assert say(worker, MessageKind.CANCEL, job) == []
        assert not decoder.is_busy
    assert say(worker, MessageKind.AUDIO, 4, SECOND) == ["TEXT 4 x"]


def test_a_turn_that_was_never_ended_gives_way_to_the_next() -> None:
    """A job that failed leaves the decoder in the middle of it."""
    worker = PocketsphinxWorker(Decoder())
    say(worker, MessageKind.AUDIO, 1, SECOND)
    assert say(worker, MessageKind.AUDIO, 2, SECOND) == ["TEXT 2 x"]


def test_odd_bytes_wait_for_the_other_half_of_their_sample() -> None:
    """Chunks may be cut anywhere; the decoder asserts that it gets whole samples."""
    worker = PocketsphinxWorker(Decoder())
    said = [say(worker, MessageKind.AUDIO, 1, piece) for piece in (SECOND[:-3], SECOND[-3:])]
    assert said == [[], ["TEXT 1 x"]]


@pytest.mark.parametrize("audio", [b"", bytes(3200), bytes(64_000)])
def test_a_turn_without_sound_has_no_words(audio: bytes) -> None:
    """Digital silence has no mean to recognise it by."""
    decoder = Decoder()
    worker = PocketsphinxWorker(decoder)
    assert say(worker, MessageKind.AUDIO, 1, audio) == []
    assert say(worker, MessageKind.END, 1) == ["DONE 1 "]
    assert decoder.utterances == 0


def test_silence_at_the_start_does_not_count_as_its_first_second() -> None:
    """A mean of nothing would spoil all that follows."""
    decoder = Decoder()
    worker = PocketsphinxWorker(decoder)
    assert say(worker, MessageKind.AUDIO, 1, bytes(64_000)) == []
    assert say(worker, MessageKind.AUDIO, 1, SECOND) == ["TEXT 1 x"]
    assert decoder.means == "of 32000"


def test_a_missing_package_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason reaches the operator through the process that asked."""
    monkeypatch.setitem(__import__("sys").modules, "pocketsphinx", None)
    with pytest.raises(WorkerUnfitError, match="can't be loaded"):
        make_worker({})
