"""Tests inside the real LiveKit Agents, for environments of their own: `make test-frameworks`."""

from __future__ import annotations

from importlib.util import find_spec

# The ordinary environment has no LiveKit: `make test` leaves this folder alone.
collect_ignore_glob = [] if find_spec("livekit") else ["*"]
