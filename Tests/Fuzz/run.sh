#!/bin/sh
# Fuzzes what reads bytes from outside: `Tests/Fuzz/run.sh SECONDS [TARGET...]`, so many seconds for each target, two at
# a time.
#
# Starts from the cases of the unit tests and from what once failed, keeps what it learns in .build-fuzz/ and leaves
# bytes that fail in Failures/<Target>, which the unit tests replay.
set -eu
# Swift's own backtraces would keep libFuzzer from saving the bytes.
export SWIFT_BACKTRACE=enable=no
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/.build-fuzz"

rm -rf "$work/Sources"
mkdir -p "$work/Sources/MartletNet" "$work/Sources/MartletWorkers" "$work/Sources/Martlet"
cp "$here/Package.swift" "$work/Package.swift"
for folder in "$root"/Sources/MartletBase "$root"/Sources/MartletLogic "$root"/Sources/MartletWire "$here"/Sources/*; do
    ln -s "$folder" "$work/Sources/$(basename "$folder")"
done
# Of these rooms only what reads bytes, so that nothing has to be built that opens sockets.
ln -s "$root/Sources/MartletNet/Client/HTTPURL.swift" "$root/Sources/MartletNet/Sockets/AddressRange.swift" \
    "$work/Sources/MartletNet"
ln -s "$root/Sources/MartletWorkers/BackendSpec.swift" "$work/Sources/MartletWorkers"
ln -s "$root/Sources/Martlet/Configuration" "$work/Sources/Martlet"

python3 "$here/seeds.py" "$work/Corpus"
swift build --package-path "$work" -c release -j 2
[ $# -gt 0 ] ||
    set -- RequestFuzz ResponseFuzz ChunkFuzz HeaderFuzz EventFuzz PeekFuzz TextFuzz AddressFuzz ConfigurationFuzz

fuzz() {
    mkdir -p "$here/Failures/$1" "$work/Corpus/$1"
    "$work/.build/release/$1" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
        -verbosity=0 -print_final_stats=1 -artifact_prefix="$here/Failures/$1/" \
        "$work/Corpus/$1" "$here/Failures/$1" >"$work/$1.log" 2>&1 ||
        {
            tail -n 40 "$work/$1.log"
            echo "$1 failed; its bytes are in Tests/Fuzz/Failures/$1"
            return 1
        }
    echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log") inputs in $seconds seconds"
}

failed=0
while [ $# -gt 0 ]; do
    fuzz "$1" &
    first=$!
    shift
    if [ $# -gt 0 ]; then
        fuzz "$1" || failed=1
        shift
    fi
    wait "$first" || failed=1
done
exit "$failed"
