/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_ASSET_H
#define IW_HTTP_ASSET_H
/* asset.h - the files of the page, which the build puts into the program (embed.sh). */
#include "publish/http/body.h"

typedef struct {
    const char *name;
    const unsigned char *plain, *packed; /* as they are, and by gzip */
    size_t plain_size, packed_size;
} iw_asset;

extern const iw_asset iw_assets[]; /* ends with a NULL name; made by the build */

/* The body of a file, a new reference; NULL: there is none of that name, or no memory. */
iw_body *iw_asset_body(const char *name);

#endif
