/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLOSENESS_H
#define IW_CLOSENESS_H
/* closeness.h - how close atoms are, in units that tell whether lengths are in Angstrom. */
#include "frame.h"

/* Median over atoms of the least distance over the sum of covalent radii (Cordero et al., Dalton
 * Trans. 2008, 2832): 0.9 to 1.25 in solids, liquids and molecules.  At most some hundred atoms are
 * looked at, their neighbours among all.  NAN: fewer than two atoms, species that are no elements,
 * or a noble gas, whose atoms keep no such distance. */
double iw_closeness(const iw_run_info *run, const iw_frame *frame);

#endif
