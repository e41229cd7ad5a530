/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_IMD_UNITS_H
#define IW_IMD_UNITS_H
/*
 * units.h - the units of what an IMD engine sends.
 *
 * The specification has A, ps and kJ/mol ("imd", also called "gromacs" and "namd").  LAMMPS sends
 * the bare numbers of its unit style: right for "metal", in "real" times and velocities are a
 * factor of 1000 off.  Both follow each other, so that velocities still fit the positions: only
 * timestep and temperature tell.
 */
#include "adapters/lammps/units.h"
#include "frame.h"

/* NULL with INVALID: an unknown name, with those that are known. */
const iw_lammps_units *iw_imd_units(const char *name, iw_error *err);

/* Kinetic temperature of velocities in these units; NAN without them, and where nothing moves. */
double iw_imd_kinetic_K(const iw_run_info *run, const iw_lammps_units *units,
                        const float *velocities);

/* Are timestep (in the engine's unit, NAN if not known) and velocities (NULL if there are none)
 * those of an MD run?  INVALID: no run has such a timestep, with the unit styles in which both are
 * usual. */
iw_status iw_imd_check_units(const iw_run_info *run, const char *name, double dt,
                             const float *velocities, iw_error *err);

#endif
