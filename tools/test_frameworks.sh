#!/bin/sh
# Runs tests/frameworks/NAME against the real framework NAME, once in the oldest version that the
# integration supports (requirements/NAME.txt, hashed) and once in the newest 1.x of the package
# index, each in an environment of its own: `make test-frameworks` calls this.
#
#   tools/test_frameworks.sh [NAME...] [--only pinned|newest] [--install] [-- WORDS FOR PYTEST]
#   tools/test_frameworks.sh --lock NAME       write requirements/NAME.txt anew (needs uv)
#
# Without a name it takes all of them. --install makes the environments and runs nothing. A version
# that can't be installed - no index in reach - is skipped with a word, and that is no failure.
set -eu
cd "$(dirname "$0")/.."

FRAMEWORKS="pipecat livekit"

names=""
versions="pinned newest"
only_install=""
lock=""
while [ $# -gt 0 ]; do
    case "$1" in
    --only)
        case "${2-}" in pinned | newest) versions="$2" && shift ;; *) echo "--only pinned|newest" >&2 && exit 2 ;; esac
        ;;
    --install) only_install=1 ;;
    --lock) lock="$2" && shift ;;
    --) shift && break ;;
    *) names="$names $1" ;;
    esac
    shift
done

say() { echo "test-frameworks: $*"; }

has_uv() { command -v uv >/dev/null && [ -z "${VOXGATE_NO_UV-}" ]; }

lock_framework() { # NAME
    {
        echo "# $1 in the oldest version that is supported, and what its tests need."
        echo "# Written by: tools/test_frameworks.sh --lock $1"
        uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
            --no-annotate "requirements/$1.in" requirements/frameworks.in
    } >"requirements/$1.txt.part"
    mv "requirements/$1.txt.part" "requirements/$1.txt"
}

install() { # FOLDER WORDS FOR PIP...
    folder="$1"
    shift
    if has_uv; then
        uv pip install --quiet --python "$folder/bin/python" "$@"
    else
        "$folder/bin/python" -m pip --disable-pip-version-check install -qq "$@"
    fi
}

make_environment() { # FOLDER
    [ -x "$1/bin/python" ] && "$1/bin/python" -c "" 2>/dev/null && return
    rm -rf "$1"
    python=$(sh tools/find_python.sh "${VOXGATE_PYTHON-}") || return
    if has_uv; then
        uv venv --quiet --python "$python" "$1"
    else
        "$python" -m venv "$1"
    fi
}

# The one line of requirements/NAME.in that names the framework, without its pin.
newest_of() { # NAME
    sed -n "s/^\([a-z][^=# ]*\)==.*/\1>=1,<2/p" "requirements/$1.in"
}

# Ours is in reach without an index: where it can't be installed, something is broken.
install_voxgate() { # FOLDER
    install "$1" --no-deps --no-build-isolation --editable . && return
    failed="$failed $1(voxgate)"
    return 1
}

install_pinned() { # NAME FOLDER
    cmp -s "requirements/$1.txt" "$2/voxgate-framework.txt" && return
    install "$2" --no-deps --require-hashes --requirement "requirements/$1.txt" || return
    install_voxgate "$2" || return
    cp "requirements/$1.txt" "$2/voxgate-framework.txt"
}

install_newest() { # NAME FOLDER
    # --upgrade: the environment of an earlier day has what was the newest then.
    if install "$2" --upgrade "$(newest_of "$1")" --requirement requirements/frameworks.in; then
        install_voxgate "$2"
    elif [ -e "$2/voxgate-framework.txt" ]; then
        say "$1: no index in reach; the newest is what was installed before"
    else
        return 1
    fi && touch "$2/voxgate-framework.txt"
}

version_in() { # NAME FOLDER
    "$2/bin/python" -c "
import sys, importlib.metadata as m
name = {'pipecat': 'pipecat-ai', 'livekit': 'livekit-agents'}[sys.argv[1]]
print(name, m.version(name) + ', Python', sys.version.split()[0])" "$1"
}

failed=""
run_framework() { # NAME pinned|newest WORDS FOR PYTEST...
    name="$1" version="$2" folder=".venvs/$1-$2"
    shift 2
    if ! { make_environment "$folder" && "install_$version" "$name" "$folder"; }; then
        say "$name, $version: skipped: its packages can't be installed into $folder; the reason stands above"
        return
    fi
    say "$name, $version: $(version_in "$name" "$folder") in $folder"
    [ -z "$only_install" ] || return 0
    say "$name, $version: types"
    # A cache of its own: the ordinary environment has no framework, and its cache says so.
    "$folder/bin/python" -m mypy --cache-dir "$folder/.mypy_cache" -p "voxgate.integrations.$name" || failed="$failed $name-$version(types)"
    say "$name, $version: tests"
    "$folder/bin/python" -m pytest "tests/frameworks/$name" "$@" || failed="$failed $name-$version"
}

if [ -n "$lock" ]; then
    lock_framework "$lock"
    exit
fi
for framework in ${names:-$FRAMEWORKS}; do
    for which in $versions; do
        [ -d "tests/frameworks/$framework" ] && run_framework "$framework" "$which" "$@"
    done
done
if [ -n "$failed" ]; then
    say "failed:$failed" >&2
    exit 1
fi
