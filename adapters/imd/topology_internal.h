/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_IMD_TOPOLOGY_INTERNAL_H
#define IW_IMD_TOPOLOGY_INTERNAL_H
/* topology_internal.h - what the kinds of topology files share. */
#include "adapters/format.h"
#include "adapters/imd/topology.h"

/* The atoms of a file; mass and charge are NULL where it has none. */
typedef struct {
    iw_names names;
    double *mass_amu, *charge_e; /* [names.n] */
} iw_topology;

typedef struct {
    bool (*is)(const iw_head *head);
    iw_status (*read)(iw_text *text, const char *species, const char *units, iw_topology *to,
                      iw_error *err);
} iw_topology_kind;

extern const iw_topology_kind iw_topology_lammps; /* data file; species: a name for each type */

#endif
