"""The program that installed archives are tried with works in the checkout, too."""

from __future__ import annotations

from user_program import ask_the_older_face, main


def test_silence_interrupts_nobody() -> None:
    """A second of it, frame by frame."""
    assert main() is False


async def test_the_older_face_answers_with_a_pair() -> None:
    """A provider of a known name; silence while the agent is silent is kept back by the guard."""
    assert await ask_the_older_face() == (False, None)
