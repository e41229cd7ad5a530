#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# units.sh - the units that are installed: systemd knows every key in them, and finds little that the
# service of the machine could still do.
set -euo pipefail
build=${IONWATCH_BUILD:-build}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
status=0

complain()
{
    echo "$*"
    status=1
}

for manager in system user; do
    unit=$folder/ionwatchd-$manager.service
    sed "s|^ExecStart=[^ ]*/ionwatchd|ExecStart=$(realpath "$build")/ionwatchd|" \
        "$build/daemon/systemd/$manager/ionwatchd.service" >"$unit"
    if command -v systemd-analyze >/dev/null; then
        said=$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -F "ionwatchd-$manager" || true)
        [ -z "$said" ] || complain "$said"
    fi
    # Whoever leaves one of these out should say so here.
    for key in NoNewPrivileges=yes MemoryDenyWriteExecute=yes UMask=0077 LimitCORE=0 LockPersonality=yes \
        RestrictSUIDSGID=yes SystemCallFilter=@system-service SystemCallArchitectures=native; do
        grep -qx "$key" "$unit" || complain "$unit lacks $key"
    done
done

unit=$folder/ionwatchd-system.service
for key in DynamicUser=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes \
    StateDirectory=ionwatch StateDirectoryMode=0700 CapabilityBoundingSet=; do
    grep -qx "$key" "$unit" || complain "$unit lacks $key"
done
if command -v systemd-analyze >/dev/null; then
    level=$(systemd-analyze security --offline=yes --no-pager --threshold=20 "$unit" 2>&1) ||
        complain "${level##*$'\n'}"
    echo "${level##*→ }"
else
    echo "systemd-analyze is not installed: only the keys that must be there were looked for"
fi
exit $status
