"""What is tested here needs the compiled modules: `make test-compiled`."""

from __future__ import annotations

from voxgate.core.compiled import is_compiled

collect_ignore_glob = [] if is_compiled() else ["test_*.py"]
