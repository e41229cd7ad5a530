/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/blocks.h"

#include "constants.h"

#include <math.h>

/* Sum over atoms of squared displacements, and pairs, of the epochs first..last-1. */
static void
add_epochs(const iw_moments_result *m, const bool *member, size_t lag, size_t first, size_t last,
           double *sum_A2, double *pairs)
{
    for (size_t e = first; e < last; e++) {
        *pairs += m->epoch_origins[e * m->n_lags + lag];
        for (size_t row = 0; row < 3 * m->n_species; row++)
            if (member[row / 3])
                *sum_A2 += m->epoch_sum_A2[(e * 3 * m->n_species + row) * m->n_lags + lag];
    }
}

size_t
iw_blocks_D(const iw_moments_result *moments, const bool *member, size_t atoms, double dt_fs,
            const iw_diffusion *mobile, double D_cm2_s[IW_BLOCKS])
{
    const iw_moments_result *m = moments;
    double start = mobile->fit_ps[0] * 1000 / dt_fs;
    size_t lag = 0, epochs = m->n_epochs;
    if (!isfinite(mobile->D_cm2_s) || !isfinite(start) || atoms == 0)
        return 0;
    while (lag < m->n_lags && (double)m->lag[lag] < start - 0.5)
        lag++;
    if (epochs > 0 && m->last_frames < m->epoch_frames)
        epochs--; /* unfinished */
    if (lag == m->n_lags)
        return 0;
    size_t n = IW_BLOCKS;
    while (n > 1 && epochs / n * m->epoch_frames < IW_BLOCK_LAGS * m->lag[lag])
        n /= 2;
    if (n < 2)
        return 0;
    double whole_A2 = 0, whole_pairs = 0, unit = IW_A2_FS_CM2_S / (6 * (double)m->lag[lag] * dt_fs);
    add_epochs(m, member, lag, 0, epochs, &whole_A2, &whole_pairs);
    for (size_t b = 0; b < n; b++) {
        double sum_A2 = 0, pairs = 0;
        add_epochs(m, member, lag, b * epochs / n, (b + 1) * epochs / n, &sum_A2, &pairs);
        double above_A2 = (sum_A2 / pairs - whole_A2 / whole_pairs) / (double)atoms;
        D_cm2_s[b] = mobile->D_cm2_s + above_A2 * unit;
    }
    return n;
}
