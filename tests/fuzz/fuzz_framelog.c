/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a frame log: reading ends, and a writer can go on with it. */
#include "framelog.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
count_records(const char *path)
{
    iw_framelog_record record;
    iw_error err;
    size_t n = 0;
    iw_framelog_reader *reader = iw_framelog_reader_open(path, &err);
    if (!reader)
        return 0;
    iw_status status = IW_OK;
    while (status == IW_OK || status == IW_CORRUPT) {
        status = iw_framelog_next(reader, &record, &err);
        n += status == IW_OK;
    }
    iw_framelog_reader_close(&reader);
    return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    iw_error err;
    int fd = memfd_create("log", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    size_t before = count_records(path);
    iw_framelog_writer *writer = iw_framelog_writer_open(path, NULL, &err);
    if (writer) {
        if (iw_framelog_append(writer, IW_MSG_PING, 1, "x", 1, &err) != IW_OK ||
            iw_framelog_writer_close(&writer, &err) != IW_OK)
            abort();
        /* No whole record was lost, and the new one is there. */
        if (count_records(path) != before + 1)
            abort();
    }
    (void)close(fd);
    return 0;
}
