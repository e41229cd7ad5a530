/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_VASP_FILE_H
#define IW_VASP_FILE_H
/* file.h - what vasprun.xml, OUTCAR and XDATCAR have in common while they are read. */
#include "adapters/vasp/blocks.h"
#include "adapters/vasp/settings.h"

typedef struct {
    iw_piece *piece;
    iw_text *text;
    iw_vasp_settings settings;
    iw_vasp_blocks blocks;
    int64_t stride;   /* steps from one frame to the next */
    int64_t given;    /* frames */
    char version[16]; /* "6.3.2"; "" if not told */
} iw_vasp_file;

/* The settings are those of the file itself, which its head will tell. */
iw_status iw_vasp_file_open(iw_vasp_file *self, iw_piece *piece, iw_error *err);
void iw_vasp_file_close(iw_vasp_file *self);

/* Atoms, version and spacing, once the head was read. */
iw_status iw_vasp_file_describe(iw_vasp_file *self, int64_t stride, iw_run_info *run,
                                iw_error *err);
/* After reading a frame: with AGAIN or END it is as if nothing had been read, and a frame that the
 * end cut off, once begun, is said.  Returns status. */
iw_status iw_vasp_file_end(const iw_vasp_file *self, iw_status status, bool begun);
/* A frame is whole: its step, counted from the first one, and time. */
void iw_vasp_file_count(iw_vasp_file *self, int64_t step, iw_frame *frame);

#endif
