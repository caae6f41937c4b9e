"""Observers are told of everything, and their mistakes stop where they were made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import structlog
from structlog.testing import capture_logs

from support.scripted_call import RecordingObserver, decision, gate_event
from voxgate.call_observer import (
    CallEnded,
    CallObserver,
    CallStarted,
    Observers,
    ProviderSwitched,
)
from voxgate.core.gate_decision import GateEventType
from voxgate.core.playout import PlayoutFrame
from voxgate.errors import ProviderError
from voxgate.providers.base import ProviderReady
from voxgate.transports.base import LineAudio, LineDtmf

_STARTED = CallStarted(call_id="c", provider="p", started_ms=0.0)
_ENDED = CallEnded(
    call_id="c",
    provider="p",
    reason="caller_hangup",
    duration_ms=1.0,
    gate=None,
    playout_underruns=0,
    skipped_slots=0,
)
_SWITCHED = ProviderSwitched(
    call_id="c",
    now_ms=0.0,
    previous="p",
    provider="q",
    error=ProviderError("p", "gone", retryable=True),
    was_ready=True,
    held_frames=1,
    dropped_frames=2,
)
_DECISION = decision()
_FRAME = PlayoutFrame(audio=bytes(320), is_agent_audio=False, item_id=None)

_TELL: dict[str, Callable[[CallObserver], None]] = {
    "on_call_started": lambda observer: observer.on_call_started(_STARTED),
    "on_line_event": lambda observer: observer.on_line_event("c", 0.0, LineDtmf("1")),
    "on_decision": lambda observer: observer.on_decision("c", 0.0, b"\0\0", _DECISION),
    "on_frame_processed": lambda observer: observer.on_frame_processed("c", 0.1),
    "on_gate_event": lambda observer: observer.on_gate_event(
        "c", gate_event(GateEventType.RESUMED)
    ),
    "on_playout": lambda observer: observer.on_playout("c", 0.0, _FRAME),
    "on_provider_event": lambda observer: observer.on_provider_event("c", 0.0, ProviderReady()),
    "on_provider_switched": lambda observer: observer.on_provider_switched(_SWITCHED),
    "on_call_ended": lambda observer: observer.on_call_ended(_ENDED),
}


@pytest.fixture(autouse=True)
def quiet_log() -> None:
    """Leave the log as other tests expect it."""
    structlog.reset_defaults()


def test_every_method_is_tried() -> None:
    """The table above is complete, so that the tests below cover what an observer can be told."""
    assert set(_TELL) == {name for name in vars(CallObserver) if name.startswith("on_")}
    assert set(_TELL) == {name for name in vars(Observers) if name.startswith("on_")}


@pytest.mark.parametrize("method", _TELL)
def test_an_observer_overrides_what_it_wants(method: str) -> None:
    """The base class takes everything and does nothing."""
    _TELL[method](CallObserver())


@pytest.mark.parametrize("method", _TELL)
def test_each_observer_is_told_the_same(method: str) -> None:
    """Every method reaches every observer once, with its arguments."""
    observers = [RecordingObserver(), RecordingObserver()]
    _TELL[method](Observers(observers))
    assert [observer.told for observer in observers] == [[method]] * 2
    kept = [
        observer.started
        + observer.line_events
        + observer.decisions
        + observer.durations_ms
        + observer.gate_events
        + observer.playout
        + observer.provider_events
        + observer.switched
        + observer.ended
        for observer in observers
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 1


@pytest.mark.parametrize("method", _TELL)
def test_one_that_raises_is_logged_once_and_told_nothing_more(method: str) -> None:
    """Whichever method fails, the others after it and the other observers go on."""

    class Broken(RecordingObserver):
        pass

    broken, sound = Broken(), RecordingObserver()

    def fail(*args: object) -> None:
        broken.told.append("failed")
        raise ValueError("b'audio' of the caller")

    setattr(broken, method, fail)
    observers = Observers([broken, sound])
    with capture_logs() as logged:
        for _ in range(2):
            for tell in _TELL.values():
                tell(observers)
    names = list(_TELL)
    before = names[: names.index(method)]
    assert broken.told == [*before, "failed"]
    assert sound.told == names * 2
    assert [(entry["event"], entry["observer"], entry["method"]) for entry in logged] == [
        ("observer.failed", "Broken", method)
    ]
    assert logged[0]["log_level"] == "error"
    assert observers.failures == 1


@pytest.mark.parametrize("method", _TELL)
def test_an_engine_that_nobody_observes_tells_nobody(method: str) -> None:
    """Without an observer from the start, too."""
    observers = Observers()
    _TELL[method](observers)
    assert observers.failures == 0


def test_the_same_observer_twice_is_told_twice() -> None:
    """One of both failing does not silence the other place."""
    observer = RecordingObserver()
    Observers([observer, observer]).on_call_started(_STARTED)
    assert observer.told == ["on_call_started"] * 2


def test_an_observer_comes_and_goes() -> None:
    """It is told what happens in between; removing one that is not there is no error."""
    first, second = RecordingObserver(), RecordingObserver()
    observers = Observers([first])
    observers.add(second)
    observers.on_call_started(_STARTED)
    observers.remove(second)
    observers.remove(second)
    observers.on_call_ended(_ENDED)
    assert first.told == ["on_call_started", "on_call_ended"]
    assert second.told == ["on_call_started"]


def test_nobody_is_called_for_what_he_does_not_override() -> None:
    """So that what nobody watches costs nothing, 50 times a second and call."""
    observers = Observers([CallObserver()])
    assert set(observers._told) == set(_TELL)
    assert not any(observers._told.values())


def test_audio_of_the_line_is_told_to_those_who_hear_it() -> None:
    """All that does not say otherwise; what is no audio is told to everybody."""
    hearing, deaf = RecordingObserver(), RecordingObserver()
    deaf.hears_line_audio = False
    observers = Observers([hearing, deaf])
    observers.on_line_event("c", 0.0, LineAudio(b"ab"))
    observers.on_line_event("c", 0.0, LineDtmf("1"))
    assert hearing.line_events == [LineAudio(b"ab"), LineDtmf("1")]
    assert deaf.line_events == [LineDtmf("1")]


def test_one_that_raises_at_audio_is_told_nothing_more() -> None:
    """As at anything else."""

    class Broken(CallObserver):
        def on_line_event(self, call_id: str, now_ms: float, event: object) -> None:
            raise ValueError("no")

    observers = Observers([Broken()])
    with capture_logs() as logs:
        observers.on_line_event("c", 0.0, LineAudio(b"ab"))
        observers.on_line_event("c", 0.0, LineAudio(b"ab"))
    assert [(log["event"], log["method"]) for log in logs] == [("observer.failed", "on_line_event")]
    assert observers.failures == 1
