/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_IPI_FILES_H
#define IW_IPI_FILES_H
/*
 * files.h - comment lines of i-PI's xyz files, and the files of one run in its folder.
 *
 * People choose the names of the files (PREFIX.pos_0.xyz, PREFIX.xc.xyz are usual): what a file
 * holds is told from its first comment line.
 */
#include "adapters/ipi/input.h"

typedef enum {
    IW_IPI_OTHER, /* forces and the like */
    IW_IPI_POSITIONS,
    IW_IPI_X_CENTROID,
    IW_IPI_VELOCITIES,
    IW_IPI_V_CENTROID
} iw_ipi_quantity;

typedef struct {
    iw_ipi_quantity quantity;
    int64_t step, bead;   /* of a single file: 0 */
    iw_line unit;         /* of the rows; empty where it is not told */
    iw_line cell_unit;    /* likewise */
    bool tells_cell_unit; /* there is a cell{...} */
    double cell[9];       /* rows are the vectors, in cell_unit */
} iw_ipi_comment;

/* False: this is no comment of i-PI. */
bool iw_ipi_comment_read(iw_line line, iw_ipi_comment *out);

/* What stands beside a file of positions. */
typedef struct {
    char velocities[IW_PATH_LENGTH]; /* of the same bead, or of the centroid; "": none */
    bool several;                    /* files of such velocities: none is taken */
    bool beads;                      /* there are files of other beads */
    bool awaited;                    /* a file of velocities, by its name, is empty so far */
} iw_ipi_beside;

/* "i-pi" of ".../i-pi.pos_0.xyz.gz" */
void iw_ipi_prefix(const char *path, char prefix[IW_IPI_PREFIX]);

iw_status iw_ipi_look_beside(iw_ipi_beside *self, const char *path, const iw_ipi_comment *own,
                             iw_error *err);

/* As find of iw_format: the centroid, or the only bead. */
iw_status iw_ipi_find(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err);

#endif
