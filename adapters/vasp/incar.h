/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_INCAR_H
#define IW_INCAR_H
/* incar.h - what an INCAR says about the time step and the temperature of a run. */
#include "adapters/text.h"

typedef struct {
    char path[1024];       /* "" if there is none */
    double potim_fs;       /* NAN if not set */
    int64_t nblock;        /* steps from one frame to the next; 1 if not set */
    double begin_K, end_K; /* TEBEG, TEEND; NAN if not set */
    int64_t ibrion;        /* 0: molecular dynamics; -1 if not set */
} iw_incar;

/* Looks beside the XDATCAR: the same name with INCAR for XDATCAR, else INCAR; compressed, too.
 * INVALID: a value that is no number, with file and line. */
iw_status iw_incar_find(iw_incar *self, const char *xdatcar, iw_error *err);

#endif
