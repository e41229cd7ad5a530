/* SPDX-License-Identifier: GPL-3.0-or-later */
/* identity.c - the id of a run of files: the same files analysed again are the same run, so that a
 * database has it once. */
#include "input.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdlib.h>
#include <string.h>

static void
hash_path(XXH3_state_t *hash, const char *path)
{
    char *real = realpath(path, NULL); /* NULL: a name that is no file is hashed as it stands */
    const char *text = real ? real : path;
    (void)XXH3_128bits_update(hash, text, strlen(text) + 1);
    free(real);
}

iw_status
iw_input_identity(const iw_settings *settings, iw_run_info *run, const iw_frame *first,
                  iw_error *err)
{
    XXH3_state_t *hash = XXH3_createState();
    if (!hash)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the id of the run");
    (void)XXH3_128bits_reset(hash);
    /* The place, and what stood there: a new run under an old name is another run. */
    hash_path(hash, settings->operands[0]);
    (void)XXH3_128bits_update(hash, run->species, run->n_species * sizeof *run->species);
    (void)XXH3_128bits_update(hash, run->kind, run->n_atoms * sizeof *run->kind);
    (void)XXH3_128bits_update(hash, first->pos_A, 3 * run->n_atoms * sizeof *first->pos_A);
    XXH128_hash_t sum = XXH3_128bits_digest(hash);
    (void)XXH3_freeState(hash);
    uint64_t a = sum.high64, b = sum.low64;
    a = (a & ~UINT64_C(0xF000)) | 0x8000;                 /* version 8: custom */
    b = (b & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62); /* variant 1 */
    (void)snprintf(run->id, sizeof run->id, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(a >> 32),
                   (unsigned)(a >> 16 & 0xFFFF), (unsigned)(a & 0xFFFF), (unsigned)(b >> 48),
                   (unsigned long long)(b & UINT64_C(0xFFFFFFFFFFFF)));
    return IW_OK;
}
