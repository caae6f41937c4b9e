"""Runs of an hour, for `make soak`."""

from __future__ import annotations

import os

# `make test` leaves this folder alone.
collect_ignore_glob = [] if "SOAK_CALLS" in os.environ else ["*"]
