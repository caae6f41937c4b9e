"""A caller asks, listens, breaks in and asks again, and waits for nobody for ever."""

from __future__ import annotations

from voxgate.lab.load.caller_turns import CallerTurns, TurnKind

Slots = list[tuple[int, TurnKind]]


def live(turns: CallerTurns, slots: int, *, agent: range, speech_slots: int = 50) -> Slots:
    """Return what the caller begins in which slot, if the agent is heard in a range of them."""
    begun: Slots = []
    speaks_until = 0
    for slot in range(slots):
        turn = turns.step(is_agent_heard=slot in agent, is_speaking=slot < speaks_until)
        if turn is not None:
            begun.append((slot, turn))
            speaks_until = slot + (speech_slots if turn is not TurnKind.UNANSWERED else 0)
    return begun


def test_a_caller_asks_after_a_while_and_again_if_nobody_answers() -> None:
    """Six seconds are enough to wait."""
    begun = live(CallerTurns(1, interrupting_ratio=0.0), 800, agent=range(0))
    kinds = [kind for _, kind in begun]
    assert kinds[:3] == [TurnKind.ASKS, TurnKind.UNANSWERED, TurnKind.ASKS]
    assert 30 <= begun[0][0] < 130
    assert begun[1][0] - begun[0][0] == 50 + 300


def test_a_patient_caller_lets_the_agent_finish() -> None:
    """The next question comes after the agent's last word."""
    begun = live(CallerTurns(2, interrupting_ratio=0.0), 700, agent=range(10, 500))
    assert begun[0][1] is TurnKind.ASKS
    assert begun[0][0] >= 500 + 40


def test_an_impatient_caller_breaks_in() -> None:
    """While the agent speaks, after a second or so of listening."""
    begun = live(CallerTurns(3, interrupting_ratio=1.0), 200, agent=range(10, 190))
    assert begun[0][1] is TurnKind.INTERRUPTS
    assert 10 + 35 <= begun[0][0] <= 10 + 81


def test_a_pause_between_sentences_is_not_the_end() -> None:
    """Nobody asks while the agent takes breath, and nobody interrupts silence."""
    turns = CallerTurns(4, interrupting_ratio=0.0)
    pause = range(100, 130)
    for slot in range(300):
        heard = slot not in pause and slot >= 5
        assert turns.step(is_agent_heard=heard, is_speaking=False) is None


def test_callers_of_one_seed_are_alike() -> None:
    """A run can be repeated."""
    runs = [live(CallerTurns(5, interrupting_ratio=0.5), 600, agent=range(150, 260)) for _ in "ab"]
    assert runs[0] == runs[1]
