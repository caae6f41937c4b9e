#!/bin/sh
# Says what voxgate brings with it at run time, `make audit`: a bill of materials in
# out/sbom.cdx.json, licences, known weaknesses. With --strict, what can't be audited is a failure:
# the services of advisories (osv.dev, pypi.org) can't be reached from everywhere.
#
# pip-audit has an environment of its own, from hashed pins: what judges the packages is not among
# them.
set -eu
cd "$(dirname "$0")/.."

VENV=.venvs/audit
INSTALLED="$VENV/voxgate-audit.txt"
SBOM=out/sbom.cdx.json

install_pip_audit() {
    cmp -s requirements/audit.txt "$INSTALLED" && return
    echo "audit: installing pip-audit into $VENV"
    python=$(sh tools/find_python.sh "") || return
    rm -rf "$VENV"
    "$python" -m venv "$VENV" || return
    "$VENV/bin/python" -m pip --disable-pip-version-check install -qq --no-deps --require-hashes \
        --requirement requirements/audit.txt || return
    cp requirements/audit.txt "$INSTALLED"
}

mkdir -p out
if command -v uv >/dev/null && [ -z "${VOXGATE_NO_UV-}" ]; then
    uv export --quiet --frozen --format cyclonedx1.5 --no-dev --all-extras --output-file "$SBOM" \
        >/dev/null
else
    set -- "$@" --sbom "$SBOM"
fi
if install_pip_audit; then
    set -- "$@" --pip-audit "$VENV/bin/pip-audit"
else
    echo "audit: pip-audit could not be installed; the reason stands above" >&2
fi
status=0
.venv/bin/python tools/audit.py "$@" || status=$?
echo "audit: bill of materials: $SBOM"
exit "$status"
