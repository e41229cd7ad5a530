/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_REFERENCE_H
#define IW_TEST_REFERENCE_H
/* reference.h - the reference data, as far as these tests need them; everything fails the test
 * where a file is not as expected. */
#include "frame.h"

#include <jansson.h>

/* A table of numbers with named columns, from a gzipped csv. */
typedef struct {
    size_t rows, columns;
    char names[64][32];
    double *value; /* [rows][columns] */
} ref_table;

ref_table ref_csv(const char *folder, const char *name);
const double *ref_column(const ref_table *table, const char *name, double *out);
void ref_table_free(ref_table *table);

/* The numbers of a gzipped text file, comment lines (#) left out; *n gets how many. */
double *ref_numbers(const char *folder, const char *name, size_t *n);

/* references.json, datasets. */
json_t *ref_datasets(const char *folder);
/* The number at keys "gan_2000K/vdos/db/w_meV". */
double ref_value(const json_t *datasets, const char *path);

/* Positions (and velocities, NULL where there are none) of a trajectory, [frames][atoms][3], units
 * of the file; rows of a dump are sorted by id. */
typedef struct {
    size_t frames, atoms;
    char (*species)[8]; /* [atoms]; empty in a dump */
    double *pos, *vel;
} ref_trajectory;

ref_trajectory ref_extxyz(const char *folder, const char *name);
ref_trajectory ref_dump(const char *folder, const char *name);
void ref_trajectory_free(ref_trajectory *trajectory);

#endif
