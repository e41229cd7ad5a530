#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lint.sh WHAT: one lint over the files of the tree; prints what is wrong and where.
set -uo pipefail
cd "${IONWATCH_SOURCE:-$(dirname "$0")/../..}" || exit 1
build=${IONWATCH_BUILD:-build}

# files PATTERN...: tracked and new files, or all of them outside a repository.
files()
{
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- "$@" | while read -r path; do
            if [ -e "$path" ]; then echo "$path"; fi
        done
    else
        local pattern names=()
        for pattern in "$@"; do names+=(-o -name "$pattern"); done
        find . -path './build*' -prune -o -type f \( "${names[@]:1}" \) -print | sed 's|^\./||'
    fi
}

need()
{
    if ! command -v "$1" >/dev/null; then
        echo "SKIPPED: $1 is not installed"
        exit 77
    fi
}

case ${1:-} in
format)
    need clang-format
    files '*.c' '*.h' '*.cpp' | xargs clang-format --dry-run -Werror
    ;;
spdx)
    # Adapters and the client are BSD so that any code may carry them, the LAMMPS fix follows LAMMPS,
    # everything else is GPL 3.  Build files and scripts may have either of the project's two.
    status=0
    while read -r path; do
        case $path in
        adapters/lammps/fix_* | adapters/lammps/register.cpp | adapters/lammps/fmt/*) want='GPL-2\.0-only' ;;
        include/* | plugin/* | adapters/*) want='BSD-3-Clause' ;;
        daemon/* | tests/*) want='GPL-3\.0-or-later' ;;
        *) want='(BSD-3-Clause|GPL-3\.0-or-later)' ;;
        esac
        case $path in
        *CMakeLists.txt) want='(BSD-3-Clause|GPL-3\.0-or-later)' ;;
        esac
        if ! head -n 2 "$path" | grep -Eq "SPDX-License-Identifier: $want( |\$)"; then
            echo "$path: the first or second line should read SPDX-License-Identifier: ${want//\\/}"
            status=1
        fi
    done < <(files '*.c' '*.h' '*.cpp' '*.py' '*.sh' '*CMakeLists.txt')
    exit $status
    ;;
size)
    long=$(files '*.c' '*.h' '*.cpp' '*.py' '*.sh' | xargs wc -l | awk '$2 != "total" && $1 > 700')
    if [ -n "$long" ]; then
        echo "more than 700 lines; each should be two files:"
        echo "$long"
        exit 1
    fi
    ;;
shell)
    need shellcheck
    files '*.sh' .ci/run | xargs shellcheck -x -s bash
    ;;
man)
    need mandoc
    status=0
    for page in $(files '*.1' '*.3' '*.5' '*.7' '*.8'); do
        mandoc -T lint -W warning "$page" || status=1
    done
    exit $status
    ;;
cppcheck)
    need cppcheck
    files 'include/*.h' 'plugin/*.c' 'adapters/*.c' 'daemon/*.c' |
        xargs nice cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
            --error-exitcode=1 --suppress=missingIncludeSystem -j "$(getconf _NPROCESSORS_ONLN)" -I . -I include -I plugin -I daemon \
            -D__GNUC__ -D_GNU_SOURCE '-DIONWATCH_VERSION="0"'
    ;;
tidy)
    need clang-tidy
    if [ ! -e "$build/compile_commands.json" ]; then
        echo "SKIPPED: no $build/compile_commands.json"
        exit 77
    fi
    # Only files that this build compiles have flags to be read with.
    files 'plugin/*.c' 'adapters/*.c' 'daemon/*.c' 'tests/*.c' | while read -r path; do
        if grep -q "\"file\": \".*/$path\"" "$build/compile_commands.json"; then echo "$path"; fi
    done | xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 2 nice clang-tidy --quiet -p "$build" \
        --extra-arg=-Wno-unknown-warning-option 2>/dev/null
    ;;
*)
    echo "usage: lint.sh format|spdx|size|shell|man|cppcheck|tidy"
    exit 2
    ;;
esac
