/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_IPI_INPUT_H
#define IW_IPI_INPUT_H
/*
 * input.h - what i-PI's inputs beside a trajectory say about its run, and i-PI's names of units.
 *
 * Read are the *.xml files in the folder of the trajectory whose output has its prefix, and
 * RESTART (which is an input too) where they leave something open.
 */
#include "adapters/format.h"

typedef enum { IW_IPI_LENGTH, IW_IPI_VELOCITY, IW_IPI_TIME, IW_IPI_TEMPERATURE } iw_ipi_dimension;

/* "angstrom", "femtosecond", "m/s": what one of it is in A, A/fs, fs or K; NAN if not known. */
double iw_ipi_unit(iw_ipi_dimension dimension, const char *text, size_t size);

typedef struct {
    double timestep_fs;        /* NAN: not told, or not the same everywhere */
    double temperature_K;      /* of the ensemble; likewise */
    int64_t beads;             /* 0: not told */
    char ensemble[16];         /* mode of the dynamics: "nvt"; "" if not told */
    char from[IW_PATH_LENGTH]; /* the file with the time step */
} iw_ipi_input;

/* prefix: of the names of its output.  Files that are absent or say nothing leave what they would
 * say unknown.  NO_MEMORY, IO; INVALID: a unit that is not known, with file and line. */
iw_status iw_ipi_input_read(iw_ipi_input *self, const char *trajectory, const char *prefix,
                            iw_error *err);

/* The prefix of the output that a file asks for.  NOT_FOUND: it is no input of i-PI. */
enum { IW_IPI_PREFIX = 256 };
iw_status iw_ipi_input_prefix(const char *path, char prefix[IW_IPI_PREFIX], iw_error *err);

/* There is a thermostat, by the ensemble. */
bool iw_ipi_thermostat(const iw_ipi_input *self);

#endif
