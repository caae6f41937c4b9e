"""The near-end verdict: far-end reference, echo filter, features, network, sequential test."""
