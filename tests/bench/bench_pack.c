/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench_pack LOG... - what packing a journal (keep = trajectory) gains and takes: bytes before over
 * bytes after, and MB/s of the journal for packing, reading back, and unpacking.  Makes its files
 * beside each log, and removes them.
 */
#include "adapters/iwlog/packlog.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double
now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double
bytes_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (double)info.st_size : 0;
}

static iw_status
measure(const char *log, const char *packed, const char *back, iw_error *err)
{
    uint64_t lost = 0;
    double start = now_s();
    iw_status status = iw_packlog_pack(log, packed, NULL, err);
    double pack_s = now_s() - start;
    start = now_s();
    if (status == IW_OK)
        status = iw_packlog_verify(log, packed, NULL, err);
    double verify_s = now_s() - start;
    start = now_s();
    if (status == IW_OK)
        status = iw_packlog_unpack(packed, back, NULL, &lost, err);
    double unpack_s = now_s() - start;
    double mb = bytes_of(log) / 1e6;
    if (status == IW_OK)
        (void)printf("%-30.30s %9.2f %9.2f %7.3f %8.0f %8.0f %8.0f\n", log, mb,
                     bytes_of(packed) / 1e6, mb / (bytes_of(packed) / 1e6), mb / pack_s,
                     mb / verify_s, mb / unpack_s);
    return status;
}

int
main(int argc, char **argv)
{
    int failed = argc < 2;
    (void)printf("%-30s %9s %9s %7s %8s %8s %8s\n", "log", "MB", "packed MB", "ratio", "pack MB/s",
                 "check", "unpack");
    for (int i = 1; i < argc; i++) {
        char packed[4096];
        char back[4096];
        iw_error err = {0};
        (void)snprintf(packed, sizeof packed, "%s.bench-packed", argv[i]);
        (void)snprintf(back, sizeof back, "%s.bench-plain", argv[i]);
        if (measure(argv[i], packed, back, &err) != IW_OK) {
            (void)fprintf(stderr, "bench_pack: %s\n", err.text);
            failed = 1;
        }
        (void)unlink(packed);
        (void)unlink(back);
    }
    return failed;
}
