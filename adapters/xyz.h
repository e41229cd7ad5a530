/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_XYZ_H
#define IW_XYZ_H
/*
 * xyz.h - runs whose positions and velocities are xyz files of their own, as CP2K and i-PI write
 * them: a number of atoms, a comment line that tells the step, a row for each atom.
 *
 * Frames of the two files are paired by step.  A restart appends to the same files and repeats the
 * steps since the last restart file: of a repeated step only the later copy is given.  Frames that
 * were given before the restart came (a run that is followed) stay, and their repeats are given
 * too.
 */
#include "adapters/format.h"
#include "adapters/rows.h"

/* What a comment line says. */
typedef struct {
    int64_t step;
    double time_fs; /* NAN if it does not tell */
    double factor;  /* of the numbers in the rows; set to that of the file before */
} iw_xyz_comment;

typedef struct {
    iw_text *text; /* NULL: there is no such file */
    /* NULL, or what is expected in the place of the line. */
    const char *(*read_comment)(void *context, iw_line line, iw_xyz_comment *out);
    void *context;
    double factor; /* to A or A/fs */
    iw_steps steps;
    double time_fs; /* of the last frame */
} iw_xyz_file;

typedef struct {
    iw_piece *piece;
    size_t n_atoms; /* 0: not known yet */
    iw_names names; /* as the file has them */
    iw_xyz_file pos, vel;
    bool with_velocities;
    double *vel_A_fs; /* [n_atoms][3] of the last frame of vel */
} iw_xyz_run;

/* The first frames of a file. */
typedef struct {
    size_t n; /* up to two */
    iw_when when[2];
    double time_fs[2];
} iw_xyz_start;

iw_status iw_xyz_open(iw_xyz_run *self, iw_piece *piece, iw_error *err);
iw_status iw_xyz_open_velocities(iw_xyz_run *self, const char *path, iw_error *err);
void iw_xyz_fini(iw_xyz_run *self);

/* Atoms, the first two steps, whether there are velocities for them, and where restarts repeat
 * steps; the next frame is the first. */
iw_status iw_xyz_describe(iw_xyz_run *self, iw_xyz_start *start, iw_error *err);
/* The atoms of the run, with the names of the option species where it is given. */
iw_status iw_xyz_set_atoms(const iw_xyz_run *self, iw_run_info *run, iw_error *err);

/* Positions and velocities of the next frame.  It counts as read only once iw_xyz_take is called;
 * iw_xyz_back returns to its first line. */
iw_status iw_xyz_read(iw_xyz_run *self, iw_when *when, iw_frame *frame, iw_error *err);
void iw_xyz_take(iw_xyz_run *self, iw_when when, iw_frame *frame);
void iw_xyz_back(iw_xyz_run *self);

/* Whether the file of positions goes on: what belongs to the frame before has been written. */
bool iw_xyz_goes_on(const iw_xyz_run *self);

#endif
