#!/bin/sh
# Runs tests/browser in headless Chromium, in an environment of its own: `make test-browser` calls
# this; its arguments are more words for pytest.
#
# Chromium is the one that VOXGATE_CHROMIUM names, or that is on the PATH; for root, Debian's is
# installed where there is none. Where the browser or the packages can't be had, this says what is
# missing and that the tests were skipped, and that is no failure.
set -eu
cd "$(dirname "$0")/.."

VENV=.venvs/browser

skip() {
    echo "test-browser: skipped: $1"
    exit 0
}

find_chromium() {
    for name in ${VOXGATE_CHROMIUM:+"$VOXGATE_CHROMIUM"} chromium chromium-browser google-chrome; do
        command -v "$name" && return
    done
    return 1
}

install_chromium() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "test-browser: installing the package chromium"
    apt-get update --quiet=2 >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends chromium >/dev/null 2>&1
}

install_playwright() {
    if command -v uv >/dev/null && [ -z "${VOXGATE_NO_UV-}" ]; then
        uv pip install --quiet --python "$VENV/bin/python" --no-deps --require-hashes \
            --requirement requirements/browser.txt
    else
        "$VENV/bin/python" -m pip --disable-pip-version-check install -qq --no-deps \
            --require-hashes --requirement requirements/browser.txt
    fi
}

if ! chromium=$(find_chromium) && ! { install_chromium && chromium=$(find_chromium); }; then
    skip "no Chromium: install Debian's package chromium, or name one in VOXGATE_CHROMIUM"
fi
sh tools/setup.sh --venv "$VENV" || skip "the locked packages can't be installed into $VENV"
install_playwright || skip "the packages of requirements/browser.txt can't be installed into $VENV"

echo "test-browser: $("$chromium" --version 2>/dev/null)"
CHROMIUM_PATH="$chromium" exec "$VENV/bin/python" -m pytest tests/browser "$@"
