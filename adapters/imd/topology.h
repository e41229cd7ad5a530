/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_IMD_TOPOLOGY_H
#define IW_IMD_TOPOLOGY_H
/*
 * topology.h - species, masses and charges of the atoms of a run, which IMD does not tell, from a
 * file in which they stand in the same order.
 *
 * A LAMMPS data file (atoms by id, as LAMMPS sends them), POSCAR or CONTCAR, PDB, GRO, or the first
 * frame of any trajectory that reader.h knows.  Read once; a file of 1e6 atoms takes a second.
 */
#include "adapters/reader.h"

/* Fills n_atoms, species, masses and, where the file has them, charges; *run is initialised by the
 * caller.  Of the options species, charges and format count: a format is one of reader.h, and the
 * file is then read as that.  NOT_FOUND, INVALID with file and line, UNSUPPORTED, NO_MEMORY. */
iw_status iw_topology_read(const char *path, const iw_reader_options *options, const char *units,
                           iw_run_info *run, iw_error *err);

#endif
