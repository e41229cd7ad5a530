/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_EPOCHS_H
#define IW_EPOCHS_H
/*
 * epochs.h - what each stretch of a run adds to its VACF: the blocks of a jackknife.
 *
 * The sums of a VACF are kept at marks, evenly spaced in frames.  The difference of two
 * neighbouring marks is the sum over the pairs whose later frame lies between them: each pair
 * belongs to exactly one epoch, and the epochs add up to the whole.  The first marks are one block
 * of the VACF apart, where its sums are cheapest; when there are IW_EPOCHS_MOST of them every
 * second one is dropped and the spacing doubles.  So marks depend on the number of frames alone,
 * epochs are equally long, and a run of any length has 16 to 32.  Costs one query of a closed block
 * per mark, 16 for each doubling of the run, and (species + 1) (W + 1) numbers of memory a mark.
 * Pure; one thread.
 */
#include "archive.h"
#include "vacf.h"

enum { IW_EPOCHS_MOST = 32 };

typedef struct iw_epochs iw_epochs;

/* For a VACF with this many species and this window W.  spacing: frames between the first marks.
 * NULL: NO_MEMORY. */
iw_epochs *iw_epochs_new(size_t n_species, size_t max_lag, size_t spacing, iw_error *err);
void iw_epochs_destroy(iw_epochs **self);

/* Makes a mark where one is due; to be called after each frame of vacf. */
iw_status iw_epochs_follow(iw_epochs *self, iw_vacf *vacf, iw_error *err);

/* Below, total is what iw_vacf_query has just said of the VACF that was followed.  Frames since the
 * last mark are an epoch where they are half a spacing or more, else part of the last one. */
size_t iw_epochs_count(const iw_epochs *self, const iw_vacf_result *total);
size_t iw_epochs_frames(const iw_epochs *self, const iw_vacf_result *total, size_t epoch);
/* out[total->n_lags]: origins of the epoch's pairs. */
void iw_epochs_origins(const iw_epochs *self, const iw_vacf_result *total, size_t epoch,
                       double *out);
/* out[total->n_lags]: sums of the epoch's pairs, added over species with weight[n_species]. */
void iw_epochs_sums(const iw_epochs *self, const iw_vacf_result *total, size_t epoch,
                    const double *weight, double *out);

/* See archive.h.  Loaded beside the VACF that is followed. */
void iw_epochs_archive(iw_epochs *self, iw_archive *archive);

/* Bytes held at most until the next mark has been made; by frames and options alone. */
size_t iw_epochs_memory(const iw_epochs *self);

#endif
