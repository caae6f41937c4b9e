"""Which of its calls Twilio has asked about."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from voxgate.transports.twilio.awaited_questions import AwaitedQuestions


async def test_a_question_is_its_call_s() -> None:
    """It may come before anybody waits for it; others go on waiting."""
    questions = AwaitedQuestions()
    with questions.awaiting("CA1") as first, questions.awaiting("CA2") as second:
        questions.note("CA1")
        await first.wait()
        assert not second.is_set()


@pytest.mark.parametrize("call_sid", ["CA2", "", None])
def test_other_questions_change_nothing(call_sid: str | None) -> None:
    """Calls that are long over, and requests that name none."""
    questions = AwaitedQuestions()
    with questions.awaiting("CA1") as asked:
        questions.note(call_sid)
        assert not asked.is_set()


def test_what_is_not_waited_for_any_more_is_forgotten() -> None:
    """Whatever becomes of the call."""
    questions = AwaitedQuestions()
    with pytest.raises(RuntimeError), questions.awaiting("CA1") as asked:
        raise RuntimeError
    questions.note("CA1")
    assert not asked.is_set()


def test_a_call_s_next_stream_has_a_question_of_its_own() -> None:
    """TwiML of somebody else's may open one; the end of the first takes nothing away from it."""
    questions = AwaitedQuestions()
    with ExitStack() as first_stream:
        first = first_stream.enter_context(questions.awaiting("CA1"))
        with questions.awaiting("CA1") as second:
            first_stream.close()
            questions.note("CA1")
            assert (first.is_set(), second.is_set()) == (False, True)
