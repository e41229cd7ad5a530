# SPDX-License-Identifier: GPL-3.0-or-later
# packages.sh - the Debian packages that ionwatch needs, and a quiet way to install them.  Sourced.
# shellcheck disable=SC2034  # the lists are for those who source this file

# To build everything, and to run the quickstart.
IW_BUILD_PACKAGES=(
    ca-certificates cmake g++ gcc git make ninja-build pkg-config
    libfftw3-dev libgsl-dev libinih-dev libjansson-dev libjs-dygraphs libmicrohttpd-dev libmsgpack-dev libncurses-dev
    libpq-dev libsodium-dev libsqlite3-dev libsymspg-dev libxxhash-dev
    libzmq3-dev liblzma-dev libzstd-dev zlib1g-dev
    lammps liblammps-dev libopenmpi-dev sqlite3
)
# On top of those, to run every test.
IW_TEST_PACKAGES=(
    chromium clang-format clang-tidy cppcheck curl gfortran libcmocka-dev mandoc openmpi-bin postgresql procps prometheus python3-ase python3-matplotlib python3-numpy
    python3-pandas python3-pip python3-psycopg2 python3-pytest python3-scipy python3-setuptools python3-sklearn python3-wheel shellcheck
    tmux xz-utils zstd
)
# Node.js is often there from elsewhere, and Debian's npm does not go with that one.
command -v npm >/dev/null || IW_TEST_PACKAGES+=(nodejs npm)

# iw_install PACKAGE...: installs those that are missing.  Says nothing when none is, asks nothing,
# and shows apt's own words only when it fails.
iw_install()
{
    local missing=() package log as_root=()
    if ! command -v dpkg-query >/dev/null; then
        echo "This is not a Debian system; what is needed goes by these names there: $*"
        return 0
    fi
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            echo "Packages are missing and this is neither a root shell nor one with a free sudo. Run"
            echo "    apt-get install --no-install-recommends ${missing[*]}"
            return 1
        fi
        as_root=(sudo -n)
    fi
    echo "installing ${#missing[@]} Debian packages: ${missing[*]}"
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y \
            --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 30 "$log"
        echo "installing failed; the whole log is in $log"
        return 1
    fi
    rm -f "$log"
}

# iw_quietly WHAT COMMAND...: runs the command in silence; its last words are shown if it fails.
iw_quietly()
{
    local what=$1 log status=0
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ $status -ne 0 ]; then
        tail -n 60 "$log"
        echo "$what failed; the whole log is in $log"
        return $status
    fi
    rm -f "$log"
}
