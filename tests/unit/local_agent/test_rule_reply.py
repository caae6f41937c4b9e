"""Rules answer by words, in the order of the file, and know what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from voxgate.config.local_models import RuleReplyConfig
from voxgate.local_agent.reply import (
    FunctionAnswered,
    FunctionAsked,
    HistoryItem,
    ReplyRequest,
    Role,
    Said,
)
from voxgate.local_agent.rule_reply import NOT_UNDERSTOOD, RuleReply, make_reply
from voxgate.providers.tools import ToolSpec

NOON = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
HANGUP = ToolSpec(name="hangup", description="Ends the call.", parameters={"type": "object"})


async def answer(
    *history: str | HistoryItem,
    rules: Mapping[str, str] | None = None,
    otherwise: str = "I heard: {text}.",
    now: datetime = NOON,
    functions: tuple[ToolSpec, ...] = (),
) -> list[str | FunctionAsked]:
    reply = RuleReply(RuleReplyConfig(rules=rules or {}, otherwise=otherwise), now=lambda: now)
    await reply.start()
    items = tuple(Said(Role.CALLER, item) if isinstance(item, str) else item for item in history)
    pieces = [p async for p in reply.reply(ReplyRequest(history=items, functions=functions))]
    await reply.stop()
    return pieces


async def test_the_first_rule_whose_words_all_occur_answers() -> None:
    """In any order, whatever comes between."""
    rules = {"opening hours": "Nine to five.", "hours": "24.", "price": "Ten."}
    assert await answer("hours of opening please", rules=rules) == ["Nine to five."]
    assert await answer("how many hours", rules=rules) == ["24."]
    assert await answer("the opening", rules=rules) == ["I heard: the opening."]


@pytest.mark.parametrize("text", ["OPENING, hours!", "opening   hours", "\uff2fpening-hours?"])
async def test_case_punctuation_and_width_do_not_matter(text: str) -> None:
    """Recognisers differ in all of them."""
    assert await answer(text, rules={"Opening HOURS.": "Nine."}) == ["Nine."]


async def test_a_word_is_a_whole_word() -> None:
    """Else "art" would answer to "start"; an apostrophe does not end one."""
    assert await answer("please start", rules={"art": "Gallery."}) == ["I heard: please start."]
    assert await answer("don\u2019t", rules={"don't": "Then not."}) == ["Then not."]


async def test_what_was_heard_and_the_time_are_put_in() -> None:
    """And what was heard is no template itself."""
    rules = {"echo": "{text} at {time} on {date}"}
    assert await answer("echo {time}.", rules=rules) == [
        "echo {time} at 12:05 PM on Sunday, November 22"
    ]


@pytest.mark.parametrize(
    ("hour", "spoken"), [(0, "12:05 AM"), (9, "9:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
)
async def test_the_time_is_told_as_people_say_it(hour: int, spoken: str) -> None:
    """In halves of the day."""
    assert await answer("what time is it", now=NOON.replace(hour=hour)) == [f"It is {spoken}."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("goodbye", "Goodbye."),
        ("okay good bye then", "Goodbye."),
        ("What day is it?", "Today is Sunday, November 22."),
        ("what date is today", "Today is Sunday, November 22."),
        ("", NOT_UNDERSTOOD),
        (" ?! ", NOT_UNDERSTOOD),
    ],
)
async def test_some_things_need_no_rule(text: str, said: str) -> None:
    """The agent without any configuration is polite and knows the day."""
    assert await answer(text) == [said]


async def test_a_rule_of_the_operator_comes_before_what_is_built_in() -> None:
    """Also for a farewell."""
    assert await answer("bye", rules={"bye": "See you!"}) == ["See you!"]


async def test_a_goodbye_hangs_up_where_the_agent_may() -> None:
    """The farewell is said first; other turns call nothing."""
    said, asked = await answer("bye bye", functions=(HANGUP,))
    assert said == "Goodbye."
    assert isinstance(asked, FunctionAsked)
    assert (asked.name, asked.arguments) == ("hangup", "{}")
    assert await answer("stay", functions=(HANGUP,)) == ["I heard: stay."]


async def test_what_was_said_since_the_last_answer_is_one_turn() -> None:
    """A caller who pauses and goes on before the agent speaks has one question."""
    history = (
        "price",
        Said(Role.AGENT, "Ten."),
        "opening",
        "hours",
    )
    assert await answer(*history, rules={"opening hours": "Nine.", "price": "10"}) == ["Nine."]


async def test_a_function_s_result_needs_no_words() -> None:
    """The farewell was said when the function was called."""
    asked = FunctionAsked(function_call_id="rule-1", name="hangup")
    answered = FunctionAnswered(function_call_id="rule-1", result="{}")
    assert await answer("bye", asked, answered) == []


async def test_a_rule_without_a_word_never_answers() -> None:
    """It would fit everything."""
    assert await answer("hello", rules={"?": "What?"}) == ["I heard: hello."]


async def test_rules_are_made_from_their_configuration_and_know_the_time_by_themselves() -> None:
    """A key is nobody's business there."""
    reply = make_reply(RuleReplyConfig(), "a key")
    request = ReplyRequest(history=(Said(Role.CALLER, "what time is it"),))
    (said,) = [piece async for piece in reply.reply(request)]
    assert isinstance(said, str)
    assert said.endswith(("AM.", "PM."))
