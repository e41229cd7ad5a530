#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# postgres.sh - a PostgreSQL server of a test's own, in an empty folder, reached by a Unix socket.
#
#   postgres.sh start FOLDER PID   makes and starts it; prints the folder of its socket.  It ends when
#                                  process PID does, if nobody stops it.  77: PostgreSQL is not installed.
#   postgres.sh restart FOLDER     after a stop, or in one go: connections are cut
#   postgres.sh stop FOLDER        at once
#   postgres.sh kill FOLDER        kill -9, as if the machine had failed
#   postgres.sh standby FOLDER     makes and starts a hot standby of it, reached in FOLDER/standby
#   postgres.sh promote FOLDER     which takes writes from then on
#   postgres.sh remove FOLDER      stops both and removes the folder
set -euo pipefail

bin=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1 || true)
if [ -z "$bin" ] && command -v initdb >/dev/null; then
    bin=$(dirname "$(command -v initdb)")
fi
if [ -z "$bin" ]; then
    echo "PostgreSQL is not installed" >&2
    exit 77
fi
export LC_ALL=C
folder=$2
self=$(realpath "$0")

# PostgreSQL refuses to be root.
as_user()
{
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    else
        setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
    fi
}
user=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
    user=postgres
    id postgres >/dev/null 2>&1 || user=nobody
fi

# Its files are of no use after the test: nothing waits for the disk.
launch() # [FOLDER]
{
    local folder=${1:-$folder}
    as_user "$bin/pg_ctl" start -w -t 30 -D "$folder/data" -l "$folder/log" \
        -o "-F -k $folder -h '' -c max_connections=40 -c shared_buffers=16MB -c max_wal_size=256MB \
            -c full_page_writes=off ${IONWATCH_POSTGRES_OPTIONS:-}" \
        >"$folder/start" 2>&1 </dev/null || {
        cat "$folder/start" "$folder/log" >&2
        return 1
    }
}

case $1 in
start)
    mkdir -p "$folder"
    [ "$(id -u)" -ne 0 ] || chown "$user" "$folder"
    chmod 755 "$folder"
    cd "$folder"
    as_user "$bin/initdb" -D "$folder/data" -U ionwatch -A trust -E UTF8 --locale=C.UTF-8 --no-sync --no-instructions \
        >"$folder/initdb" 2>&1 || { cat "$folder/initdb" >&2; exit 1; }
    launch
    # shellcheck disable=SC2016  # the inner shell expands it
    setsid bash -c 'while kill -0 "$1" 2>/dev/null && [ -d "$3" ]; do sleep 1; done; exec "$2" remove "$3"' \
        watcher "$3" "$self" "$folder" </dev/null >/dev/null 2>&1 &
    echo "$folder"
    ;;
restart)
    as_user "$bin/pg_ctl" stop -m fast -w -D "$folder/data" >/dev/null 2>&1 || true
    launch
    ;;
stop)
    as_user "$bin/pg_ctl" stop -m fast -w -D "$folder/data" >/dev/null 2>&1
    ;;
kill)
    kill -9 "$(head -n 1 "$folder/data/postmaster.pid")"
    for _ in $(seq 100); do # its children follow
        [ -z "$(pgrep -f "postgres: .*$folder" || true)" ] && break
        sleep 0.05
    done
    ;;
standby)
    as_user mkdir -p "$folder/standby"
    cd "$folder"
    as_user "$bin/pg_basebackup" -h "$folder" -U ionwatch -D "$folder/standby/data" -R -X stream -c fast --no-sync
    launch "$folder/standby"
    ;;
promote)
    as_user "$bin/pg_ctl" promote -w -D "$folder/standby/data" >/dev/null
    ;;
remove)
    [ ! -d "$folder/standby" ] || as_user "$bin/pg_ctl" stop -m immediate -w -D "$folder/standby/data" >/dev/null 2>&1 || true
    [ ! -d "$folder" ] || as_user "$bin/pg_ctl" stop -m immediate -w -D "$folder/data" >/dev/null 2>&1 || true
    rm -rf "$folder"
    ;;
*)
    sed -n '3,13s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
