/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FUZZ_TARGET_H
#define IW_FUZZ_TARGET_H
/* fuzz_target.h - what a fuzz target defines: takes any bytes, returns 0, and never crashes. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
