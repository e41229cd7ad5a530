#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# bench_lammps.sh [STEPS [ROUNDS]] - what the fix costs a LAMMPS run of 324 atoms, every step.
#
# The same run (CaF2, 1600 K) in several variants that take turns: bare; with compute msd and compute
# vacf, both evaluated every step; with the fix, to a daemon, to a file, and with nobody to hear it;
# with dump custom.  A variant's time is what LAMMPS' main thread spends in its sections Modify and
# Output, taken from pieces of 125 steps, so that the median over pieces and rounds leaves out those
# in which something else had the processor; its cost is that less the bare run's.  The whole step
# (wall) holds what other threads and programs take on a busy machine.  Bounds, shown and not
# enforced: the fix at most twice the computes, and at most a twentieth of the dump.
set -euo pipefail
steps=${1:-1500} rounds=${2:-5}
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

variants=(bare computes computes_file fix_file fix_alone dump)
if [ -x "$build/ionwatchd" ]; then
    variants=(bare computes computes_file fix_daemon fix_file fix_alone dump)
    "$build/ionwatchd" --listen "ipc://$folder/iw.sock" --data "$folder/data" \
        --db "sqlite:///$folder/runs.sqlite" --http off >daemon.log 2>&1 &
    daemon=$!
    for _ in $(seq 100); do
        [ -S "$folder/iw.sock" ] && break
        sleep 0.1
    done
fi

# lines VARIANT: what its input has beyond the bare one.
lines()
{
    local both='compute m all msd
compute c all vacf
fix f all ave/time 1 1 1 c_m[4] c_c[4]'
    local fix="include $build/lammps/ionwatch.lmp
fix iw all ionwatch 1 species Ca F spool $folder endpoint"
    case $1 in
    bare) ;;
    computes) echo "$both" ;;
    computes_file) echo "$both file msd.txt" ;;
    fix_daemon) echo "$fix ipc://$folder/iw.sock" ;;
    fix_file) echo "$fix file://$folder/frames.iwlog" ;;
    fix_alone) echo "$fix ipc://$folder/nobody.sock" ;;
    dump) echo "dump d all custom 1 run.lammpstrj id type x y z vx vy vz" ;;
    esac
}

# Lines "variant section loop" in microseconds a step, one a piece.
measure()
{
    {
        echo "include start.lmp"
        lines "$1"
        for _ in $(seq $(((steps + 124) / 125))); do echo "run 125"; done
    } >"in.$1"
    lmp -in "in.$1" -v nequ 20 -log "log.$1" >/dev/null
    awk -v name="$1" 'BEGIN { FS = "|" }
        /^Loop time/ { split($0, word, " "); loop = word[4]; steps = word[9] }
        /^Modify/ { modify = $3 }
        /^Output/ { output = $3 }
        /^Other/ && pieces++ {  # the first piece is the start
            printf "%s %.3f %.3f\n", name, (modify + output) / steps * 1e6, loop / steps * 1e6
        }' "log.$1" >>times.txt
    rm -f run.lammpstrj frames.iwlog msd.txt ./*.spool
}

for _ in $(seq "$rounds"); do
    for variant in "${variants[@]}"; do
        measure "$variant"
    done
done

awk -v steps="$steps" -v rounds="$rounds" '
    function quantile(name, what, share,    n) {
        n = count[name]
        return sorted[name, what, int(share * (n - 1) + 1.5)]
    }
    function sort(name, what,    i, j, t) {
        for (i = 1; i <= count[name]; i++) {
            t = value[name, what, i]
            for (j = i; j > 1 && sorted[name, what, j - 1] > t; j--)
                sorted[name, what, j] = sorted[name, what, j - 1]
            sorted[name, what, j] = t
        }
    }
    function row(name, text,    bare) {
        if (!count[name]) return
        sort(name, "section"); sort(name, "loop")
        bare = quantile("bare", "section", 0.5)
        us[name] = quantile(name, "section", 0.5) - bare
        printf "%-34s %9.1f %9.1f %9.1f %10.0f\n", text, us[name], quantile(name, "section", 0.25) - bare,
            quantile(name, "section", 0.75) - bare, quantile(name, "loop", 0.5)
    }
    function ratio(name, text) {
        if (name in us)
            printf "%-34s %6.2f (bound 2)  %8.4f (bound 0.05)\n", text, us[name] / us["computes"], us[name] / us["dump"]
    }
    { n = ++count[$1]; value[$1, "section", n] = $2; value[$1, "loop", n] = $3 }
    END {
        printf "LAMMPS, 324 atoms, every step, %d steps, %d rounds; us a step\n", steps, rounds
        printf "%-34s %9s %9s %9s %10s\n", "", "median", "quartile", "quartile", "whole step"
        row("bare", "bare run")
        row("computes", "compute msd + compute vacf")
        row("computes_file", "the same, written to a file")
        row("fix_daemon", "fix ionwatch to a daemon")
        row("fix_file", "fix ionwatch to a file")
        row("fix_alone", "fix ionwatch, no daemon")
        row("dump", "dump custom")
        printf "\n%-34s %16s  %23s\n", "ratios", "over computes", "over dump"
        ratio("fix_daemon", "fix ionwatch to a daemon")
        ratio("fix_file", "fix ionwatch to a file")
        ratio("fix_alone", "fix ionwatch, no daemon")
    }' times.txt
