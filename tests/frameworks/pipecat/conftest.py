"""Tests inside the real Pipecat, for environments of their own: `make test-frameworks`."""

from __future__ import annotations

from importlib.util import find_spec

# The ordinary environment has no Pipecat: `make test` leaves this folder alone.
collect_ignore_glob = [] if find_spec("pipecat") else ["*"]
