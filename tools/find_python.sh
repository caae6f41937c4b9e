#!/bin/sh
# Prints the path of a Python that really runs here.
#
#   find_python.sh            the first that voxgate supports: python3, else the newest
#   find_python.sh 3.13       one of that version
#   find_python.sh PATH       that one, if voxgate supports it
#
# A name on the PATH is not enough: version managers put names there that do not run.
# Exits 1 without a word if there is none.
set -eu

PROBE='
import sys
if not (3, 11) <= sys.version_info < (3, 15):
    raise SystemExit(1)
if sys.argv[1] not in ("", "%d.%d" % sys.version_info[:2]):
    raise SystemExit(1)
print(getattr(sys, "_base_executable", None) or sys.executable)
'

probe() { # NAME-OR-PATH VERSION
    command -v "$1" >/dev/null 2>&1 || return 1
    found=$("$1" -c "$PROBE" "$2" 2>/dev/null) || return 1
    printf '%s\n' "$found"
}

find_version() { # X.Y
    probe "python$1" "$1" && return 0
    for installed in "${PYENV_ROOT:-$HOME/.pyenv}/versions/$1"*/bin/python; do
        probe "$installed" "$1" && return 0
    done
    if command -v uv >/dev/null 2>&1; then
        managed=$(uv python find --system --no-python-downloads "$1" 2>/dev/null) || return 1
        probe "$managed" "$1" && return 0
    fi
    return 1
}

case "${1-}" in
"")
    probe python3 "" && exit 0
    for version in 3.14 3.13 3.12 3.11; do
        find_version "$version" && exit 0
    done
    exit 1
    ;;
3.[0-9]*) find_version "$1" ;;
*) probe "$1" "" ;;
esac
