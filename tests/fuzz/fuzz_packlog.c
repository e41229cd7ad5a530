/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fuzz_packlog.c - packed logs.  The first byte chooses what the rest is: a packed log as it lies
 * on disk; the records of one, which get right checksums; the payload of a block; the content of
 * one, which is packed so that it gets past zstd; or any bytes and arrays, which must come back.
 */
#include "adapters/iwlog/packlog.h"
#include "framelog_record.h"
#include "fuzz_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

enum { SMALL = 1 << 16 };

static int
file_of(const char *name, const void *data, size_t size, char path[40])
{
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size))
        abort();
    (void)snprintf(path, 40, "/proc/self/fd/%d", fd);
    return fd;
}

static void
read_all(const char *path)
{
    iw_error err;
    iw_framelog_record record;
    iw_framelog_reader *log = iw_packlog_reader_open(path, &err);
    if (!log)
        return;
    for (int turn = 0; turn < 2; turn++) {
        uint64_t end = 0;
        iw_status status = IW_OK;
        while (status == IW_OK || status == IW_CORRUPT) {
            status = iw_framelog_next(log, &record, &err);
            if (status == IW_OK && record.offset < end)
                abort();
            end = iw_framelog_tell(log);
        }
        iw_framelog_rewind(log);
    }
    iw_framelog_reader_close(&log);
}

/* Records: kind, place and size, then the payload. */
static void
read_records(const uint8_t *data, size_t size)
{
    enum { HEAD = 6 };
    char path[40];
    iw_buffer log = {0};
    (void)iw_buffer_append(&log, iw_framelog_header, sizeof iw_framelog_header, NULL);
    while (size >= HEAD) {
        unsigned char head[IW_FRAMELOG_HEAD];
        uint32_t place;
        size_t payload = data[5];
        memcpy(&place, data + 1, sizeof place);
        payload = payload < size - HEAD ? payload : size - HEAD;
        iw_framelog_head_fill(head, data[0] ? IW_PACKLOG_KIND : IW_MSG_HELLO, place, data + HEAD,
                              payload);
        (void)iw_buffer_append(&log, head, sizeof head, NULL);
        (void)iw_buffer_append(&log, data + HEAD, payload, NULL);
        data += HEAD + payload;
        size -= HEAD + payload;
    }
    int fd = file_of("records", log.data, log.size, path);
    read_all(path);
    (void)close(fd);
    iw_buffer_fini(&log);
}

/* What is accepted fills exactly the bytes that were announced. */
static void
decode(const void *payload, size_t size)
{
    uint64_t total;
    uint32_t bytes;
    iw_packlog_coder *coder = iw_packlog_coder_new(NULL);
    if (!coder)
        abort();
    if (iw_packlog_head(payload, size, &total, &bytes, NULL) == IW_OK && bytes <= SMALL) {
        unsigned char *out = malloc(bytes);
        if (!out)
            abort();
        (void)iw_packlog_decode(coder, payload, size, out, NULL);
        free(out);
    }
    iw_packlog_coder_destroy(&coder);
}

/* order, arrays, then the content. */
static void
decode_content(const uint8_t *data, size_t size)
{
    if (size < 3)
        return;
    const uint32_t arrays = data[1];
    const size_t content = size - 2;
    if (content <= 12 * (size_t)arrays)
        return;
    const uint64_t total = UINT64_MAX;
    const uint32_t head[] = {(uint32_t)(content - 12 * (size_t)arrays), arrays, data[0] % 4U};
    size_t room = IW_PACKLOG_HEAD + ZSTD_compressBound(content);
    unsigned char *payload = malloc(room);
    if (!payload)
        abort();
    memcpy(payload, &total, sizeof total);
    memcpy(payload + sizeof total, head, sizeof head);
    size_t packed =
        ZSTD_compress(payload + IW_PACKLOG_HEAD, room - IW_PACKLOG_HEAD, data + 2, content, 1);
    if (!ZSTD_isError(packed))
        decode(payload, IW_PACKLOG_HEAD + packed);
    free(payload);
}

/* Arrays where the bytes say, as far as they fit, in a block of the rest. */
static void
round_trip(const uint8_t *data, size_t size)
{
    iw_packlog_array arrays[8];
    size_t n = 0;
    size_t end = 0;
    if (size < 17)
        return;
    const uint8_t *bytes = data + 16;
    const size_t room = size - 16;
    for (size_t i = 0; i < 8; i++) {
        const iw_packlog_array next = {(uint32_t)(end + data[2 * i] % 16),
                                       IW_PACKLOG_MIN_WORDS + data[2 * i + 1] / 4U,
                                       data[2 * i + 1] % 4U};
        const size_t after = next.at + (size_t)next.words * (next.lane & 1 ? 4 : 8);
        if (after > room)
            break;
        arrays[n++] = next;
        end = after;
    }
    const void *payload;
    size_t payload_size;
    unsigned char *out = malloc(room);
    iw_packlog_coder *coder = iw_packlog_coder_new(NULL);
    if (!out || !coder ||
        iw_packlog_encode(coder, bytes, room, room, arrays, n, &payload, &payload_size, NULL) !=
            IW_OK ||
        iw_packlog_decode(coder, payload, payload_size, out, NULL) != IW_OK ||
        memcmp(out, bytes, room) != 0)
        abort();
    free(out);
    iw_packlog_coder_destroy(&coder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    if (size == 0)
        return 0;
    int fd = -1;
    switch (data[0] % 5) {
    case 0:
        fd = file_of("packed", data + 1, size - 1, path);
        read_all(path);
        (void)close(fd);
        break;
    case 1:
        decode(data + 1, size - 1);
        break;
    case 2:
        decode_content(data + 1, size - 1);
        break;
    case 3:
        read_records(data + 1, size - 1);
        break;
    default:
        round_trip(data + 1, size - 1);
    }
    return 0;
}
