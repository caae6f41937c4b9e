#!/bin/sh
# Runs every check that a change must pass, and stops at the first that fails. With `--no-tests`,
# all but the unit tests and their coverage.
set -eu
cd "$(dirname "$0")/.."

step() {
    echo "check: $1"
    shift
    "$@"
}

step "format" .venv/bin/ruff format --check --quiet .
step "lint" .venv/bin/ruff check --quiet .
step "types of the package" .venv/bin/mypy
step "types of tools and benchmarks" .venv/bin/mypy tools/*.py benchmarks
step "layers" .venv/bin/lint-imports --no-logo
step "lock" sh tools/lock.sh --check
[ "${1-}" != "--no-tests" ] || exit 0
step "unit tests and their coverage" \
    .venv/bin/python -m pytest tests/unit --quiet --cov --cov-report=term:skip-covered
