/* SPDX-License-Identifier: BSD-3-Clause */
#include "copy.h"

#include <stdint.h>
#include <string.h>

/* Comparing or adding up floating-point numbers would keep the compiler from using vectors; looking
 * at their exponents does not.  One added to an exponent that is all ones carries into the sign,
 * which was cleared before. */
bool
iw_copy_scaled_f64(void *restrict to, const void *restrict from, size_t n, double factor)
{
    unsigned char *restrict out = to;
    const unsigned char *restrict in = from;
    uint64_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        double value;
        uint64_t bits;
        memcpy(&value, in + i * sizeof value, sizeof value);
        value *= factor;
        memcpy(&bits, &value, sizeof bits);
        carry |= (bits & UINT64_C(0x7fffffffffffffff)) + UINT64_C(0x0010000000000000);
        memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
    return carry >> 63 == 0;
}

bool
iw_copy_scaled_f32(void *restrict to, const void *restrict from, size_t n, double factor)
{
    unsigned char *restrict out = to;
    const unsigned char *restrict in = from;
    uint32_t carry = 0;
    for (size_t i = 0; i < n; i++) {
        float value;
        uint32_t bits;
        memcpy(&value, in + i * sizeof value, sizeof value);
        value = (float)((double)value * factor);
        memcpy(&bits, &value, sizeof bits);
        carry |= (bits & UINT32_C(0x7fffffff)) + UINT32_C(0x00800000);
        memcpy(out + i * sizeof bits, &bits, sizeof bits);
    }
    return carry >> 31 == 0;
}
