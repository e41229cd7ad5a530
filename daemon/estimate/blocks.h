/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_BLOCKS_H
#define IW_BLOCKS_H
/*
 * blocks.h - D of successive parts of a run, to see whether it stays the same.
 *
 * D_b = D + (MSD_b(n) - MSD(n))/(6 n dt), n the first lag of the moments at or beyond the start of
 * the fit window, MSD_b the mean over pairs that end in part b.  The offset of the MSD cancels.
 * Neighbours share pairs over n frames, so a part is at least IW_BLOCK_LAGS times as long.  Pure.
 */
#include "correlate/moments.h"
#include "estimate/diffusion.h"

enum { IW_BLOCKS = 8, IW_BLOCK_LAGS = 4 };

/* member[s]: species s belongs to the group of `atoms` atoms, whose D is `mobile`; dt_fs: from one
 * frame of the moments to the next.  Fills D_cm2_s[0..n-1] and returns n: 8, 4 or 2 parts of nearly
 * equal length, or 0 where the run is too short for its window or D is not known. */
size_t iw_blocks_D(const iw_moments_result *moments, const bool *member, size_t atoms, double dt_fs,
                   const iw_diffusion *mobile, double D_cm2_s[IW_BLOCKS]);

#endif
