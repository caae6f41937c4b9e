"""Tests in a real browser, for an environment of their own: `make test-browser`."""

from __future__ import annotations

from importlib.util import find_spec

# The ordinary environment has no playwright: `make test` leaves this folder alone.
collect_ignore_glob = [] if find_spec("playwright") else ["*"]
