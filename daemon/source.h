/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_SOURCE_H
#define IW_SOURCE_H
/* source.h - frames that can be read again from the start: a journal or trajectory files. */
#include "frame.h"

typedef struct {
    void *self;
    const iw_run_info *run;
    /* OK, END, or an error; frame was made by iw_frame_init(run->n_atoms). */
    iw_status (*next)(void *self, iw_frame *frame, iw_error *err);
    iw_status (*rewind)(void *self, iw_error *err);
} iw_source;

#endif
