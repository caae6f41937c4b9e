#!/bin/sh
# Makes the environment that everything else runs in; `make setup` calls this.
#
#   tools/setup.sh [--python VERSION-OR-PATH] [--venv FOLDER] [--no-uv]
#
# All that is needed is a Python of version 3.11 to 3.14. The work is done in setup_env.py;
# this script only finds a Python to run it.
set -eu
cd "$(dirname "$0")/.."

wanted="${VOXGATE_PYTHON-}"
previous=""
for argument in "$@"; do
    [ "$previous" = "--python" ] && wanted="$argument"
    case "$argument" in --python=*) wanted="${argument#--python=}" ;; esac
    previous="$argument"
done

if ! python=$(sh tools/find_python.sh "$wanted"); then
    if [ -n "$wanted" ]; then
        echo "setup: no Python '$wanted' that runs and that voxgate supports (3.11 to 3.14)." >&2
    else
        echo "setup: voxgate needs Python 3.11, 3.12, 3.13 or 3.14, and none was found." >&2
        echo "setup: install one, or name it: make setup VOXGATE_PYTHON=/path/to/python3" >&2
    fi
    exit 1
fi
[ -z "$wanted" ] || set -- "$@" --python "$wanted"
exec "$python" tools/setup_env.py "$@"
