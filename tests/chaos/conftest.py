"""Faults under load, for `make chaos`: they take minutes, and a machine that is not busy."""

from __future__ import annotations

import os

# `make test` leaves this folder alone.
collect_ignore_glob = [] if "CHAOS_CALLS" in os.environ else ["*"]
