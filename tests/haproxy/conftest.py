"""Tests behind a real HAProxy: `make test-haproxy` says where it is.

`make test` leaves them out.
"""

from __future__ import annotations

import os

collect_ignore_glob = [] if "HAPROXY_PATH" in os.environ else ["*"]
