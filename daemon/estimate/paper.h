/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_PAPER_H
#define IW_PAPER_H
/*
 * paper.h - VDOS and descriptors exactly by the authors' procedure (docs/physics.md, "Method
 * paper").
 *
 * Forward differences of unwrapped positions at the given frame spacing, no drift removal, no mass
 * weight, full-length biased VACF divided by its zero-lag value, less its mean, modulus of the
 * transform on 2n-1 points.  A batch over the whole run: needs n_atoms * 3 * frames doubles, and
 * reads the source again for the rest of the atoms when that is more than memory_bytes.  One
 * transform for each atom and axis.  Not for the hot path.
 */
#include "estimate/vdos.h"
#include "estimate/vibration.h"
#include "source.h"

typedef struct {
    double dt_fs;      /* spacing of the frames of the source */
    double spacing_fs; /* wanted spacing: a multiple of dt_fs; NAN: as the frames come */
    double temperature_K;
    double cutoff_meV;     /* 30 */
    uint64_t memory_bytes; /* 0: 2 GiB */
    size_t n_groups;
    const unsigned char *const *member; /* [n_groups][n_atoms] 1 where the atom belongs */
} iw_paper_options;

typedef struct {
    iw_vdos vdos; /* g normalised to one like the physical one */
    iw_vibration vibration;
} iw_paper_group;

/* out[n_groups], init with {0}; each freed with iw_vdos_fini(&out[g].vdos).  *spacing_fs (may be
 * NULL) gets the spacing used.  A group that does not move has an empty VDOS and NAN descriptors.
 * Steps that a restart repeats are left out.  INVALID: fewer than 4 frames at that spacing; a
 * spacing that is no multiple of dt_fs; a gap, an uneven step, a singular cell or a coordinate that
 * is not finite (with where).  Otherwise NO_MEMORY or what the source said; out is then empty. */
iw_status iw_paper_compute(const iw_source *source, const iw_paper_options *options,
                           iw_paper_group *out, double *spacing_fs, iw_error *err);

#endif
