#!/bin/sh
# Fuzzes what reads bytes from outside: `Tests/Fuzz/run.sh SECONDS [TARGET...]`, so many seconds for each target, two at
# a time.
#
# Starts from the cases of the unit tests and from what once failed, keeps what it learns in .build-fuzz/Corpus and
# leaves bytes that fail in Failures/<Target>, which the unit tests replay.
#
# With MARTLET_FUZZ_SEED a run of one build repeats: its choices follow from that number and from the first inputs
# alone, not from what earlier runs learned, and it ends after a number of inputs, about as many as there is time for.
set -eu
# Swift's own backtraces would keep libFuzzer from saving the bytes.
export SWIFT_BACKTRACE=enable=no
seconds=${1:?usage: run.sh SECONDS [TARGET...]}
shift
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work="$root/.build-fuzz"

rm -rf "$work/Sources"
for room in Net Exchange Gateway Console Workers Tasks; do mkdir -p "$work/Sources/Martlet$room"; done
mkdir -p "$work/Sources/Martlet"
cp "$here/Package.swift" "$work/Package.swift"
for folder in "$root"/Sources/MartletBase "$root"/Sources/MartletLogic "$root"/Sources/MartletWire "$here"/Sources/*; do
    ln -s "$folder" "$work/Sources/$(basename "$folder")"
done
# Of these rooms only what reads bytes, so that nothing has to be built that opens sockets.
net=$root/Sources/MartletNet
ln -s "$net/Client/HTTPURL.swift" "$net/Client/HTTPReply.swift" "$net/Client/ReplyReader.swift" \
    "$net/Sockets/AddressRange.swift" "$net/Spawn/LineSplitter.swift" "$net/Redis/RedisURL.swift" \
    "$net/Redis/RedisURLReader.swift" "$work/Sources/MartletNet"
ln -s "$root/Sources/MartletExchange/Contract/ResponseHead+Reading.swift" "$work/Sources/MartletExchange"
ln -s "$root/Sources/MartletGateway/HTTP1/ForwardedChain.swift" "$work/Sources/MartletGateway"
ln -s "$root/Sources/MartletConsole/Endpoints/TargetsCommand.swift" "$work/Sources/MartletConsole"
ln -s "$root/Sources/MartletWorkers/BackendSpec.swift" "$work/Sources/MartletWorkers"
tasks=$root/Sources/MartletTasks
ln -s "$tasks/Desk/TaskName.swift" "$tasks/Desk/TaskSubmission.swift" "$tasks/Cron/CronTask.swift" \
    "$work/Sources/MartletTasks"
ln -s "$root/Sources/Martlet/Configuration" "$work/Sources/Martlet"

seed=${MARTLET_FUZZ_SEED:-0}
corpus="$work/Corpus"
if [ "$seed" != 0 ]; then
    corpus="$work/Seeded"
    rm -rf "$corpus"
fi
python3 "$here/seeds.py" "$corpus"
swift build --package-path "$work" -c release -j 2
[ $# -gt 0 ] ||
    set -- RequestFuzz ResponseFuzz ChunkFuzz HeaderFuzz EventFuzz PeekFuzz TextFuzz AddressFuzz ConfigurationFuzz \
        ForwardFuzz ReplyFuzz LineFuzz DeskFuzz WorkerFrameFuzz TensorFuzz CeleryFuzz

# When the target ends. By inputs, the time is only for a machine that is far slower.
bounds() {
    if [ "$seed" = 0 ]; then
        echo "-max_total_time=$seconds"
        return
    fi
    case $1 in
    ConfigurationFuzz) each=500 ;;
    *) each=10000 ;;
    esac
    # Nor does it look again, now and then, at what lies in the folder.
    echo "-runs=$((seconds * each)) -max_total_time=$((seconds * 4)) -reload=0"
}

fuzz() {
    mkdir -p "$here/Failures/$1" "$corpus/$1"
    # shellcheck disable=SC2046
    "$work/.build/release/$1" $(bounds "$1") -seed="$seed" -max_len=4096 -timeout=5 -rss_limit_mb=2048 \
        -verbosity=0 -print_final_stats=1 -artifact_prefix="$here/Failures/$1/" \
        "$corpus/$1" "$here/Failures/$1" >"$work/$1.log" 2>&1 ||
        {
            tail -n 40 "$work/$1.log"
            echo "$1 failed; its bytes are in Tests/Fuzz/Failures/$1"
            return 1
        }
    echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$1.log") inputs"
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
