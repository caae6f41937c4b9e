"""Which route a call takes."""

from __future__ import annotations

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxgate.config.models import AppConfig, EngineConfig
from voxgate.config.provider_models import OpenAIRealtimeConfig
from voxgate.config.route_models import CallFacts, RouteConfig, RouteMatch, first_route

_CALL = CallFacts(
    line="twilio",
    call_id="CA12",
    called_number="+4930123456",
    parameters={"queue": "sales", "called_number": "+4930123456"},
)


class TestMatch:
    """What fits a call."""

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"line": "twilio"},
            {"call_id": "CA12"},
            {"call_id": "ca12"},
            {"called_number": "+4930123456"},
            {"called_number": "+4930*"},
            {"called_number": "*"},
            {"parameters": {"queue": "sales"}},
            {"line": "twilio", "called_number": "+49*", "parameters": {"queue": "sales"}},
        ],
    )
    def test_a_call_that_is_as_the_match_says_fits(self, given: dict[str, Any]) -> None:
        """Everything that is given fits; what is left out does not matter."""
        assert RouteMatch(**given).fits(_CALL)

    @pytest.mark.parametrize(
        "given",
        [
            {"line": "audiosocket"},
            {"call_id": "CA1"},
            {"called_number": "+493012345"},
            {"called_number": "+493012345678"},
            {"called_number": "+4940*"},
            {"called_number": "4930*"},
            {"parameters": {"queue": "Sales"}},
            {"parameters": {"desk": "sales"}},
            {"line": "twilio", "called_number": "+4930*", "parameters": {"queue": "support"}},
        ],
    )
    def test_a_call_that_differs_in_one_thing_does_not(self, given: dict[str, Any]) -> None:
        """All that is given must fit."""
        assert not RouteMatch(**given).fits(_CALL)

    @pytest.mark.parametrize("pattern", ["*", "+49*", "+4930123456"])
    def test_a_call_of_which_no_number_is_known_fits_no_number(self, pattern: str) -> None:
        """Not even any."""
        assert not RouteMatch(called_number=pattern).fits(replace(_CALL, called_number=None))

    def test_the_number_of_a_call_is_not_in_its_repr(self) -> None:
        """What is printed by mistake says neither who called whom nor what else is known."""
        assert "4930" not in repr(_CALL)
        assert "sales" not in repr(_CALL)

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            ({"called_number": "+49 30"}, "called_number: .* is neither a number nor the beginn"),
            ({"called_number": "+49*30"}, "called_number: .* is neither a number nor the beginn"),
            ({"called_number": ""}, "called_number: .* is neither a number nor the beginning"),
            ({"call_id": "a b"}, "call_id: 'a b' is not the id of a call"),
            ({"line": "Twilio!"}, "line: 'Twilio!' is not a kind of line"),
            ({"parameters": {"": "x"}}, "parameters: a name or its text is empty"),
            ({"parameters": {"x": 1}}, "parameters: a name or its text is not text"),
        ],
    )
    def test_what_can_fit_nothing_is_refused(self, given: dict[str, Any], text: str) -> None:
        """In words that say what it is to be."""
        with pytest.raises(ValueError, match=text):
            RouteMatch(**given)


_words = st.text(string.ascii_lowercase[:3] + "12", min_size=1, max_size=3)
_matches = st.builds(
    RouteMatch,
    line=st.none() | st.sampled_from(["twilio", "audiosocket"]),
    call_id=st.none() | _words,
    called_number=st.none() | _words | _words.map(lambda word: f"{word}*") | st.just("*"),
    parameters=st.dictionaries(_words, _words, max_size=2),
)
_facts = st.builds(
    CallFacts,
    line=st.sampled_from(["twilio", "audiosocket"]),
    call_id=_words,
    called_number=st.none() | _words,
    parameters=st.dictionaries(_words, _words, max_size=3),
)


class TestIncludes:
    """What hides a later route."""

    @given(_matches, _matches, _facts)
    def test_what_fits_the_narrower_fits_the_wider(
        self, wider: RouteMatch, narrower: RouteMatch, facts: CallFacts
    ) -> None:
        """Whatever the call is like."""
        if wider.includes(narrower) and narrower.fits(facts):
            assert wider.fits(facts)

    @given(_matches)
    def test_a_match_includes_itself(self, match: RouteMatch) -> None:
        """A route that is written twice is found."""
        assert match.includes(match)
        assert RouteMatch().includes(match)

    @pytest.mark.parametrize(
        ("wider", "narrower"),
        [("+49*", "+4930*"), ("+49*", "+4930123"), ("*", "+1"), ("*", "*"), ("+1", "+1")],
    )
    def test_a_shorter_beginning_includes_the_longer(self, wider: str, narrower: str) -> None:
        """And not the other way round, unless both are the same."""
        assert RouteMatch(called_number=wider).includes(RouteMatch(called_number=narrower))
        if wider != narrower:
            assert not RouteMatch(called_number=narrower).includes(RouteMatch(called_number=wider))


class TestRoutes:
    """The list."""

    def test_the_first_that_fits_wins(self) -> None:
        """In the order of the file, whichever is the most special."""
        routes = [
            RouteConfig(match=RouteMatch(line="audiosocket"), provider="one"),
            RouteConfig(match=RouteMatch(called_number="+49*"), provider="two"),
            RouteConfig(match=RouteMatch(called_number="+4930*"), provider="three"),
        ]
        assert first_route(routes, _CALL) == 1
        assert first_route(routes, replace(_CALL, called_number="+1")) is None
        assert first_route([], _CALL) is None

    def test_the_fall_back_is_tried_second(self) -> None:
        """And none where there is none."""
        assert RouteConfig(provider="one").candidates == ("one",)
        assert RouteConfig(provider="one", fall_back_provider="two").candidates == ("one", "two")

    def test_a_provider_can_not_take_over_from_itself(self) -> None:
        """What could not be reached a moment ago can't be now."""
        with pytest.raises(ValueError, match="fall_back_provider: 'one' is the provider that it"):
            RouteConfig(provider="one", fall_back_provider="one")


class TestReferences:
    """Routes name providers and lines that exist."""

    def test_those_that_can_answer_are_those_that_are_named(self) -> None:
        """Each once, the default first; nobody needs the key of another."""
        config = AppConfig(
            engine=EngineConfig(default_provider="openai", fall_back_provider="embedded"),
            routes=(
                RouteConfig(provider="deepgram", fall_back_provider="embedded"),
                RouteConfig(provider="openai"),
            ),
        )
        assert config.answering_providers == ("openai", "embedded", "deepgram")
        assert config.engine.candidates == ("openai", "embedded")
        assert AppConfig().answering_providers == ("embedded",)

    @pytest.mark.parametrize(
        ("routes", "text"),
        [
            ([{"provider": "opnai"}], r"routes\[0\]\.provider: 'opnai' is not the name of one of"),
            (
                [{"provider": "openai"}, {"provider": "openai", "fall_back_provider": "gone"}],
                r"routes\[1\]\.fall_back_provider: 'gone' is not the name",
            ),
            (
                [{"provider": "openai", "match": RouteMatch(line="twillio")}],
                r"routes\[0\]\.match\.line: 'twillio' is not a kind of line; did you mean 'twilio'",
            ),
        ],
    )
    def test_a_name_that_does_not_exist_is_refused_at_its_place(
        self, routes: list[dict[str, Any]], text: str
    ) -> None:
        """With the one that was probably meant."""
        with pytest.raises(ValueError, match=text):
            AppConfig(routes=tuple(RouteConfig(**route) for route in routes))

    def test_the_engine_s_own_fall_back_exists_and_is_another(self) -> None:
        """As that of a route."""
        with pytest.raises(ValueError, match=r"engine\.fall_back_provider: 'gone' is not the name"):
            AppConfig(engine=EngineConfig(fall_back_provider="gone"))
        with pytest.raises(ValueError, match="fall_back_provider: 'a' is the default provider"):
            EngineConfig(default_provider="a", fall_back_provider="a")

    def test_the_embedded_server_s_port_counts_where_a_route_leads_there(self) -> None:
        """It is started for a second provider too, and can't have a line's port."""
        server = replace(AppConfig().realtime_server, port=8090)
        providers = {
            "agent": OpenAIRealtimeConfig(),
            "inside": OpenAIRealtimeConfig(url="embedded"),
        }
        engine = EngineConfig(default_provider="agent")
        AppConfig(engine=engine, providers=providers, realtime_server=server)
        with pytest.raises(ValueError, match=r"realtime_server\.port: 8090 is the port of lines"):
            AppConfig(
                engine=replace(engine, fall_back_provider="inside"),
                providers=providers,
                realtime_server=server,
            )
