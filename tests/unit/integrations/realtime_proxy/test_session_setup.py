"""What holds of a session is what the server told last, and the updates it has not answered."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.integrations.realtime_proxy.session_setup import SessionSetup
from voxgate.integrations.realtime_proxy.session_shape import SessionShape

MULAW = AudioFormat(Encoding.MULAW)
ALAW = AudioFormat(Encoding.ALAW)
PCM = AudioFormat(Encoding.PCM16, 24_000)


def _session(heard: str | None = None, **fields: object) -> dict[str, object]:
    audio = {} if heard is None else {"audio": {"input": {"format": {"type": heard}}}}
    return {"type": "realtime", **audio, **fields}


@pytest.fixture
def setup() -> SessionSetup:
    """A session that the server has told about."""
    setup = SessionSetup(SessionShape())
    setup.receive_created(_session("audio/pcmu"))
    return setup


def test_what_is_created_before_the_answer_to_an_update_does_not_undo_it() -> None:
    """Clients send their update at once, before the server has said anything."""
    setup = SessionSetup(SessionShape())
    setup.receive_update(_session("audio/pcmu"), None)
    setup.receive_created(_session("audio/pcm"))
    assert setup.shape.input_format == MULAW
    setup.receive_updated(_session("audio/pcmu"))
    setup.receive_updated(_session("audio/pcma"))
    assert setup.shape.input_format == ALAW


@pytest.mark.parametrize(
    ("event_id", "error"),
    [
        ("e", {"event_id": "e", "param": None}),
        ("e", {"event_id": None, "param": "session.audio.input.format"}),
        (None, {"event_id": None, "param": "session.voice"}),
        (None, {"event_id": None, "param": None, "code": "cannot_update_voice"}),
        (None, {"message": "No."}),
    ],
)
def test_a_refused_update_is_taken_back(
    setup: SessionSetup, event_id: object, error: object
) -> None:
    """However the error names it, or does not."""
    setup.receive_update(_session("audio/pcm"), event_id)
    assert setup.shape.input_format == PCM
    setup.receive_error(error)
    assert setup.shape.input_format == MULAW


@pytest.mark.parametrize(
    "error",
    [
        {"event_id": "other", "param": "session.voice"},
        {"event_id": None, "param": "response.voice"},
        {"event_id": None, "param": None},
        {"event_id": {"a": []}},
        {"param": 5},
        "text",
        None,
    ],
)
def test_the_error_of_another_event_takes_nothing_back(setup: SessionSetup, error: object) -> None:
    """The update is answered on its own."""
    setup.receive_update(_session("audio/pcm"), "e")
    setup.receive_error(error)
    assert setup.shape.input_format == PCM


def test_of_several_updates_only_the_refused_one_is_taken_back(setup: SessionSetup) -> None:
    """What was asked behind it still holds; what was asked before it was answered before."""
    setup.receive_update(_session("audio/pcm"), "a")
    setup.receive_update(_session(output_modalities=["text"]), "b")
    setup.receive_error({"event_id": "a"})
    assert (setup.shape.input_format, setup.shape.speaks) == (MULAW, False)
    setup.receive_update(_session("audio/pcma"), "c")
    setup.receive_error({"event_id": "c"})
    assert (setup.shape.input_format, setup.shape.speaks) == (MULAW, True)
    setup.receive_error({"event_id": "c"})
    assert setup.shape.input_format == MULAW


def test_a_server_that_never_answers_is_not_remembered_without_end(setup: SessionSetup) -> None:
    """The last updates hold; the oldest are as if they had never been."""
    setup.receive_update(_session("audio/pcma"), None)
    for _ in range(1000):
        setup.receive_update(_session(), None)
    setup.receive_updated(_session())
    assert setup.shape.input_format == MULAW
    setup.receive_update(_session("audio/pcm"), None)
    assert setup.shape.input_format == PCM
