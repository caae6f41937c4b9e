"""What synthetic voices say in a training corpus: our own words, as agents and callers use them.

Invariant: the order is part of the corpus, as a voice says what its number picks.
"""

from __future__ import annotations

__all__ = ["LONG_SENTENCES", "SHORT_SENTENCES", "sentences_of"]

LONG_SENTENCES = (
    "Thank you for calling. I can help you with your order, your invoice, or a change of address.",
    (
        "Your appointment is on Thursday the fourteenth at half past nine in the morning, is "
        "that all right?"
    ),
    (
        "I have found three flights to Lisbon. The first one leaves at six twenty and arrives "
        "shortly after noon."
    ),
    "Please tell me the last four digits of your customer number, and I will look up your account.",
    "The package left our warehouse yesterday evening and should reach you before the weekend.",
    "If you would rather speak with a person, just say so at any time and I will put you through.",
    (
        "Let me read that back to you. Two large pizzas, one with mushrooms, one with olives, "
        "and a green salad."
    ),
    (
        "Our opening hours are from eight in the morning until seven at night, Monday through "
        "Saturday."
    ),
    (
        "I am sorry to hear that the heating does not work. Has the boiler shown any error on "
        "its display?"
    ),
    "The doctor has a free place on Tuesday afternoon. Would you like me to book it for you?",
)
"""Of agents, for the most part."""
SHORT_SENTENCES = (
    "Yes.",
    "No, wait.",
    "Stop.",
    "Hold on a second.",
    "That is not what I asked.",
    "Excuse me?",
    "Okay, fine.",
    "Can I speak to somebody else?",
    "I want to change my order.",
    "Hello?",
    "Sorry, what?",
    "One moment please.",
    "Never mind.",
    "Tuesday would be better.",
    "How much does it cost?",
    "Five.",
    "My name is Margaret Osborne.",
    "Please repeat that.",
    "It is the blue one.",
    "Go back.",
    "Uh huh, right.",
    "Actually, make it four people.",
    "The number is seven two nine, zero four.",
    "Thanks, bye.",
)
"""Of callers, for the most part."""
_LONG_A_VOICE, _SHORT_A_VOICE = 7, 12


def sentences_of(number: int) -> tuple[str, ...]:
    """Return what the voice of a number says: other words than its neighbours."""
    return (
        *_from(LONG_SENTENCES, 7 * number)[:_LONG_A_VOICE],
        *_from(SHORT_SENTENCES, 7 * number)[:_SHORT_A_VOICE],
    )


def _from(sentences: tuple[str, ...], first: int) -> tuple[str, ...]:
    at = first % len(sentences)
    return sentences[at:] + sentences[:at]
