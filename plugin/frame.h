/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_FRAME_H
#define IW_FRAME_H
/*
 * frame.h - a run's constants and one frame, in internal units: Angstrom, fs, Angstrom/fs, eV, K,
 * amu, elementary charges.
 *
 * Readers of files and the decoder of the wire fill these; the analysis takes nothing else.  A
 * frame's arrays are allocated once for the run's atom count and filled again for every frame.
 */
#include "error.h"

#include <stdbool.h>

enum { IW_ID_LENGTH = 36, IW_SPECIES_LENGTH = 15, IW_MAX_SPECIES = 256, IW_MAX_METADATA = 1000 };

/* What is true of the whole run.  Owns its arrays. */
typedef struct {
    char id[IW_ID_LENGTH + 1]; /* UUID, lower case */
    char *name;
    char *code;
    char *code_version;
    size_t n_atoms;
    size_t n_species;
    char (*species)[IW_SPECIES_LENGTH + 1]; /* [n_species] names, in order of first appearance */
    uint16_t *kind;                         /* [n_atoms] index into species */
    double *mass_amu;                       /* [n_atoms] */
    double *charge_e;                       /* [n_atoms], or NULL */
    double timestep_fs;                     /* of the integrator; NAN if not known */
    int64_t stride;                         /* nominal MD steps between frames, >= 1 */
    double temperature_K;                   /* target; NAN if there is none */
    bool wrapped;                           /* positions are folded into the cell */
    size_t n_metadata;
    char **metadata; /* [2 * n_metadata] key, value, ... */
} iw_run_info;

/* One time step.  Owns its arrays. */
typedef struct {
    uint64_t seq;   /* 1, 2, 3, ... within the run; set by the wire or the reader */
    int64_t step;   /* MD step number */
    double time_fs; /* MD time */
    bool has_cell;
    double cell_A[9]; /* rows are the vectors a, b, c */
    size_t n_atoms;
    double *pos_A; /* [n_atoms][3] */
    bool has_velocities;
    double *vel_A_fs;           /* [n_atoms][3]; meaningful if has_velocities */
    double potential_energy_eV; /* NAN if not known, as the two below */
    double kinetic_energy_eV;
    double temperature_K;
} iw_frame;

/* Zeroes *run and gives defaults (NAN, stride 1); fini frees what it owns and zeroes it again. */
void iw_run_info_init(iw_run_info *run);
void iw_run_info_fini(iw_run_info *run);

/* Sets n_atoms, n_species, species and kind from one name per atom, and allocates mass_amu, filled
 * with iw_element_mass() (NAN for a name that is no element); charge_e becomes NULL.  INVALID: a
 * name that is empty, longer than IW_SPECIES_LENGTH, not UTF-8 or with control characters, more
 * than IW_MAX_SPECIES species, no atoms.  NO_MEMORY. */
iw_status iw_run_info_set_atoms(iw_run_info *run, size_t n_atoms, const char *const *species,
                                iw_error *err);
iw_status iw_run_info_copy(iw_run_info *to, const iw_run_info *from, iw_error *err);
/* The value of a metadata key, or NULL.  set copies both strings and replaces an older value. */
const char *iw_run_info_metadata(const iw_run_info *run, const char *key);
iw_status iw_run_info_set_metadata(iw_run_info *run, const char *key, const char *value,
                                   iw_error *err);

/* A new random UUID (version 4) as text; valid says whether text is a UUID. */
iw_status iw_uuid_new(char text[IW_ID_LENGTH + 1], iw_error *err);
bool iw_uuid_valid(const char *text);

/* Standard atomic mass of an element symbol (case-sensitive, "Li"), amu; NAN for an unknown one.
 * IUPAC 2021 abridged values; deuterium is "D". */
double iw_element_mass(const char *symbol);

iw_status iw_frame_init(iw_frame *frame, size_t n_atoms, iw_error *err);
void iw_frame_fini(iw_frame *frame);

#endif
