#!/bin/sh
# Compares our reading of the request corpus with h11's. Needs python3; installs h11 into .martlet/venv-h11 once.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv="$root/.martlet/venv-h11"
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import h11' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'h11==0.16.0'
fi
exec "$venv/bin/python" "$root/Tests/Differential/h11_differential.py"
