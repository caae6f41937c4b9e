"""Judges audio by what a speech recogniser makes of it.

Clips with known words -> double-talk of agent and caller -> ways to forward it -> word errors.
"""
