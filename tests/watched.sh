#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The kill tests, and the threads of the key gate, watched by ThreadSanitizer, by AddressSanitizer
# with UBSan, and by valgrind: what a daemon that is killed would have said is read from its log.
#
#   tests/watched.sh [thread|address|valgrind]...    all three by default
#
# IONWATCH_KILLS (default 20) and IONWATCH_CUTS (default 20) say how much.
set -e
source=$(cd "$(dirname "$0")/.." && pwd)
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
export IONWATCH_KILLS=${IONWATCH_KILLS:-20} IONWATCH_CUTS=${IONWATCH_CUTS:-20}
tests=(system_daemon_kills system_daemon_faults system_power system_full_disk
    system_security_keys system_security_attack unit_client_memory)
failed=0

build() # FOLDER OPTION...
{
    local folder=$1
    shift
    cmake -S "$source" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DIONWATCH_LAMMPS=OFF "$@" >/dev/null
    cmake --build "$folder" --target "${tests[@]/#/test_}" | tail -n 1
}

# What nobody has anything to say about leaves no file, or an empty one.
judge() # NAME STATUS SECONDS
{
    local said
    said=$(find "$reports" -name "$1*" -size +0 | wc -l)
    echo "$1: exit code $2, $said reports, $3 s"
    find "$reports" -name "$1*" -size +0 -exec head -n 40 {} \; -quit
    [ "$2" -eq 0 ] && [ "$said" -eq 0 ] || failed=1
    rm -f "$reports"/*
}

# Reports have no path: the sanitizers would make its folders before they have begun, by the mkdir of
# tests/system/power/recorder.c.
run() # NAME TEST...
{
    local name=$1 status=0 start=$SECONDS
    shift
    for test in "$@"; do
        (cd "$reports" && "$folder/tests/test_$test") >"$reports/out" 2>&1 || {
            status=$?
            tail -n 30 "$reports/out"
        }
        grep -E "kills of|power cuts" "$reports/out" || true
        judge "$name" $status $((SECONDS - start))
        status=0
        start=$SECONDS
    done
}

[ $# -gt 0 ] || set -- thread address valgrind
for kind in "$@"; do
    case $kind in
    thread)
        folder=$source/build-tsan
        build "$folder" -DIONWATCH_SANITIZE=thread
        export TSAN_OPTIONS="suppressions=$source/tests/tsan.supp:log_path=thread"
        run thread "${tests[@]}"
        ;;
    address)
        folder=$source/build-asan
        build "$folder" -DIONWATCH_SANITIZE=address,undefined
        export ASAN_OPTIONS="verify_asan_link_order=0:log_path=address" UBSAN_OPTIONS="log_path=address"
        run address "${tests[@]}"
        ;;
    valgrind)
        folder=$source/build-valgrind
        build "$folder"
        export IONWATCH_SLOWNESS=20
        export IONWATCH_WRAP="valgrind -q --log-file=$reports/valgrind-%p --error-exitcode=99"
        run valgrind system_daemon_kills
        unset IONWATCH_WRAP IONWATCH_SLOWNESS
        ;;
    *)
        echo "usage: tests/watched.sh [thread|address|valgrind]..."
        exit 2
        ;;
    esac
done
exit $failed
