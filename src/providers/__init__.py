"""Agents that answer calls: one protocol, one package or module a kind, one registry of them."""
