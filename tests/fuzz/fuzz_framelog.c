/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_framelog.c - any bytes as a frame log: reading ends, a writer loses no record in front of
 * the place where it cuts, cuts nothing in front of the last mark, and can go on.  After a first
 * byte of 128 and more the rest are the choices of fuzz_log.h. */
#include "framelog.h"

#include "fuzz_file.h"
#include "fuzz_log.h"
#include "fuzz_target.h"

enum { MOST = 4096 };

typedef struct {
    size_t n;
    uint64_t end[MOST];
    uint64_t last_mark; /* offset of the last record that has one */
} census;

static void
count_records(const char *path, const iw_buffer *bytes, census *found)
{
    iw_framelog_record record;
    iw_error err;
    memset(found, 0, sizeof *found);
    iw_framelog_reader *reader = iw_framelog_reader_open(path, &err);
    if (!reader)
        return;
    iw_status status = IW_OK;
    while (status == IW_OK || status == IW_CORRUPT) {
        status = iw_framelog_next(reader, &record, &err);
        if (status != IW_OK)
            continue;
        if (found->n == MOST)
            abort();
        found->end[found->n++] = iw_framelog_tell(reader);
        if (bytes && iw_framelog_head_read(bytes->data + record.offset).marked)
            found->last_mark = record.offset;
    }
    iw_framelog_reader_close(&reader);
}

static void
run(const iw_buffer *bytes)
{
    static census before, after;
    fuzz_file file;
    iw_error err;
    uint64_t cut = 0;
    fuzz_file_open(&file, bytes->data, bytes->size);
    count_records(file.path, bytes, &before);
    iw_framelog_writer *writer = iw_framelog_writer_open(file.path, &cut, &err);
    if (writer) {
        if (iw_framelog_append(writer, IW_MSG_PING, 1, "x", 1, &err) != IW_OK ||
            iw_framelog_writer_close(&writer, &err) != IW_OK)
            abort();
        uint64_t left = bytes->size - cut;
        size_t kept = 0;
        while (kept < before.n && before.end[kept] <= left)
            kept++;
        count_records(file.path, NULL, &after);
        if (after.n != kept + 1 || before.last_mark > left)
            abort();
    }
    fuzz_file_close(&file);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    iw_buffer bytes = {0};
    if (fuzz_byte(&in) < 128)
        fuzz_append(&bytes, in.at, in.left);
    else
        fuzz_log(&in, &bytes);
    if (bytes.size > 0)
        run(&bytes);
    iw_buffer_fini(&bytes);
    return 0;
}
