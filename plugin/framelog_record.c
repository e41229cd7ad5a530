/* SPDX-License-Identifier: BSD-3-Clause */
#include "framelog_record.h"

#define XXH_INLINE_ALL
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

const unsigned char iw_framelog_header[IW_FRAMELOG_HEADER] = {
    'I', 'W', 'L', 'O', 'G', 0, IW_FRAMELOG_VERSION, 0};

enum { CHECKED = 16 }; /* bytes of the head that the checksum covers */

static uint64_t
checksum(const unsigned char *head, const void *data, size_t size)
{
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, head, CHECKED);
    XXH3_64bits_update(&state, data, size);
    return XXH3_64bits_digest(&state);
}

void
iw_framelog_head_fill(unsigned char to[IW_FRAMELOG_HEAD], uint32_t kind, uint64_t seq,
                      const void *data, size_t size)
{
    uint32_t size32 = (uint32_t)size;
    memcpy(to, &size32, 4);
    memcpy(to + 4, &kind, 4);
    memcpy(to + 8, &seq, 8);
    uint64_t sum = checksum(to, data, size);
    memcpy(to + CHECKED, &sum, 8);
}

iw_framelog_head
iw_framelog_head_read(const unsigned char from[IW_FRAMELOG_HEAD])
{
    iw_framelog_head head;
    memcpy(&head.size, from, 4);
    memcpy(&head.kind, from + 4, 4);
    head.marked = (head.kind & IW_FRAMELOG_MARK) != 0;
    head.kind &= ~(uint32_t)IW_FRAMELOG_MARK;
    memcpy(&head.seq, from + 8, 8);
    memcpy(&head.checksum, from + CHECKED, 8);
    return head;
}

bool
iw_framelog_head_plausible(const iw_framelog_head *head)
{
    return head->size <= IW_FRAMELOG_MAX_PAYLOAD && head->kind >= 1 &&
           head->kind <= IW_FRAMELOG_MAX_KIND;
}

bool
iw_framelog_head_matches(const unsigned char from[IW_FRAMELOG_HEAD], const void *data, size_t size)
{
    return checksum(from, data, size) == iw_framelog_head_read(from).checksum;
}

iw_status
iw_framelog_read_at(int fd, void *to, size_t size, uint64_t offset, iw_error *err)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = pread(fd, (char *)to + have, size - have, (off_t)(offset + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return iw_fail_errno(err, "reading %zu bytes at offset %llu", size,
                                 (unsigned long long)offset);
        if (n == 0)
            return iw_fail(err, IW_IO, "the file became shorter: it ends at offset %llu",
                           (unsigned long long)offset + have);
        have += (size_t)n;
    }
    return IW_OK;
}

static iw_status
whole_record_at(const iw_framelog_bytes *from, uint64_t offset, uint64_t end, iw_buffer *scratch,
                bool *whole, iw_error *err)
{
    unsigned char bytes[IW_FRAMELOG_HEAD];
    *whole = false;
    iw_status status = from->read(from->self, bytes, sizeof bytes, offset, err);
    if (status != IW_OK)
        return status;
    iw_framelog_head head = iw_framelog_head_read(bytes);
    if (!iw_framelog_head_plausible(&head) || head.size > end - offset - sizeof bytes)
        return IW_OK;
    status = iw_buffer_reserve(scratch, head.size, err);
    if (status == IW_OK)
        status = from->read(from->self, scratch->data, head.size, offset + sizeof bytes, err);
    if (status == IW_OK)
        *whole = iw_framelog_head_matches(bytes, scratch->data, head.size);
    return status;
}

iw_status
iw_framelog_find(const iw_framelog_bytes *bytes, uint64_t from, uint64_t end, uint64_t *found,
                 iw_error *err)
{
    enum { WINDOW = 1 << 16 };
    unsigned char window[WINDOW];
    iw_buffer scratch = {0};
    iw_status status = IW_OK;
    uint64_t at = from;
    *found = end;
    while (status == IW_OK && *found == end && at < end && end - at >= IW_FRAMELOG_HEAD) {
        size_t size = end - at < WINDOW ? (size_t)(end - at) : WINDOW;
        status = bytes->read(bytes->self, window, size, at, err);
        size_t last = size - IW_FRAMELOG_HEAD;
        for (size_t i = 0; status == IW_OK && *found == end && i <= last; i++) {
            /* Size and kind alone rule out nearly every place. */
            iw_framelog_head head = iw_framelog_head_read(window + i);
            if (!iw_framelog_head_plausible(&head) || head.size > end - at - i - IW_FRAMELOG_HEAD)
                continue;
            bool whole = false;
            status = whole_record_at(bytes, at + i, end, &scratch, &whole, err);
            if (status == IW_OK && whole)
                *found = at + i;
        }
        at += last + 1;
    }
    iw_buffer_fini(&scratch);
    return status;
}

static iw_status
file_read(void *self, void *to, size_t size, uint64_t offset, iw_error *err)
{
    return iw_framelog_read_at(*(const int *)self, to, size, offset, err);
}

static uint64_t
file_size(const void *self)
{
    struct stat info;
    return fstat(*(const int *)self, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

iw_framelog_bytes
iw_framelog_bytes_of(int *fd)
{
    return (iw_framelog_bytes){.self = fd, .read = file_read, .size = file_size};
}
