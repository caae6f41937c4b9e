#!/bin/sh
# Writes uv.lock and its hashed export for pip (--upgrade: with the newest packages that
# pyproject.toml allows); with --check, only tells whether both are in step
# with pyproject.toml. Needs uv; where there is none, --check leaves it to the unit tests, which
# compare the two files by themselves.
set -eu
cd "$(dirname "$0")/.."

EXPORT=requirements/dev.txt

export_lock() {
    uv export --quiet --frozen --all-extras --no-extra livekit --no-extra pipecat \
        --no-extra recognition --no-extra train --no-emit-project --no-header --no-annotate --format requirements-txt
}

if ! command -v uv >/dev/null 2>&1; then
    [ "${1-}" = "--check" ] || { echo "lock: this needs uv" >&2; exit 1; }
    echo "lock: no uv here; the unit tests compare uv.lock with $EXPORT"
    exit 0
fi

if [ "${1-}" = "--check" ]; then
    uv lock --quiet --check || { echo "lock: uv.lock is behind pyproject.toml: make lock" >&2; exit 1; }
    if ! export_lock | diff -q - "$EXPORT" >/dev/null; then
        echo "lock: $EXPORT is behind uv.lock: make lock" >&2
        exit 1
    fi
    echo "lock: uv.lock and $EXPORT are in step with pyproject.toml"
else
    uv lock "$@"
    mkdir -p requirements
    export_lock >"$EXPORT.new"
    mv "$EXPORT.new" "$EXPORT"
fi
