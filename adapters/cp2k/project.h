/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_CP2K_PROJECT_H
#define IW_CP2K_PROJECT_H
/*
 * project.h - what CP2K's inputs and output beside a trajectory say about its run.
 *
 * Read are, in the folder of the trajectory and where their project is its project:
 * PROJECT-1.restart and *.inp (both are inputs; numbers have all their digits), and *.out or *.log
 * (the last header in it; few digits, but it is what CP2K did, so it overrules an input that says
 * otherwise).
 */
#include "adapters/format.h"

typedef struct {
    char ensemble[32];    /* "NVT"; "" if not known */
    double temperature_K; /* of MD; NAN if not known */
    double timestep_fs;   /* NAN if not known */
    double pos_A;         /* one unit of the positions, A */
    double vel_A_fs;      /* one unit of the velocities, A/fs */
    bool has_cell;
    double cell_A[9];
    char cell_from[IW_PATH_LENGTH];
} iw_cp2k_project;

/* Files that are absent or say nothing leave what they would say unknown.  INVALID: a unit of the
 * trajectory that is not known.  NO_MEMORY, IO. */
iw_status iw_cp2k_project_read(iw_cp2k_project *self, const char *pos_path, iw_error *err);

/* The cell changes during the run, by its ensemble. */
bool iw_cp2k_cell_varies(const iw_cp2k_project *self);
/* There is a thermostat, by its ensemble. */
bool iw_cp2k_thermostat(const iw_cp2k_project *self);

/* As find of iw_format. */
iw_status iw_cp2k_find(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err);

/* "NAME-pos-1.xyz": the size of its NAME (with folder); 0: this is no such name. */
size_t iw_cp2k_project_size(const char *pos_path);

#endif
