#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# package.sh programs|pkgconfig|cmake|client - installs the build into a folder of its own, moves it,
# and runs the programs, or builds a consumer, there: what is installed must be found without the build
# tree and must not remember its prefix.  client: of a build without the daemon.
set -euo pipefail
build=${IONWATCH_BUILD:-build}
here=$(cd "$(dirname "$0")" && pwd)
consumer=$here/consumer
if grep -q '^IONWATCH_SANITIZE:STRING=.' "$build/CMakeCache.txt"; then
    echo "SKIPPED: a sanitized library asks its consumers for the sanitizer's runtime"
    exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ "${1:-}" = client ]; then
    build=$folder/build
    if ! { cmake -S "$here/../.." -B "$build" -DIONWATCH_DAEMON=OFF -DIONWATCH_LAMMPS=OFF && cmake --build "$build" -j 2; } \
        >"$folder/build.log" 2>&1; then
        tail -n 40 "$folder/build.log"
        exit 1
    fi
fi
if ! cmake --install "$build" --prefix "$folder/first" >"$folder/install.log" 2>&1; then
    cat "$folder/install.log"
    exit 1
fi
prefix=$folder/moved
mv "$folder/first" "$prefix"
cd "$folder"

case ${1:-} in
programs)
    # With nothing in the environment: the programs find their library, and the pages are where man looks.
    wanted=$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")
    for program in ionwatch ionwatchd; do
        said=$(env -i "$prefix/bin/$program" --version)
        if [[ $said != *"$wanted"* ]]; then
            echo "$program --version says '$said', not $wanted"
            exit 1
        fi
    done
    # What is handed over to Python finds the package that was installed with it.
    said=$(echo '{}' | env -i PATH=/usr/bin "$prefix/bin/ionwatch" plot - msd -o x.png 2>&1) || true
    if [[ $said != *"not the record of a run"* ]]; then
        echo "ionwatch plot says '$said'"
        exit 1
    fi
    for page in man/man1/ionwatch.1 man/man8/ionwatchd.8 doc/ionwatch/landscape.md doc/ionwatch/images/page.png; do
        if [ ! -s "$prefix/share/$page" ]; then
            echo "share/$page is not installed"
            exit 1
        fi
    done
    exit 0
    ;;
pkgconfig | client)
    pc=$(find "$prefix" -name 'ionwatch*.pc' -o -name 'libionwatch*.pc' | head -n 1)
    export PKG_CONFIG_PATH=${pc%/*}
    name=$(basename "$pc" .pc)
    # The words of pkg-config are words.
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -std=c11 "$consumer/main.c" -o consumer $(pkg-config --cflags --libs "$name")
    # The page about adapters shows a whole program: what it prints there is what it does.
    awk '/^```c$/ { code = 1; next } /^```$/ { code = 0 } code' "$here/../../docs/adapters.md" >example.c
    # shellcheck disable=SC2046
    cc -Wall -Wextra -Werror -std=c11 example.c -o example $(pkg-config --cflags --libs "$name") -lm
    library=$(find "$prefix" -name 'libionwatch.so*' | head -n 1)
    IONWATCH_ENDPOINT=file://$folder/example.iwlog LD_LIBRARY_PATH=${library%/*} ./example >example.out
    if ! grep -q '1000 frames' example.out || [ ! -s example.iwlog ]; then
        echo "the example of docs/adapters.md printed:"
        cat example.out
        exit 1
    fi
    version=$(pkg-config --modversion "$name")
    ;;
cmake)
    # CMake finds a package below the prefix it is told, wherever that was when it was installed.
    if ! { cmake -S "$consumer" -B out -DCMAKE_PREFIX_PATH="$prefix" && cmake --build out; } \
        >cmake.log 2>&1; then
        cat cmake.log
        exit 1
    fi
    cp out/consumer consumer
    version=$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")/\1/p' \
        "$(find "$prefix" -name 'ionwatch-config-version.cmake' -o -name 'ionwatchConfigVersion.cmake' | head -n 1)")
    ;;
*)
    echo "usage: package.sh programs|pkgconfig|cmake|client"
    exit 2
    ;;
esac

library=$(find "$prefix" -name 'libionwatch.so*' | head -n 1)
LD_LIBRARY_PATH=${library%/*} ./consumer "file://$folder/frames.iwlog" "$version"
if [ ! -s frames.iwlog ]; then
    echo "the consumer sent a frame and no file was written"
    exit 1
fi
