#!/bin/sh
# Fuzzes the codecs: `Tests/Fuzz/run.sh SECONDS [TARGET...]`, so many seconds for each target.
#
# Starts from the cases of the unit tests and from what once failed, keeps what it learns in .build-fuzz/ and leaves
# bytes that fail in Failures/<Target>, which the unit tests replay. The first failure ends it.
set -eu
# Swift's own backtraces would keep libFuzzer from saving the bytes.
export SWIFT_BACKTRACE=enable=no
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/.build-fuzz"
mkdir -p "$work/Sources"
cp "$here/Package.swift" "$work/Package.swift"
for folder in "$root"/Sources/MartletBase "$root"/Sources/MartletWire "$here"/Sources/*; do
    ln -sfn "$folder" "$work/Sources/$(basename "$folder")"
done
python3 "$here/seeds.py" "$work/Corpus"
swift build --package-path "$work" -c release -j 2
[ $# -gt 0 ] || set -- RequestFuzz ResponseFuzz EventFuzz PeekFuzz
for target in "$@"; do
    mkdir -p "$here/Failures/$target" "$work/Corpus/$target"
    echo "$target, $seconds seconds"
    "$work/.build/release/$target" -max_total_time="$seconds" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
        -verbosity=0 -print_final_stats=1 -artifact_prefix="$here/Failures/$target/" \
        "$work/Corpus/$target" "$here/Failures/$target"
done
