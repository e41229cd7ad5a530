/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_VASP_SETTINGS_H
#define IW_VASP_SETTINGS_H
/*
 * settings.h - what VASP's files say about time and temperature: INCAR, the head of an OUTCAR, the
 * head of a vasprun.xml.
 *
 * The last two are what VASP worked with, defaults included; an INCAR may have been edited since.
 */
#include "adapters/format.h"

typedef struct {
    char path[1024];       /* where they are from; "" if there is no such file */
    double potim_fs;       /* NAN if not set */
    int64_t nblock;        /* steps from one XDATCAR frame to the next; 1 if not set */
    int64_t outblock;      /* ML_OUTBLOCK: of all output, where a learned field is only used */
    bool learned_only;     /* ML_MODE = run or predict, or ML_ISTART = 2 */
    double begin_K, end_K; /* TEBEG, TEEND; NAN if not set */
    int64_t ibrion;        /* 0: molecular dynamics; -1 if not set */
    int64_t mdalgo;        /* thermostat; -1 if not set */
} iw_vasp_settings;

void iw_vasp_settings_init(iw_vasp_settings *self);

/* "KEY = value ; KEY = value # comment", as in INCAR and OUTCAR.  False: a value is no number that
 * fits there. */
bool iw_vasp_settings_assign(iw_vasp_settings *self, iw_line line);

/* An element of vasprun.xml's head, <i name="POTIM"> 1.0</i>; anything else is passed over. */
void iw_vasp_settings_element(iw_vasp_settings *self, iw_line line);

/* The text between the tags of an element with that name, as of <i name="total">. */
bool iw_vasp_element(iw_line line, const char *tag, const char *name, iw_line *content);

/* Looks beside a file, "XDATCAR" say: vasprun.xml, OUTCAR or INCAR, the first that has POTIM; each
 * under the same name with that word for `word`, else under its own; compressed, too.  INVALID: a
 * value in the INCAR that is no number, with file and line. */
iw_status iw_vasp_settings_find(iw_vasp_settings *self, const char *path, const char *word,
                                iw_error *err);

/* Steps from one frame to the next in XDATCAR and OUTCAR. */
int64_t iw_vasp_settings_block(const iw_vasp_settings *self);

/* Timestep, stride, target temperature and thermostat of the run, with remarks. */
iw_status iw_vasp_settings_describe(const iw_vasp_settings *self, int64_t stride,
                                    const iw_piece *piece, iw_run_info *run, iw_error *err);

/* Where the word stands in the line; NULL if it does not. */
const char *iw_vasp_word(iw_line line, const char *word);

#endif
