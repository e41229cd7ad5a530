/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_MOTION_H
#define IW_MOTION_H
/* motion.h - made-up motion whose diffusion coefficient is known, for tests and calibration. */
#include <stddef.h>
#include <stdint.h>

typedef enum {
    IW_MOTION_BROWNIAN,   /* Gaussian steps, every frame seen with white noise */
    IW_MOTION_LATTICE,    /* hops at random times to one of six neighbours, vibration about sites */
    IW_MOTION_BACKJUMP,   /* the same, but 4 of 9 hops undo the last one: correlation factor 1/2 */
    IW_MOTION_LANGEVIN,   /* a particle with friction */
    IW_MOTION_COLLECTIVE, /* lattice hops that four ions make together */
    IW_MOTION_CAGED,      /* vibration about sites that are never left */
    IW_MOTION_CRYSTAL, /* the vibration of a harmonic crystal, whose waves all atoms share and which
                          last for long; a cube number of atoms.  Lattice hops where q_A2 > 0 */
    IW_MOTION_KINDS
} iw_motion_kind;

typedef struct {
    iw_motion_kind kind;
    size_t atoms;
    double q_A2; /* growth of the MSD in a frame at long times; D = q/(6 dt) */
} iw_motion_options;

typedef struct {
    iw_motion_options options;
    uint64_t random[4];
    double *site, *near, *before; /* [atoms][3]; before: of a crystal the velocities */
    unsigned char *last;          /* [atoms] direction of the last hop */
    size_t side;                  /* of the crystal: atoms along an edge */
    double heat;                  /* and kT/m, A^2 a frame^2 */
} iw_motion;

extern const char *const iw_motion_names[IW_MOTION_KINDS];

/* Returns 0, or -1 without memory.  The same seed gives the same motion. */
int iw_motion_init(iw_motion *self, const iw_motion_options *options);
void iw_motion_fini(iw_motion *self);
/* Back to the start, in equilibrium. */
void iw_motion_start(iw_motion *self, uint64_t seed);
/* The next frame: pos_A[atoms][3]. */
void iw_motion_step(iw_motion *self, double *pos_A);

#endif
