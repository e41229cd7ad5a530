#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# install.sh BUILD - what the tests of the page drive the browser with, at the versions that the lock
# file names.  Without npm or a network it says so; the tests are then skipped.
set -e
source=$(cd "$(dirname "$0")" && pwd)
folder=${1:-build}/page
mkdir -p "$folder"
if cmp -s "$source/package-lock.json" "$folder/package-lock.json" && [ -d "$folder/node_modules/playwright-core" ]; then
    exit 0
fi
command -v npm >/dev/null || {
    echo "no npm: the tests of the page are skipped"
    exit 0
}
cp "$source/package.json" "$source/package-lock.json" "$folder"
if ! npm ci --prefix "$folder" --no-audit --no-fund --loglevel=error >"$folder/npm.log" 2>&1; then
    rm -f "$folder/package-lock.json"
    tail -n 3 "$folder/npm.log"
    echo "npm could not install: the tests of the page are skipped"
fi
