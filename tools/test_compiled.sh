#!/bin/sh
# Compiles (tools/compile.sh), and runs in .venvs/compiled the tests that tools/compiled.toml names:
# `make test-compiled` calls this. Where nothing can be compiled it says why, and that is no failure.
#
#   tools/test_compiled.sh [WORDS FOR PYTEST]
set -eu
cd "$(dirname "$0")/.."

sh tools/setup.sh --venv .venvs/compiled
if ! missing=$(.venvs/compiled/bin/python tools/compiled_wheel.py); then
    echo "test-compiled: skipped: $missing"
    exit 0
fi
sh tools/compile.sh
exec .venvs/compiled/bin/python tools/run_compiled_tests.py "$@"
