#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh [--quick] - every benchmark in turn, one table after the other (about a quarter of an hour;
# --quick: fewer rounds and shorter runs, three minutes).  Builds what it needs in IONWATCH_BUILD (build).
# A table that needs something that is not installed says so and is left out.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${IONWATCH_BUILD:-build}
quick=''
case "${1:-}" in
'') ;;
--quick) quick=1 ;;
*)
    echo "usage: tests/bench/run.sh [--quick]" >&2
    exit 2
    ;;
esac
[ -e "$build/CMakeCache.txt" ] || cmake -B "$build" >/dev/null
cmake --build "$build" --parallel "$(nproc)" >/dev/null
failed=0

# table TITLE COMMAND...: 77 means skipped, with the reason in what was printed.
table()
{
    printf '\n== %s\n' "$1"
    shift
    local status=0
    "$@" || status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 77 ]; then
        echo "FAILED with $status: $*"
        failed=1
    fi
}

if [ -n "$quick" ]; then
    correlate=(--frames 16384 --rounds 3) analyze=(--frames 20000 --rounds 1)
    throughput=(--frames 5000 --rounds 1) lammps=(500 1) send=(300 2000)
    latency=(--frames 20000) replicas=(--seeds 4 --ps 4) pages=(--rounds 1 --seconds 1)
else
    correlate=(--long) analyze=() throughput=() lammps=() send=() latency=() replicas=() pages=(--rounds 9 --seconds 1)
fi
table "correlators, live against batch" "$build/tests/bench/bench_correlate" "${correlate[@]}"
table "from a frame to the stop state" "$build/tests/bench/bench_latency" "${latency[@]}"
table "finished files" /usr/bin/python3 tests/bench/bench_analyze.py --build "$build" "${analyze[@]}"
table "through the daemon" "$build/tests/bench/bench_throughput" "${throughput[@]}"
table "a LAMMPS run" env IONWATCH_BUILD="$build" tests/bench/bench_lammps.sh "${lammps[@]}"
table "errors of D against the truth" "$build/tests/calibrate" --quick
table "one frame from an MD code" "$build/tests/bench/bench_send" "${send[@]}"
table "errors of D on real dynamics" /usr/bin/python3 tests/bench/replicas.py --build "$build" "${replicas[@]}"
table "open pages" "$build/tests/bench/bench_pages" "${pages[@]}"
exit "$failed"
