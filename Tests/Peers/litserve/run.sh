#!/usr/bin/env bash
# LitServe's own end-to-end tests, unedited: Martlet serves the files that they start. Then what those leave out.
#
#   run.sh PYTHON    a Python with the packages of requirements.txt; MARTLET_TEST_BINARY names the binary
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../../.." && pwd)
python=$1
version=0.2.19
digest=951ee621b9f95888f9fc8d06707247ddf675227aa28d9407b6eb97c69551d3c5
source=$root/.martlet/litserve-$version

# LitServe's package itself is not installed: its source is unpacked for its tests, and only these are run.
if [ ! -d "$source" ]; then
    folder=$(mktemp -d "$root/.martlet/litserve.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --dest "$folder" \
        "litserve==$version"
    echo "$digest  $folder/litserve-$version.tar.gz" | sha256sum --check --quiet
    tar -xzf "$folder/litserve-$version.tar.gz" -C "$folder"
    mv "$folder/litserve-$version" "$source"
fi

export MARTLET_HOME=$root MARTLET_BINARY=${MARTLET_TEST_BINARY:-$root/.build/release/martlet}
# Where `import litserve` finds Martlet's module.
export PYTHONPATH=$root/sdk/python:$root/sdk/python/martlet/compat/path:$here
# They call `python`.
PATH=$(dirname "$python"):$PATH

# Their servers listen on 8000 and 8080: in a network of their own, where this user may have one.
apart=(unshare --user --map-root-user --net sh -c 'ip link set lo up && exec "$@"' sh)
"${apart[@]}" true 2>/dev/null || apart=()

cd "$source"
rm -f client.py
pytest=("$python" -m pytest -q --color=no -p no:cacheprovider -p ended_already
    -o asyncio_default_fixture_loop_scope=function)
"${apart[@]}" "${pytest[@]}" tests/e2e
"${apart[@]}" "${pytest[@]}" "$here"
