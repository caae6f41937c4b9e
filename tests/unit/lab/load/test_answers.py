"""Answers are real sentences that begin at once."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from itertools import islice
from typing import cast

import numpy as np

from voxgate.core.g711 import decode_mulaw
from voxgate.lab.load.answers import ShortAnswerer, spoken_answers, spoken_lines
from voxgate.realtime_server import AnswerRequest, Speech


def test_answers_begin_with_sound_and_last_for_seconds() -> None:
    """The first delta is heard at once; whoever breaks in, breaks into the middle."""
    for line in spoken_lines():
        assert np.abs(decode_mulaw(line.audio[:1]))[0] >= 300
        assert len(line.audio) > 3 * 8000


def test_deltas_are_the_answer() -> None:
    """Cut, and not changed."""
    for answer, line in zip(spoken_answers(160), spoken_lines(), strict=True):
        pieces = [b64decode(piece) for piece in answer.deltas("audio/pcmu")]
        assert b"".join(pieces) == line.audio
        assert {len(piece) for piece in pieces[:-1]} == {1280}


def test_an_answerer_says_one_sentence_after_the_other() -> None:
    """And begins again after the last."""

    async def answers(count: int) -> list[Speech]:
        answerer = ShortAnswerer()
        request = cast("AnswerRequest", None)
        return [each for _ in range(count) async for each in answerer.answer(request)]

    lines = spoken_lines()
    assert asyncio.run(answers(5)) == [*islice(lines, 4), lines[0]]
