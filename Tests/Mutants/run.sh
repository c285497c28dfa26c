#!/bin/bash
# Breaks the program on purpose, one small patch after the other, and runs the tests that must notice:
# `Tests/Mutants/run.sh [PATCH...]`. Fails when a mutant survives, or when a patch no longer applies.
#
# The first line of a patch says what it breaks; patches of MartletLogic are put to the simulation, the others to the
# tests of the exchange. Everything happens in copies, in .build-mutants/.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/.build-mutants
seeds=3000

say() { printf 'mutants: %s\n' "$*"; }

files() { (cd "$1" && find Sources Tests/MartletExchangeTests -type f 2>/dev/null | sort); }

# Only files that differ are written: what did not change is not built again.
copy_sources() {
    local file
    comm -13 <(files "$root") <(files "$work/tree") | while read -r file; do rm "$work/tree/$file"; done
    files "$root" | while read -r file; do
        cmp -s "$root/$file" "$work/tree/$file" || install -D -m 644 "$root/$file" "$work/tree/$file"
    done
}

simulate() {
    SIMULATED_SOURCES=$work/tree/Sources SIMULATION_BUILD=$work/simulation timeout 180 \
        "$root/Tests/Simulation/run.sh" "$seeds"
}

build_exchange() {
    local package=$work/exchange name
    mkdir -p "$package/Sources" "$package/Tests"
    cmp -s "$here/Package.swift" "$package/Package.swift" || cp "$here/Package.swift" "$package/Package.swift"
    for name in CMartlet MartletBase MartletLogic MartletWire MartletNet MartletTelemetry MartletExchange \
        MartletTesting; do
        ln -sfn "$work/tree/Sources/$name" "$package/Sources/$name"
    done
    ln -sfn "$work/tree/Tests/MartletExchangeTests" "$package/Tests/MartletExchangeTests"
    swift build --package-path "$package" --build-tests --quiet
}

test_exchange() {
    timeout 180 swift test --package-path "$work/exchange" --skip-build --quiet
}

# check LOG: runs what must notice. 0: all well; 1: it noticed; 2: it could not be run.
check() {
    local log=$1 status=0
    case $2 in
    simulation)
        simulate >"$log" 2>&1 || status=$?
        [ $status -eq 0 ] && return 0
        # A defect names its seed, or keeps the simulation from ending.
        if grep -q '^seed [0-9]' "$log" || [ $status -eq 124 ]; then return 1; fi
        return 2
        ;;
    exchange)
        build_exchange >"$log" 2>&1 || return 2
        test_exchange >"$log" 2>&1 || return 1
        ;;
    esac
}

noticed_by() { if grep -q '^+++ b/Sources/MartletLogic/' "$1"; then echo simulation; else echo exchange; fi; }

mkdir -p "$work/tree"
[ $# -gt 0 ] || set -- "$here"/patches/*.patch
copy_sources
for tests in $(for patch in "$@"; do noticed_by "$patch"; done | sort -u); do
    say "without a mutant: $tests"
    check "$work/$tests.log" "$tests" || {
        cat "$work/$tests.log"
        say "$tests fails, or cannot be run, before anything is broken"
        exit 1
    }
done

survivors=0
for patch in "$@"; do
    name=$(basename "$patch" .patch)
    tests=$(noticed_by "$patch")
    started=$SECONDS
    copy_sources
    if ! patch --quiet --directory "$work/tree" --strip 1 --fuzz 0 <"$patch"; then
        say "$name: the patch no longer applies"
        survivors=$((survivors + 1))
        continue
    fi
    result=0
    check "$work/$name.log" "$tests" || result=$?
    case $result in
    0)
        say "$name: SURVIVED ($tests)"
        survivors=$((survivors + 1))
        ;;
    1) say "$name: noticed ($tests), $((SECONDS - started)) s" ;;
    *)
        tail -n 20 "$work/$name.log"
        say "$name: could not be built"
        survivors=$((survivors + 1))
        ;;
    esac
done
[ $survivors -eq 0 ] || { say "$survivors of $# were not noticed"; exit 1; }
say "all $# were noticed"
