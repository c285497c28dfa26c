#!/bin/sh
# Compares our reading of the request corpus with h11's.
#
#   run.sh [PYTHON]    a Python that has h11; without one, h11 is installed into .martlet/venv-h11 once
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program="$root/Tests/Differential/h11_differential.py"
[ $# -eq 0 ] || exec "$1" "$program"
venv="$root/.martlet/venv-h11"
if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import h11' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'h11==0.16.0'
fi
exec "$venv/bin/python" "$program"
