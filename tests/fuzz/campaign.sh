#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# campaign.sh - runs the fuzz targets and adds up what they did.
#
#   campaign.sh [--runs N] [--seconds S] [--build DIR] [TARGET...]
#   campaign.sh --minimise [--build DIR] [TARGET...]
#   campaign.sh --table [--build DIR]
#
# Builds the preset "fuzz" (clang, libFuzzer, ASan, UBSan) in DIR (default: build-fuzz), gives each target (default: all)
# N executions or S seconds, whichever ends first (default: 60 s), and prints a table of all that was run in DIR so far.
# Exit code 1 if any input crashed, hung (20 s) or took too much memory (512 MiB, or 256 MiB at once): it is kept in
# DIR/campaign/crash.  What was found to reach new code stays in DIR/campaign/TARGET for the next time; --minimise puts
# a small choice of it, which reaches the same code, into the corpus that is run as a test in every build.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
build=$source/build-fuzz runs=-1 seconds=60 what=run
while [ $# -gt 0 ]; do
    case $1 in
    --runs) runs=$2 seconds=0 && shift ;;
    --seconds) seconds=$2 && shift ;;
    --build) build=$2 && shift ;;
    --minimise) what=minimise ;;
    --table) what=table ;;
    -*) sed -n '3,15s/^# \{0,1\}//p' "$0" && exit 2 ;;
    *) break ;;
    esac
    shift
done
export ASAN_OPTIONS=quarantine_size_mb=16:${ASAN_OPTIONS:-}
work=$build/campaign totals=$build/campaign/totals
mkdir -p "$work/crash"
touch "$totals"

column()
{
    awk -v at="$1" -v name="$2" '$1 == name { print $at }' "$build/fuzz-targets"
}

print_table()
{
    awk 'BEGIN { format = "%-12s %14s %10s %8s %8s\n"; printf format, "target", "executions", "exec/s", "edges", "crashes" }
        { if (!($1 in n)) order[++targets] = $1
          n[$1] += $2; s[$1] += $3; edges[$1] = $4; bad[$1] += $5; all += $2; time += $3; crashes += $5 }
        END { for (i = 1; i <= targets; i++) { t = order[i]
                  printf format, t, n[t], sprintf("%d", n[t] / (s[t] ? s[t] : 1)), edges[t], bad[t] }
              printf format, "all", all, sprintf("%d", all / (time ? time : 1)), "", crashes + 0 }' "$totals"
}

fuzz()
{
    local name=$1 max_len=$2 dict=() start failed=0 log=$work/$1.log
    [ ! -f "$here/dict/$name" ] || dict=("-dict=$here/dict/$name")
    mkdir -p "$work/$name"
    start=$(date +%s.%N)
    "$build/fuzz_$name" "$work/$name" "$here/corpus/$name" "${dict[@]}" -runs="$runs" -max_total_time="$seconds" \
        -max_len="$max_len" -rss_limit_mb=512 -malloc_limit_mb=256 -timeout=20 -print_final_stats=1 \
        -artifact_prefix="$work/crash/$name-" >"$log" 2>&1 || failed=1
    awk -v name="$name" -v failed=$failed -v time="$(echo "$(date +%s.%N) - $start" | bc)" '
        /number_of_executed_units/ { n = $2 }
        / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") edges = $(i + 1) }
        END { print name, n + 0, time, edges + 0, failed }' "$log" >>"$totals"
    if [ $failed = 1 ]; then
        echo "$name: $(grep -m1 -E 'ERROR: |runtime error|SUMMARY' "$log" || tail -n 1 "$log")"
    fi
    return $failed
}

# A few inputs that together reach all that the whole corpus reaches, the most telling first.
minimise()
{
    local name=$1 most=$2 control=$work/$1.merge
    rm -rf "$control" "$work/$name.fresh"
    mkdir -p "$work/$name" "$work/$name.fresh"
    "$build/fuzz_$name" -merge=1 -merge_control_file="$control" "$work/$name.fresh" "$here/corpus/$name" "$work/$name" \
        >"$work/$name.log" 2>&1 || return 1
    rm -rf "$work/$name.fresh"
    python3 "$here/choose.py" "$control" "$here/corpus/$name" "$most"
}

if [ $what != table ]; then
    [ -f "$build/CMakeCache.txt" ] || (cd "$source" && cmake --preset fuzz -B "$build" >/dev/null)
    if [ $# = 0 ]; then
        mapfile -t all < <(cut -d' ' -f1 "$build/fuzz-targets")
        set -- "${all[@]}"
    fi
    cmake --build "$build" -j "${JOBS:-2}" --target "${@/#/fuzz_}" >"$work/build.log" || { tail "$work/build.log"; exit 1; }
fi
status=0
for name; do
    case $what in
    run) fuzz "$name" "$(column 2 "$name")" || status=1 ;;
    minimise) minimise "$name" "$(column 3 "$name")" || { echo "$name: the corpus could not be merged"; status=1; } ;;
    esac
done
print_table
exit $status
