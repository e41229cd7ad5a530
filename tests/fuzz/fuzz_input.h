/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FUZZ_INPUT_H
#define IW_FUZZ_INPUT_H
/* fuzz_input.h - a fuzzer's bytes as choices: each call takes some from the front; zeros at the
 * end. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const uint8_t *at;
    size_t left;
} fuzz_input;

/* The next bytes where they lie: at most size of them, *got says how many. */
static inline const uint8_t *
fuzz_take(fuzz_input *in, size_t size, size_t *got)
{
    const uint8_t *at = in->at;
    *got = size < in->left ? size : in->left;
    in->at += *got;
    in->left -= *got;
    return at;
}

static inline void
fuzz_copy(fuzz_input *in, void *to, size_t size)
{
    size_t got;
    const uint8_t *at = fuzz_take(in, size, &got);
    memset(to, 0, size);
    if (got > 0)
        memcpy(to, at, got);
}

static inline uint8_t
fuzz_byte(fuzz_input *in)
{
    uint8_t value;
    fuzz_copy(in, &value, sizeof value);
    return value;
}

static inline uint64_t
fuzz_u64(fuzz_input *in)
{
    uint64_t value;
    fuzz_copy(in, &value, sizeof value);
    return value;
}

/* A double: mostly a tame one, sometimes eight bytes of anything. */
static inline double
fuzz_double(fuzz_input *in)
{
    uint8_t choice = fuzz_byte(in);
    double value;
    if (choice < 240)
        return ((double)choice - 100) / 8;
    fuzz_copy(in, &value, sizeof value);
    return value;
}

/* Up to room - 1 bytes as a text: its length is in the first byte. */
static inline const char *
fuzz_text(fuzz_input *in, char *text, size_t room)
{
    size_t got, size = fuzz_byte(in);
    const uint8_t *at = fuzz_take(in, size < room ? size : room - 1, &got);
    if (got > 0)
        memcpy(text, at, got);
    text[got] = '\0';
    return text;
}

#endif
