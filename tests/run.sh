#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Everything there is to test: installs what is missing, builds, runs the unit tests under sanitizers
# and then every test.  The last lines are ctest's own.  Set IONWATCH_NO_SANITIZE=1 to leave out the
# first half.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=docs/packages.sh
. docs/packages.sh
iw_install "${IW_BUILD_PACKAGES[@]}" "${IW_TEST_PACKAGES[@]}"

jobs=$(getconf _NPROCESSORS_ONLN)
generator=()
command -v ninja >/dev/null && generator=(-G Ninja)
export OMP_NUM_THREADS=1

# build FOLDER OPTION...: a folder that was configured before keeps its generator.
build()
{
    local folder=$1
    shift
    [ -e "$folder/CMakeCache.txt" ] || set -- "${generator[@]}" "$@"
    iw_quietly "configuring $folder" cmake -S . -B "$folder" "$@"
    iw_quietly "building $folder" cmake --build "$folder" -j "$jobs"
}

if [ -z "${IONWATCH_NO_SANITIZE:-}" ]; then
    build build-asan -DBUILD_TESTING=ON -DIONWATCH_SANITIZE=address,undefined -DIONWATCH_LAMMPS=OFF
    iw_quietly "unit tests under address and undefined-behaviour sanitizers" \
        ctest --test-dir build-asan -L unit -j "$jobs" --output-on-failure
    echo "unit tests under sanitizers: passed"
fi
build build -DBUILD_TESTING=ON # the quickstart builds without
iw_quietly "installing what drives the browser" bash tests/page/install.sh build
# Most tests of whole programs wait more than they work.
exec ctest --test-dir build --no-tests=error -j "$((jobs + 2))" --output-on-failure
