/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_LISTING_H
#define IW_LISTING_H
/* listing.h - rows of the daemon's listing, for who asks more about some of them. */
#include <jansson.h>
#include <stdbool.h>

/* Does this state mean that the run will not change any more?  An unknown one: yes; NULL: no. */
bool iw_run_has_ended(const char *state);

/* Is the run of this row counted among those of a material, besides what the database has of it
 * (array of {"source", "record"}, may be NULL)?  Those that go on are, and ended ones that are not
 * there. */
bool iw_row_counts(const json_t *row, const char *material, const json_t *filed);

#endif
