#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Proves that test_memory.c makes every allocation in daemon/correlate/ fail: compares the source
# lines that allocate with those on the call stacks of what failed.  Fails where one is missing.
set -eu
source=${IONWATCH_SOURCE:-$(cd "$(dirname "$0")/../../.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$source"
calls='\b(malloc|calloc|realloc|iw_fft_alloc|iw_fft_alloc_raw|fftw_plan_[a-z0-9_]+)\('

# Without optimisation each call is on its own line of code.
cc -std=gnu11 -O0 -g -no-pie -fno-omit-frame-pointer -o "$work/test" \
    -Idaemon -Iplugin -Iinclude -Itests -Itests/unit/correlate "-DIONWATCH_SOURCE_DIR=\"$source\"" \
    tests/unit/correlate/test_memory.c daemon/correlate/*.c daemon/archive.c plugin/error.c plugin/buffer.c \
    -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free,--wrap=iw_fft_get \
    -Wl,--wrap=fftw_plan_dft_r2c_1d,--wrap=fftw_plan_dft_c2r_1d,--wrap=fftw_plan_dft_1d \
    -lcmocka -lfftw3 -lxxhash -lpthread -lm
IONWATCH_SITES=$work/sites "$work/test" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }

# A return address is behind its call: one less is within it.
tr ' ' '\n' < "$work/sites" | grep '^0x' | sort -u | while read -r address; do
    printf '%#x\n' $((address - 1))
done > "$work/addresses"
addr2line -e "$work/test" < "$work/addresses" | sed -n 's|.*/\(daemon/correlate/[a-z_]*\.c:[0-9]*\).*|\1|p' \
    | sort -u > "$work/failed"
grep -nE "$calls" daemon/correlate/*.c | grep -vE ':[0-9]+:(iw_fft_alloc| *\*|/\*)' \
    | sed -E 's/^([^:]*:[0-9]+):.*/\1/' | sort -u > "$work/all"
comm -23 "$work/all" "$work/failed" > "$work/missing"
echo "$(wc -l < "$work/all") lines of daemon/correlate/ allocate, $(wc -l < "$work/missing") of them never failed;" \
    "$(wc -l < "$work/sites") failures in all"
while IFS=: read -r file line; do
    echo "$file:$line: $(sed -n "${line}p" "$file")"
done < "$work/missing"
[ ! -s "$work/missing" ]
