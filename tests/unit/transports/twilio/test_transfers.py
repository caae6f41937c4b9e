"""What comes after a stream."""

from __future__ import annotations

import pytest

from support.twilio_messages import CALL_SID
from voxgate.errors import TransportError
from voxgate.transports.twilio.transfers import PendingTransfers
from voxgate.transports.twilio.twiml import dial_twiml, hangup_twiml

HANGUP = (hangup_twiml(), False)


def test_a_call_is_transferred_once():
    """Who asks again gets nothing: the number is nobody else's business."""
    transfers = PendingTransfers()
    transfers.expect(CALL_SID, "+15550100")
    assert transfers.take_twiml(CALL_SID) == (dial_twiml("+15550100"), True)
    assert transfers.take_twiml(CALL_SID) == HANGUP


@pytest.mark.parametrize("call_sid", [None, "", "CA" + "9" * 32])
def test_a_call_that_nobody_transferred_ends(call_sid: str | None):
    """As one does that Twilio did not name."""
    transfers = PendingTransfers()
    transfers.expect(CALL_SID, "+15550100")
    assert transfers.take_twiml(call_sid) == HANGUP


def test_the_last_word_counts():
    """An agent that changes its mind."""
    transfers = PendingTransfers()
    transfers.expect(CALL_SID, "+15550100")
    transfers.expect(CALL_SID, "sip:desk@pbx.example")
    assert transfers.take_twiml(CALL_SID) == (dial_twiml("sip:desk@pbx.example"), True)


def test_a_target_that_is_none_is_not_noted():
    """The error names the rule, and not the target."""
    transfers = PendingTransfers()
    with pytest.raises(TransportError) as caught:
        transfers.expect(CALL_SID, "the boss")
    assert (caught.value.code, caught.value.retryable) == ("bad_target", False)
    assert "boss" not in str(caught.value)
    assert transfers.take_twiml(CALL_SID) == HANGUP


def test_no_more_wait_than_the_bound():
    """The oldest goes: whoever it was has hung up."""
    transfers = PendingTransfers(max_pending=3)
    for number in range(5):
        transfers.expect(f"CA{number}", "+15550100")
    taken = [transfers.take_twiml(f"CA{number}")[1] for number in range(5)]
    assert taken == [False, False, True, True, True]
