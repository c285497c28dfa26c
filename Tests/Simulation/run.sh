#!/bin/sh
# Lives many lives of a pool in simulated time, one for each seed: `Tests/Simulation/run.sh [COUNT] [FIRST]`.
# `Tests/Simulation/run.sh --replay SEED` tells one of them line by line.
#
# Seeds that once failed stand in seeds.txt and are lived each time. SIMULATED_SOURCES names another `Sources` folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
sources=${SIMULATED_SOURCES:-$root/Sources}
work=${SIMULATION_BUILD:-$root/.build-simulation}
mkdir -p "$work/Sources"
cp "$here/Package.swift" "$work/Package.swift"
ln -sfn "$sources/MartletBase" "$work/Sources/MartletBase"
ln -sfn "$sources/MartletLogic" "$work/Sources/MartletLogic"
ln -sfn "$sources/MartletTesting/Simulation" "$work/Sources/Simulation"
ln -sfn "$here/Sources/simulate" "$work/Sources/simulate"
swift build --package-path "$work" -c release --quiet
if [ "${1:-}" = --replay ]; then exec "$work/.build/release/simulate" "$@"; fi
# shellcheck disable=SC2046 # one word for each seed
exec "$work/.build/release/simulate" "${2:-1}" "${1:-20000}" $(sed -n 's/^\([0-9][0-9]*\).*/\1/p' "$here/seeds.txt")
