"""The transition table, held against one written down independently of it."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from voxgate.core.gate_transitions import (
    TRANSITIONS,
    GateEventType,
    GateInput,
    GateState,
    Transition,
    mermaid_diagram,
)

# What changes something: input, from, to, event. Every pair that is not here stays, silently.
EXPECTED = """
agent_started               open       closed     gate_closed
caller_turn_ended           open       closed     gate_closed
provider_speech_over_agent  open       open       interrupted
agent_ended                 closed     open       gate_opened
provider_speech_before_agent  closed     open       interrupted
provider_speech_before_agent  candidate  open       interrupted
agent_ended                 candidate  open       gate_opened
agent_ended                 barge_in   open       gate_opened
evidence_seen               closed     candidate  candidate_started
evidence_held               closed     barge_in   barge_in_committed
evidence_held               candidate  barge_in   barge_in_committed
evidence_lost               candidate  closed     candidate_dropped
provider_speech             barge_in   open       interrupted
provider_speech_over_agent  barge_in   open       interrupted
caller_continued            barge_in   open       interrupted
confirm_timed_out           barge_in   closed     resumed
"""

PAIRS = list(product(GateState, GateInput))


def expected() -> dict[tuple[str, str], tuple[str, str | None]]:
    table: dict[tuple[str, str], tuple[str, str | None]] = {pair: (pair[0], None) for pair in PAIRS}
    for line in EXPECTED.strip().splitlines():
        gate_input, source, target, event = line.split()
        assert (source, gate_input) in table, line
        table[source, gate_input] = (target, event)
    return table


@pytest.mark.parametrize(("state", "gate_input"), PAIRS)
def test_every_pair_leads_where_it_should(state, gate_input) -> None:
    """Each pair of state and input has the target and the event of the design."""
    target, event = expected()[state, gate_input]
    found = TRANSITIONS[state, gate_input]
    assert (found.state, found.event) == (target, event)


def test_the_table_is_total() -> None:
    """Every pair is listed, and nothing else."""
    assert set(TRANSITIONS) == set(PAIRS)
    assert set(expected()) == set(PAIRS)


def test_what_changes_the_state_is_told() -> None:
    """No transition between states is silent, and a pair that stays silent stays."""
    for (state, _), transition in TRANSITIONS.items():
        assert transition.event is not None or transition.state is state


def test_while_the_agent_is_heard_only_evidence_opens() -> None:
    """From CLOSED and CANDIDATE nothing that a provider says leads out; it heard silence."""
    for state in (GateState.CLOSED, GateState.CANDIDATE):
        for gate_input in (GateInput.PROVIDER_SPEECH, GateInput.PROVIDER_SPEECH_OVER_AGENT):
            assert TRANSITIONS[state, gate_input] == Transition(state)


def test_every_state_is_reached_and_left() -> None:
    """No state is a trap or out of reach."""
    moves = {(state, t.state) for (state, _), t in TRANSITIONS.items() if t.state is not state}
    assert {source for source, _ in moves} == {target for _, target in moves} == set(GateState)


def test_the_table_can_not_be_changed() -> None:
    """It is one for all calls."""
    with pytest.raises(TypeError):
        TRANSITIONS[GateState.OPEN, GateInput.AGENT_ENDED] = Transition(GateState.CLOSED)  # type: ignore[index]


def test_the_documented_diagram_is_drawn_from_the_table() -> None:
    """docs/gate.md shows what the table says."""
    page = Path(__file__).parents[3] / "docs" / "gate.md"
    assert mermaid_diagram() in page.read_text(encoding="utf-8")


def test_the_diagram_draws_what_changes_something() -> None:
    """Every pair with an event is one arrow, and nothing else is."""
    arrows = [line for line in mermaid_diagram().splitlines() if " --> " in line]
    telling = [t for t in TRANSITIONS.values() if t.event is not None]
    assert arrows[0] == "    [*] --> open"
    assert len(arrows) == 1 + len(telling)
    assert "    candidate --> closed: evidence_lost / candidate_dropped" in arrows


def test_each_event_of_the_machine_has_one_meaning() -> None:
    """An event names one target state."""
    targets: dict[GateEventType, set[GateState]] = {}
    for transition in TRANSITIONS.values():
        if transition.event is not None:
            targets.setdefault(transition.event, set()).add(transition.state)
    assert {event: len(states) for event, states in targets.items() if len(states) > 1} == {}
