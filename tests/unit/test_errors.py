"""The exception tree: what can be caught together, and what a message says."""

from __future__ import annotations

import pickle

import pytest

from voxgate import errors
from voxgate.errors import (
    ConfigError,
    ConfigProblem,
    LocalProtocolError,
    ProviderError,
    RemoteProtocolError,
    TransportError,
    VoxgateError,
)

OUT_OF_RANGE = ConfigProblem(
    key="barge_in.min_ms", value="-20", rule="is not in 20..2000", source="config/ai-agent.yaml"
)


@pytest.mark.parametrize(
    "name", [name for name in errors.__all__ if name not in {"ConfigProblem", "VoxgateError"}]
)
def test_every_error_is_caught_as_a_voxgate_error(name: str) -> None:
    """One ``except`` catches all that voxgate raises on purpose, and nothing else."""
    assert issubclass(getattr(errors, name), VoxgateError)


def test_the_branches_of_the_tree_are_apart() -> None:
    """Catching a peer's fault never catches a fault of our own."""
    branches = [ConfigError, LocalProtocolError, RemoteProtocolError, TransportError, ProviderError]
    overlapping = [
        (one.__name__, other.__name__)
        for one in branches
        for other in branches
        if one is not other and issubclass(one, other)
    ]
    assert overlapping == []


def test_a_problem_names_key_value_rule_and_source() -> None:
    """An operator reads what is wrong, with what, and where."""
    assert str(OUT_OF_RANGE) == "barge_in.min_ms: -20 is not in 20..2000 (config/ai-agent.yaml)"


def test_a_problem_without_a_value_leaves_no_gap() -> None:
    """A key that is missing has no value to show."""
    problem = ConfigProblem(key="engine.provider", value="", rule="is missing", source="code")
    assert str(problem) == "engine.provider: is missing (code)"


def test_a_config_error_carries_every_problem() -> None:
    """One run shows all that is to be mended, in the order found."""
    second = ConfigProblem(key="vad", value="[]", rule="is not a mapping", source="environment")
    error = ConfigError([OUT_OF_RANGE, second])
    assert error.problems == (OUT_OF_RANGE, second)
    assert str(error).splitlines() == [str(OUT_OF_RANGE), str(second)]


@pytest.mark.parametrize("kind", [TransportError, ProviderError])
@pytest.mark.parametrize(
    ("code", "shown"), [(None, "peer: refused"), ("401", "peer: refused [401]")]
)
def test_an_error_at_the_edge_shows_peer_reason_and_code(
    kind: type[TransportError | ProviderError], code: str | None, shown: str
) -> None:
    """The text is made from the fields, so that nobody has to take it apart again."""
    error = kind("peer", "refused", code=code, retryable=True)
    assert str(error) == shown
    assert (error.peer, error.reason, error.code, error.retryable) == (
        "peer",
        "refused",
        code,
        True,
    )


def test_whether_to_try_again_must_be_said() -> None:
    """There is no default that could send a client into an endless loop."""
    with pytest.raises(TypeError, match="retryable"):
        ProviderError("peer", "refused")  # type: ignore[call-arg]


def test_a_config_error_survives_pickling() -> None:
    """An error raised in a worker process arrives whole."""
    error = pickle.loads(pickle.dumps(ConfigError([OUT_OF_RANGE])))  # noqa: S301 - our own bytes
    assert error.problems == (OUT_OF_RANGE,)


def test_a_provider_may_ask_for_time() -> None:
    """For whoever tries again; nothing is asked for unless it says so."""
    assert ProviderError("peer", "busy", retryable=True).retry_after_s is None
    assert ProviderError("peer", "busy", retryable=True, retry_after_s=2.5).retry_after_s == 2.5
