#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The page in a real browser, around a real daemon and real runs; IONWATCH_BUILD is the build folder.
# What the browser is driven with lies in $IONWATCH_BUILD/page/node_modules (tests/run.sh puts it
# there).  Screenshots: $IONWATCH_BUILD/page/screenshots.
set -e
build=$(cd "${IONWATCH_BUILD:-build}" && pwd)
source=$(cd "$(dirname "$0")" && pwd)

skip()
{
    echo "SKIPPED: $1"
    exit 77
}
command -v node >/dev/null || skip "no node (nodejs)"
command -v chromium >/dev/null || skip "no chromium"
[ -x "$build/ionwatchd" ] || skip "$build/ionwatchd was not built"
for file in package.json package-lock.json; do
    cmp -s "$source/$file" "$build/page/$file" ||
        skip "no $build/page/node_modules as $file wants them: bash tests/page/install.sh $build"
done
[ -d "$build/page/node_modules/playwright-core" ] || skip "no $build/page/node_modules: bash tests/page/install.sh $build"
export IONWATCH_BUILD=$build
exec node "$source/page.mjs" "$@"
