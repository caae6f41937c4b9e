"""When a provider that is not gated may not hear the caller."""

from __future__ import annotations

from voxgate.call.echo_shield import EchoShield


def test_it_is_down_until_something_foreign_is_heard() -> None:
    """What the provider says itself is its own business."""
    shield = EchoShield()
    assert not shield.is_up(0.0)
    shield.receive_slot(0.0, is_foreign=False)
    assert not shield.is_up(0.0)


def test_it_stays_up_for_the_echo_of_the_last_sound() -> None:
    """And no longer, so that the caller's next word is heard."""
    shield = EchoShield()
    for now_ms in (0.0, 20.0, 40.0):
        shield.receive_slot(now_ms, is_foreign=True)
    shield.receive_slot(60.0, is_foreign=False)
    assert shield.is_up(60.0)
    assert shield.is_up(539.0)
    assert not shield.is_up(540.0)
