#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# quickstart.sh - from a fresh checkout to the diffusion coefficient of a superionic conductor.
# Installs what is missing, builds into ./build, starts a daemon, runs LAMMPS on CaF2 at 1600 K,
# shows D of fluorine converging, stops the run at a relative error of 10 %, and prints the row that
# was filed.  Asks nothing; Ctrl-C ends all that it started; can be run again and again.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=docs/packages.sh
. docs/packages.sh

iw_install "${IW_BUILD_PACKAGES[@]}"

echo "building into $PWD/build"
if [ ! -e build/CMakeCache.txt ]; then
    generator=()
    command -v ninja >/dev/null && generator=(-G Ninja)
    iw_quietly "configuring" cmake -S . -B build "${generator[@]}" -DBUILD_TESTING=OFF
fi
iw_quietly "building" cmake --build build -j "$(getconf _NPROCESSORS_ONLN)" \
    --target ionwatchd --target iw_cli --target ionwatchplugin

folder=$PWD/build/quickstart
database=sqlite:///$folder/runs.sqlite
mkdir -p "$folder/data" "$folder/run"
sockets=$(mktemp -d "${TMPDIR:-/tmp}/ionwatch-XXXXXX") # a socket's path may have 107 characters
export IONWATCH_ENDPOINT=ipc://$sockets/daemon.sock
export OMP_NUM_THREADS=1
daemon='' run='' watch=''

cleanup()
{
    trap - EXIT INT TERM
    local process
    for process in $watch $run $daemon; do
        kill "$process" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$sockets"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# within SECONDS COMMAND...: true as soon as the command is.
within()
{
    local tries=$(($1 * 5))
    shift
    while [ $tries -gt 0 ]; do
        if "$@" >/dev/null 2>&1; then return 0; fi
        tries=$((tries - 1))
        sleep 0.2
    done
    return 1
}

build/ionwatchd --listen "$IONWATCH_ENDPOINT" --data "$folder/data" --db "$database" \
    >"$folder/daemon.log" 2>&1 &
daemon=$!
if ! within 10 build/ionwatch ls; then
    cat "$folder/daemon.log"
    echo "the daemon does not answer"
    exit 1
fi

# A fresh run has a fresh id; its name is the same each time.
IONWATCH_RUN_ID=$(cat /proc/sys/kernel/random/uuid)
export IONWATCH_RUN_ID
echo "running LAMMPS: 324 atoms of CaF2 at 1600 K, every second step streamed (log: build/quickstart/run/log.lammps)"
(cd "$folder/run" && exec lmp -in ../../../adapters/lammps/examples/in.caf2 \
    -v ionwatch ../../lammps -log log.lammps >lammps.out 2>&1) &
run=$!
watch_run()
{
    within 60 build/ionwatch show "$IONWATCH_RUN_ID" || return 0
    exec build/ionwatch watch "$IONWATCH_RUN_ID" --interval 5 | cat
}
watch_run &
watch=$!
if ! wait "$run"; then
    tail -n 20 "$folder/run/lammps.out"
    echo "LAMMPS failed"
    exit 1
fi
run=''
# The table ends by itself once the run is filed.
within 20 sh -c "! kill -0 $watch" || kill "$watch" 2>/dev/null || true
watch=''
grep 'ionwatch: the run ends' "$folder/run/log.lammps" || echo "the run came to its last step"
if ! within 30 build/ionwatch db show "$IONWATCH_RUN_ID" --db "$database"; then
    tail -n 20 "$folder/daemon.log"
    echo "the run was not filed"
    exit 1
fi

echo
echo "its record in the database, up to the vibrations:"
build/ionwatch db show "$IONWATCH_RUN_ID" --db "$database" | sed '/^Vibrations/,$d'
build/ionwatch db ls --db "$database" | sed -n "1p;/${IONWATCH_RUN_ID:0:8}/p"
echo
cat <<END
Where everything is:
  build/ionwatch, build/ionwatchd     the programs: build/ionwatch --help
  build/quickstart/runs.sqlite        the database: build/ionwatch db ls --db $database
                                      all numbers of the run: build/ionwatch db show ${IONWATCH_RUN_ID:0:8} --db $database
                                      what one of them means: build/ionwatch explain N_eff
  build/quickstart/data               the daemon's journal of every frame
  build/quickstart/run                LAMMPS' log and the restart that it wrote when it was stopped
  build/quickstart/daemon.log         what the daemon said
  adapters/lammps/examples/in.caf2    the input; the two lines for your own are in adapters/lammps/README.md
  README.md                           what next: installing, your own runs, many materials
END
