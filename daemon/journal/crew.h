/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CREW_H
#define IW_CREW_H
/*
 * crew.h - one loop whose turns wait for the disk, done by several threads at once.
 *
 * A thousand journals that are synchronised one after the other take seconds; side by side the file
 * system commits many of them together.  No actor: iw_crew_run() returns when all turns are done,
 * the caller takes turns like everybody, and in between the threads sleep.
 */
#include "error.h"

#include <stddef.h>

typedef struct iw_crew iw_crew;

/* NULL: NO_MEMORY; IO: not one thread could be had. */
iw_crew *iw_crew_new(unsigned threads, iw_error *err);
void iw_crew_destroy(iw_crew **crew);

/* work(item) for each of n items of size bytes, in any order; what it touches is its item's alone.
 * One caller at a time. */
void iw_crew_run(iw_crew *self, void (*work)(void *item), void *items, size_t n, size_t size);

#endif
