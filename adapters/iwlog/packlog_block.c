/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/iwlog/packlog.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* Coordinates are noise in their low bytes: higher levels gain nothing. */
enum { LEVEL = 1, ENTRY = 12, LANES = 4, ORDERS = 3 };

struct iw_packlog_coder {
    ZSTD_CCtx *pack; /* each made when it is first needed */
    ZSTD_DCtx *unpack;
    iw_buffer content; /* before zstd */
    iw_buffer packed[2];
    iw_buffer table; /* of iw_packlog_array, when decoding */
};

/* Both directions go through the same steps; forth tells which. */
typedef struct {
    unsigned char *bytes;  /* of the log */
    unsigned char *stored; /* place in the content */
    bool forth;
} mover;

iw_packlog_coder *
iw_packlog_coder_new(iw_error *err)
{
    iw_packlog_coder *self = calloc(1, sizeof *self);
    if (!self)
        (void)iw_fail(err, IW_NO_MEMORY, "no memory to pack a log");
    return self;
}

void
iw_packlog_coder_destroy(iw_packlog_coder **coder)
{
    iw_packlog_coder *self = *coder;
    if (!self)
        return;
    (void)ZSTD_freeCCtx(self->pack);
    (void)ZSTD_freeDCtx(self->unpack);
    iw_buffer_fini(&self->content);
    iw_buffer_fini(&self->packed[0]);
    iw_buffer_fini(&self->packed[1]);
    iw_buffer_fini(&self->table);
    free(self);
    *coder = NULL;
}

static size_t
width_of(uint32_t lane)
{
    return lane & 1 ? 4 : 8;
}

static void
move_plain(mover *self, size_t at, size_t size)
{
    if (self->forth)
        memcpy(self->stored, self->bytes + at, size);
    else
        memcpy(self->bytes + at, self->stored, size);
    self->stored += size;
}

static void
move_outside(mover *self, size_t size, const iw_packlog_array *arrays, size_t n)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        move_plain(self, at, arrays[i].at - at);
        at = arrays[i].at + arrays[i].words * width_of(arrays[i].lane);
    }
    move_plain(self, at, size - at);
}

/* One array of 64-bit words against those before it; planes are `all` bytes apart. */
#define MOVE_ARRAY(name, word, bits)                                                               \
    static void name(const unsigned char *last, const unsigned char *before, unsigned char *now,   \
                     unsigned char *stored, size_t n, size_t all, bool forth)                      \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            word a = 0, b = 0, value = 0, expected, code = 0;                                      \
            if (last)                                                                              \
                memcpy(&a, last + i * sizeof a, sizeof a);                                         \
            if (before)                                                                            \
                memcpy(&b, before + i * sizeof b, sizeof b);                                       \
            expected = before ? (word)(2 * a - b) : a;                                             \
            if (forth) {                                                                           \
                memcpy(&value, now + i * sizeof value, sizeof value);                              \
                code = (word)(value - expected);                                                   \
                code = (word)((word)(code << 1) ^ (word)(0 - (word)(code >> ((bits)-1))));         \
                for (size_t k = 0; k < sizeof code; k++)                                           \
                    stored[k * all + i] = (unsigned char)(code >> (8 * k));                        \
            } else {                                                                               \
                for (size_t k = 0; k < sizeof code; k++)                                           \
                    code |= (word)((word)stored[k * all + i] << (8 * k));                          \
                code = (word)((word)(code >> 1) ^ (word)(0 - (word)(code & 1)));                   \
                value = (word)(code + expected);                                                   \
                memcpy(now + i * sizeof value, &value, sizeof value);                              \
            }                                                                                      \
        }                                                                                          \
    }

MOVE_ARRAY(move_array_64, uint64_t, 64)
MOVE_ARRAY(move_array_32, uint32_t, 32)

static void
move_lane(mover *self, uint32_t lane, unsigned order, const iw_packlog_array *arrays, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += arrays[i].lane == lane ? arrays[i].words : 0;
    const iw_packlog_array *last = NULL;
    const iw_packlog_array *before = NULL;
    size_t done = 0;
    for (size_t i = 0; i < n; i++) {
        const iw_packlog_array *now = &arrays[i];
        if (now->lane != lane)
            continue;
        if (last && last->words != now->words)
            last = before = NULL;
        const unsigned char *a = last && order > 0 ? self->bytes + last->at : NULL;
        const unsigned char *b = before && order > 1 ? self->bytes + before->at : NULL;
        (lane & 1 ? move_array_32 : move_array_64)(a, b, self->bytes + now->at, self->stored + done,
                                                   now->words, all, self->forth);
        done += now->words;
        before = last;
        last = now;
    }
    self->stored += all * width_of(lane);
}

static void
move_block(mover *self, size_t size, unsigned order, const iw_packlog_array *arrays, size_t n)
{
    move_outside(self, size, arrays, n);
    for (uint32_t lane = 0; lane < LANES; lane++)
        move_lane(self, lane, order, arrays, n);
}

/* The payload with arrays predicted in that way. */
static iw_status
encode_order(iw_packlog_coder *self, const unsigned char *bytes, size_t size, uint64_t total,
             unsigned order, const iw_packlog_array *arrays, size_t n, iw_buffer *out,
             iw_error *err)
{
    if (!self->pack && !(self->pack = ZSTD_createCCtx()))
        return iw_fail(err, IW_NO_MEMORY, "no memory to pack a log");
    size_t content = n * ENTRY + size;
    size_t bound = IW_PACKLOG_HEAD + ZSTD_compressBound(content);
    iw_status status = iw_buffer_reserve(&self->content, content, err);
    if (status == IW_OK)
        status = iw_buffer_reserve(out, bound, err);
    if (status != IW_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        memcpy(self->content.data + i * ENTRY, &arrays[i].at, 4);
        memcpy(self->content.data + i * ENTRY + 4, &arrays[i].words, 4);
        memcpy(self->content.data + i * ENTRY + 8, &arrays[i].lane, 4);
    }
    /* Forth, the bytes of the log are only read. */
    mover move = {(unsigned char *)(uintptr_t)bytes, self->content.data + n * ENTRY, true};
    move_block(&move, size, order, arrays, n);
    const uint32_t numbers[] = {(uint32_t)size, (uint32_t)n, order};
    memcpy(out->data, &total, sizeof total);
    memcpy(out->data + sizeof total, numbers, sizeof numbers);
    size_t packed = ZSTD_compressCCtx(self->pack, out->data + IW_PACKLOG_HEAD,
                                      bound - IW_PACKLOG_HEAD, self->content.data, content, LEVEL);
    if (ZSTD_isError(packed))
        return iw_fail(err, IW_NO_MEMORY, "packing %zu bytes: %s", content,
                       ZSTD_getErrorName(packed));
    out->size = IW_PACKLOG_HEAD + packed;
    return IW_OK;
}

iw_status
iw_packlog_encode(iw_packlog_coder *self, const unsigned char *bytes, size_t size, uint64_t total,
                  const iw_packlog_array *arrays, size_t n_arrays, const void **payload,
                  size_t *payload_size, iw_error *err)
{
    /* Which is better depends on the time between frames, so both are tried. */
    const unsigned orders[2] = {n_arrays ? 1 : 0, 2};
    iw_status status = IW_OK;
    for (size_t i = 0; i < (n_arrays ? 2 : 1) && status == IW_OK; i++)
        status = encode_order(self, bytes, size, total, orders[i], arrays, n_arrays,
                              &self->packed[i], err);
    const iw_buffer *best = &self->packed[0];
    if (n_arrays && self->packed[1].size < best->size)
        best = &self->packed[1];
    *payload = best->data;
    *payload_size = best->size;
    return status;
}

iw_status
iw_packlog_head(const void *payload, size_t payload_size, uint64_t *total, uint32_t *size,
                iw_error *err)
{
    uint32_t numbers[3] = {0};
    *total = *size = 0;
    if (payload_size < IW_PACKLOG_HEAD)
        return iw_fail(err, IW_CORRUPT, "a block of %zu bytes lacks its head", payload_size);
    memcpy(total, payload, sizeof *total);
    memcpy(numbers, (const unsigned char *)payload + sizeof *total, sizeof numbers);
    *size = numbers[0];
    if (*size == 0 || *size > IW_PACKLOG_BLOCK || *size > *total ||
        numbers[1] > *size / (4 * IW_PACKLOG_MIN_WORDS) || numbers[2] >= ORDERS)
        return iw_fail(err, IW_CORRUPT,
                       "a block of %u bytes, %u arrays and order %u is not possible", *size,
                       numbers[1], numbers[2]);
    return IW_OK;
}

/* The table of arrays; nothing in it is believed. */
static iw_status
read_table(iw_packlog_coder *self, size_t size, size_t n, iw_error *err)
{
    iw_status status = iw_buffer_reserve(&self->table, (n + 1) * sizeof(iw_packlog_array), err);
    if (status != IW_OK)
        return status;
    iw_packlog_array *arrays = (iw_packlog_array *)(void *)self->table.data;
    size_t free_from = 0;
    for (size_t i = 0; i < n; i++) {
        iw_packlog_array *now = &arrays[i];
        memcpy(&now->at, self->content.data + i * ENTRY, 4);
        memcpy(&now->words, self->content.data + i * ENTRY + 4, 4);
        memcpy(&now->lane, self->content.data + i * ENTRY + 8, 4);
        if (now->lane >= LANES || now->words < IW_PACKLOG_MIN_WORDS || now->at < free_from ||
            now->at > size || now->words > (size - now->at) / width_of(now->lane))
            return iw_fail(err, IW_CORRUPT, "array %zu of a block lies outside of it", i);
        free_from = now->at + now->words * width_of(now->lane);
    }
    return IW_OK;
}

iw_status
iw_packlog_decode(iw_packlog_coder *self, const void *payload, size_t payload_size,
                  /* filled by the mover: NOLINTNEXTLINE(readability-non-const-parameter) */
                  unsigned char *bytes, iw_error *err)
{
    uint64_t total;
    uint32_t size;
    uint32_t numbers[2];
    iw_status status = iw_packlog_head(payload, payload_size, &total, &size, err);
    if (status != IW_OK)
        return status;
    if (!self->unpack && !(self->unpack = ZSTD_createDCtx()))
        return iw_fail(err, IW_NO_MEMORY, "no memory to unpack a log");
    memcpy(numbers, (const unsigned char *)payload + 12, sizeof numbers);
    size_t n = numbers[0];
    size_t content = n * ENTRY + size;
    status = iw_buffer_reserve(&self->content, content, err);
    if (status != IW_OK)
        return status;
    size_t got = ZSTD_decompressDCtx(self->unpack, self->content.data, content,
                                     (const unsigned char *)payload + IW_PACKLOG_HEAD,
                                     payload_size - IW_PACKLOG_HEAD);
    if (ZSTD_isError(got) || got != content)
        return iw_fail(err, IW_CORRUPT, "a block does not unpack to %zu bytes: %s", content,
                       ZSTD_isError(got) ? ZSTD_getErrorName(got) : "it is shorter");
    status = read_table(self, size, n, err);
    if (status != IW_OK)
        return status;
    mover move = {bytes, self->content.data + n * ENTRY, false};
    move_block(&move, size, numbers[1], (const iw_packlog_array *)(const void *)self->table.data,
               n);
    return IW_OK;
}
