#!/bin/sh
# Compiles the modules on every call's way (tools/compiled.toml) into a wheel for this machine, in
# out/compiled/wheels, and installs it into an environment of its own: `make compile` calls this.
#
# .venvs/compiled/bin/voxgate then does what .venv/bin/voxgate does, with less CPU time. Needs a C
# compiler and the headers of the Python that it is for. Nothing else here needs it.
set -eu
cd "$(dirname "$0")/.."

VENV=.venvs/compiled
WHEELS=out/compiled/wheels

sh tools/setup.sh --venv "$VENV"
"$VENV/bin/python" tools/compiled_wheel.py >&2
rm -rf "$WHEELS"
mkdir -p "$WHEELS"
HATCH_BUILD_HOOK_ENABLE_CUSTOM=true "$VENV/bin/python" -m build --wheel --no-isolation \
    --outdir "$WHEELS" . >out/compiled/wheel.log 2>&1 || {
    if grep -q 'compile: ' out/compiled/wheel.log; then
        sed -n '/compile: /,/^$/p' out/compiled/wheel.log >&2
    else # the build itself broke down
        tail -n 20 out/compiled/wheel.log >&2
    fi
    exit 1
}
# --no-deps: everything else is there, locked.
if command -v uv >/dev/null && [ -z "${VOXGATE_NO_UV-}" ]; then
    uv pip install --quiet --python "$VENV/bin/python" --no-deps --reinstall "$WHEELS"/*.whl
else
    "$VENV/bin/python" -m pip --disable-pip-version-check install -qq --no-deps --no-index \
        --force-reinstall "$WHEELS"/*.whl
fi
echo "compile: $(cd "$WHEELS" && ls) is installed in $VENV"
