#!/bin/sh
# Runs tests/haproxy: real engines behind a real HAProxy, with the files of config/haproxy.
# `make test-haproxy` calls this; its arguments are more words for pytest.
#
# HAProxy is the one that VOXGATE_HAPROXY names, or that is on the PATH; for root, Debian's is
# installed where there is none. Where it can't be had, this says so and that the tests were
# skipped, and that is no failure.
set -eu
cd "$(dirname "$0")/.."

skip() {
    echo "test-haproxy: skipped: $1"
    exit 0
}

find_haproxy() {
    for name in ${VOXGATE_HAPROXY:+"$VOXGATE_HAPROXY"} haproxy /usr/sbin/haproxy; do
        command -v "$name" && return
    done
    return 1
}

install_haproxy() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "test-haproxy: installing the package haproxy"
    apt-get update --quiet=2 >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends haproxy >/dev/null 2>&1
}

if ! haproxy=$(find_haproxy) && ! { install_haproxy && haproxy=$(find_haproxy); }; then
    skip "no HAProxy: install Debian's package haproxy, or name one in VOXGATE_HAPROXY"
fi
command -v openssl >/dev/null || skip "no openssl to make a certificate with"

echo "test-haproxy: $("$haproxy" -v | head -n 1)"
HAPROXY_PATH="$haproxy" exec .venv/bin/python -m pytest tests/haproxy "$@"
