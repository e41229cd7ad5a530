/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MD_H
#define IW_MD_H
/* md.h - an MD code with the client library: what it streams is harness.h's synthetic run. */
#include "harness.h"

#include "ionwatch/ionwatch.h"

typedef struct {
    iw_run_info run;
    iw_frame frame;
    ionwatch *handle;
    uint64_t cold; /* frames until the temperature that is sent settles; 0: none is sent */
} md;

/* id NULL: a new one.  The spool lies in the daemon's scratch folder. */
void md_open(md *self, const harness *daemon, size_t atoms, const char *id,
             const char *const *metadata);
/* The same with a queue of that many bytes in memory, and the spool in that folder. */
void md_open_small(md *self, const harness *daemon, size_t atoms, const char *id,
                   uint64_t queue_bytes, const char *spool);
void md_send(md *self, uint64_t first, uint64_t last);
/* Until the daemon has all frames.  One that was killed in several handshakes looks as if it wanted
 * a key, which a flush says at once: it is asked again. */
ionwatch_status md_flush(md *self);
void md_close(md *self);

/* Streams steps 1 to last to a daemon of its own: what the database then holds of the run, see
 * filed.h; freed by the caller.  cold: as above. */
char *md_undisturbed(size_t atoms, uint64_t last, uint64_t cold);

/* Both runs are filed as completed, with that many frames and, bit for bit, the same numbers. */
void assert_filed_alike(harness *daemon, const char *disturbed, const char *undisturbed,
                        uint64_t frames);

#endif
