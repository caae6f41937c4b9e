#!/bin/sh
# Builds the documentation site into out/site, in an environment of its own: `make docs` calls this.
# With `serve`, it shows the site on the loopback instead, and builds anew what is edited.
#
# Needs a package index the first time, and no network after that. A warning of MkDocs - a link that
# leads nowhere, a page that is in no menu - fails the build, and so does a page that would ask
# another host for anything.
set -eu
cd "$(dirname "$0")/.."

VENV=.venvs/docs
INSTALLED="$VENV/voxgate-docs.txt"
# Material for MkDocs would print its makers' opinion on MkDocs 2 at every build.
export NO_MKDOCS_2_WARNING=1

give_up() {
    echo "docs: what builds the site could not be installed; the reason stands above. It comes from a" >&2
    echo "docs: package index, the first time and when requirements/*.txt change: is one in reach?" >&2
    exit 1
}

install_mkdocs() {
    cmp -s requirements/docs.txt "$INSTALLED" && return
    echo "docs: installing MkDocs into $VENV"
    if command -v uv >/dev/null && [ -z "${VOXGATE_NO_UV-}" ]; then
        uv pip install --quiet --python "$VENV/bin/python" --no-deps --require-hashes \
            --requirement requirements/docs.txt || return
    else
        "$VENV/bin/python" -m pip --disable-pip-version-check install -qq --no-deps \
            --require-hashes --requirement requirements/docs.txt || return
    fi
    cp requirements/docs.txt "$INSTALLED"
}

before=$(cat "$VENV/voxgate-setup.json" 2>/dev/null || true)
sh tools/setup.sh --venv "$VENV" || give_up
# Setting the environment up anew may take away what is not in the lock.
[ "$before" = "$(cat "$VENV/voxgate-setup.json")" ] || rm -f "$INSTALLED"
install_mkdocs || give_up

if [ "${1-}" = serve ]; then
    exec "$VENV/bin/mkdocs" serve --no-strict
fi
# Not --quiet: what is not told is not counted, and then no warning would fail the build.
"$VENV/bin/mkdocs" build --strict
"$VENV/bin/python" tools/check_site.py out/site
