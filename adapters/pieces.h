/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_PIECES_H
#define IW_PIECES_H
/*
 * pieces.h - from what the user named to the files that hold the frames, and how one piece joins
 * on to the one before it.
 */
#include "adapters/format.h"

typedef struct {
    iw_folder files;         /* in the order of the run */
    const iw_format *format; /* where a folder told it; or NULL */
    char *folder; /* the last operand, where it is one that may get more pieces; or NULL */
} iw_pieces;

/* A folder, or a file of a run that has no frames, stands for those that have them.  formats ends
 * with NULL.  AGAIN: following, and nothing of a run is in the folder yet. */
iw_status iw_pieces_find(iw_pieces *self, const char *const *operands, size_t n_operands,
                         const iw_format *const *formats, const iw_reader_options *options,
                         iw_notes *notes, iw_error *err);
/* INVALID: a file is named twice.  UNSUPPORTED: a pipe among others, or without a format's name. */
iw_status iw_pieces_check(const iw_pieces *self, const char *format, iw_error *err);
void iw_pieces_fini(iw_pieces *self);

/* Adds the pieces that have come into the folder behind the file. */
iw_status iw_pieces_look_again(iw_pieces *self, const char *behind, iw_error *err);

/* Positions of the frame before, and how far atoms go from frame to frame. */
typedef struct {
    double *last_A;
    size_t n;
    double rms_A; /* of the last displacement; NAN: none yet */
    bool has_last;
} iw_seam;

typedef enum { IW_SEAM_GOES_ON, IW_SEAM_REPEATS, IW_SEAM_APART } iw_seam_kind;

iw_status iw_seam_init(iw_seam *self, size_t n_atoms, iw_error *err);
void iw_seam_fini(iw_seam *self);
void iw_seam_push(iw_seam *self, const iw_frame *frame);
/* Is it the frame before once more, the one behind it, or another place altogether: further away
 * than SEAM_FACTOR (pieces.c) frames ever are? */
iw_seam_kind iw_seam_judge(const iw_seam *self, const iw_frame *frame);

#endif
