"""A choice that there is none of is an error that says what there is."""

from __future__ import annotations

import pytest

from voxgate.core.audio import AudioFormat, Encoding
from voxgate.core.call_options import required_audio_format, required_member, required_provider
from voxgate.core.config import GatingConfig, ProviderGatingPolicy
from voxgate.core.gated_call import FailureMode


@pytest.mark.parametrize("value", [FailureMode.CLOSED, "closed"])
def test_a_member_is_meant_by_itself_or_by_its_value(value: object) -> None:
    assert required_member(FailureMode, value, "on_failure") is FailureMode.CLOSED


@pytest.mark.parametrize("value", ["opn", None, 1])
def test_of_a_member_that_does_not_exist_the_others_are_named(value: object) -> None:
    with pytest.raises(ValueError, match=r"on_failure: .* is not one of open, closed"):
        required_member(FailureMode, value, "on_failure")


def test_a_provider_is_known_by_instance_kind_or_alias() -> None:
    """Also those that an engine added, and numbered instances."""
    policies = {"ours": ProviderGatingPolicy(gating_enabled=True, aliases=("own",))}
    config = GatingConfig(providers=policies, kinds={"desk": "ours"})
    for name in ("ours", "ours_2", "own", "desk"):
        assert required_provider(config, name) == name


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("openai_realtme", "did you mean 'openai_realtime'?"),
        ("xyz", "known: .*openai_realtime"),
        (None, "known: .*openai_realtime"),
    ],
)
def test_of_a_provider_that_no_policy_knows_the_one_meant_is_named(name: str, word: str) -> None:
    with pytest.raises(ValueError, match=word.replace("?", r"\?")):
        required_provider(GatingConfig(), name)


def test_the_name_of_an_encoding_is_no_format() -> None:
    mulaw = AudioFormat(Encoding.MULAW)
    assert required_audio_format(mulaw, "capture_format") is mulaw
    with pytest.raises(TypeError, match="capture_format: 'mulaw' is not an AudioFormat"):
        required_audio_format("mulaw", "capture_format")  # type: ignore[arg-type]
