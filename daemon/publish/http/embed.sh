#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# embed.sh OUT NAME=FILE... - writes a C file with the bytes of each FILE, as they are and by gzip.
set -eu
out=$1
shift

bytes()
{
    od -An -v -tu1 | sed 's/  */,/g; s/^,//; s/$/,/'
}

{
    echo '#include "publish/http/asset.h"'
    n=0
    rows=
    for pair in "$@"; do
        name=${pair%%=*}
        file=${pair#*=}
        echo "static const unsigned char plain_${n}[] = {"
        bytes <"$file"
        echo "};"
        echo "static const unsigned char packed_${n}[] = {"
        gzip -9n <"$file" | bytes
        echo "};"
        rows="$rows    {\"$name\", plain_${n}, packed_${n}, sizeof plain_${n}, sizeof packed_${n}},
"
        n=$((n + 1))
    done
    echo "const iw_asset iw_assets[] = {"
    printf '%s' "$rows"
    echo "    {0, 0, 0, 0, 0},"
    echo "};"
} >"$out.new"
mv "$out.new" "$out"
