/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FFT_H
#define IW_FFT_H
/*
 * fft.h - the one place where FFTW plans are made.
 *
 * Plans are estimated, not measured: no time at start, 20 % slower transforms.
 * Planning is behind one lock, execution is free.  There is one plan for each length, shared by its
 * users; a few that have none are kept.  Arrays come from iw_fft_alloc (aligned for SIMD).
 */
#include "error.h"

#include <complex.h>

typedef struct iw_fft iw_fft; /* transforms of one length: real both ways, complex forward */

/* The plan for transforms of length n, until it is released.  NULL: NO_MEMORY. */
const iw_fft *iw_fft_get(size_t n, iw_error *err);
void iw_fft_release(const iw_fft **plan); /* NULL is nothing; *plan becomes NULL */
void *iw_fft_alloc(size_t bytes);         /* zeroed, or NULL */
void *iw_fft_alloc_raw(size_t bytes);     /* not zeroed: for what is filled at once, or NULL */
void iw_fft_free(void *memory);

/* in[n] -> out[n/2 + 1]; in is kept.  Arrays from iw_fft_alloc. */
void iw_fft_forward(const iw_fft *plan, double *in, double complex *out);
/* in[n/2 + 1] -> out[n], not divided by n; in is destroyed. */
void iw_fft_backward(const iw_fft *plan, double complex *in, double *out);
/* in[n] -> out[n]; in is kept, out is another array. */
void iw_fft_complex(const iw_fft *plan, const double complex *in, double complex *out);

#endif
