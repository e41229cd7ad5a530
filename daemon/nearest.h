/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_NEAREST_H
#define IW_NEAREST_H
/* nearest.h - what a misspelt word was meant to be. */

/* The entry of names (ends with NULL) that is nearest to word, or NULL when none is near. */
const char *iw_nearest(const char *word, const char *const *names);

#endif
