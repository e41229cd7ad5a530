/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_LAMMPS_UNITS_H
#define IW_LAMMPS_UNITS_H
/*
 * units.h - LAMMPS unit styles as factors to Angstrom, fs, eV, amu, elementary charges and K.
 *
 * value in internal units = value in LAMMPS units x factor.  A velocity is length_A / time_fs in
 * every style: in "electron", too, LAMMPS integrates and dumps bohr/fs, although its manual names
 * another unit of time for velocities.  "lj" has no dimension; it is read with sigma = 1 A,
 * epsilon = 1 eV and m = 1 amu, so that tau = sqrt(m sigma^2 / epsilon) = 10.18 fs.
 */
#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *name;     /* as in the units command: "metal" */
    double length_A;      /* of one length unit */
    double time_fs;       /* of one time unit */
    double energy_eV;     /* of one energy unit; of one entity, where LAMMPS has them per mole */
    double mass_amu;      /* of one mass unit */
    double charge_e;      /* of one charge unit */
    double temperature_K; /* of one temperature unit */
} iw_lammps_units;

/* The style of that name; NULL for one that is not known. */
const iw_lammps_units *iw_lammps_units_find(const char *name);

/* All names, "metal, real, ...", for messages.  Static storage. */
const char *iw_lammps_units_names(void);

#ifdef __cplusplus
}
#endif
#endif
