#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# bench_lammps.sh [STEPS [ROUNDS]] - what the fix costs a LAMMPS run of 324 atoms, every step.
#
# Four variants of one run (CaF2, 1600 K) take turns: bare, with compute msd and compute vacf, with
# the fix (to a daemon, or to a file where there is none), with dump custom.  A variant's cost is the
# time in LAMMPS' sections Modify and Output over that of the bare run; medians over the rounds.
# Bounds: the fix at most twice the computes, and at most a twentieth of the dump.
set -euo pipefail
steps=${1:-2000} rounds=${2:-5}
build=$(realpath "${IONWATCH_BUILD:-build}")
source=$(realpath "${IONWATCH_SOURCE:-$(dirname "$0")/../..}")
if [ ! -e "$build/lammps/ionwatch.lmp" ] || ! command -v lmp >/dev/null; then
    echo "SKIPPED: no LAMMPS fix in $build"
    exit 77
fi
export OMP_NUM_THREADS=1
folder=$(mktemp -d)
daemon=''
# shellcheck disable=SC2317,SC2329  # the trap calls it
cleanup()
{
    if [ -n "$daemon" ]; then
        kill "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"
sed '/^include/,$d' "$source/adapters/lammps/examples/in.caf2" >start.lmp

endpoint=file://frames.iwlog
if [ -x "$build/ionwatchd" ]; then
    endpoint=ipc://$folder/iw.sock
    "$build/ionwatchd" --listen "$endpoint" --data "$folder/data" --db "sqlite:///$folder/runs.sqlite" \
        >daemon.log 2>&1 &
    daemon=$!
    sleep 1
fi

# variant NAME LINES: one line "name modify output loop" in microseconds a step.
variant()
{
    printf 'include start.lmp\n%s\nrun %d\n' "$2" "$steps" >"in.$1"
    lmp -in "in.$1" -v nequ 200 -log "log.$1" >/dev/null
    awk -v name="$1" 'BEGIN { FS = "|" }
        /^Loop time/ { split($0, word, " "); loop = word[4]; steps = word[9] }
        /^Modify/ { modify = $3 }
        /^Output/ { output = $3 }
        END { printf "%s %.3f %.3f %.3f\n", name, modify / steps * 1e6, output / steps * 1e6, loop / steps * 1e6 }
        ' "log.$1" >>times.txt
}

for round in $(seq "$rounds"); do
    variant bare ""
    variant computes "compute m all msd
compute c all vacf
fix f all ave/time 1 $steps $steps c_m[4] c_c[4]"
    variant fix "include $build/lammps/ionwatch.lmp
fix iw all ionwatch 1 species Ca F endpoint $endpoint name bench-$round"
    variant dump "dump d all custom 1 run.lammpstrj id type x y z vx vy vz"
    rm -f run.lammpstrj frames.iwlog
done

median()
{
    awk -v name="$1" -v column="$2" '$1 == name { print $column }' times.txt | sort -g |
        awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int((NR + 2) / 2)]) / 2 }'
}
for name in bare computes fix dump; do
    echo "$name $(median $name 2) $(median $name 3) $(median $name 4)"
done | awk -v endpoint="${endpoint%%:*}" -v steps="$steps" -v rounds="$rounds" '
    { modify[$1] = $2; output[$1] = $3; loop[$1] = $4; cost[$1] = $2 + $3 - modify["bare"] - output["bare"] }
    END {
        printf "LAMMPS, 324 atoms, every step, %d steps, median of %d; the fix sends to %s\n", steps, rounds, endpoint
        printf "%-26s %10s %12s\n", "", "us a step", "loop, us"
        printf "%-26s %10s %12.0f\n", "bare run", "-", loop["bare"]
        printf "%-26s %10.1f %12.0f\n", "compute msd, compute vacf", cost["computes"], loop["computes"]
        printf "%-26s %10.1f %12.0f\n", "fix ionwatch", cost["fix"], loop["fix"]
        printf "%-26s %10.1f %12.0f\n", "dump custom", cost["dump"], loop["dump"]
        a = cost["fix"] / cost["computes"]; b = cost["fix"] / cost["dump"]
        printf "fix over computes %.2f (bound 2)   fix over dump %.4f (bound 0.05)\n", a, b
        exit !(a <= 2 && b <= 0.05)
    }'
