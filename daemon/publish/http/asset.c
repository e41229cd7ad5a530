/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/asset.h"

#include <string.h>

static const char *
type_of(const char *name)
{
    static const struct {
        const char *suffix, *type;
    } known[] = {{".html", "text/html; charset=utf-8"},
                 {".css", "text/css; charset=utf-8"},
                 {".js", "text/javascript; charset=utf-8"},
                 {".svg", "image/svg+xml"},
                 {".png", "image/png"},
                 {".json", "application/json"},
                 {".txt", "text/plain; charset=utf-8"}};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof known[0]; i++)
        if (strcmp(dot, known[i].suffix) == 0)
            return known[i].type;
    return "application/octet-stream";
}

iw_body *
iw_asset_body(const char *name)
{
    const iw_asset *asset = iw_assets;
    while (asset->name && strcmp(asset->name, name) != 0)
        asset++;
    iw_buffer bytes = {0};
    if (!asset->name || iw_buffer_append(&bytes, asset->plain, asset->plain_size, NULL) != IW_OK)
        return NULL;
    iw_body *body = iw_body_new(type_of(name), &bytes);
    if (body && asset->packed_size < asset->plain_size)
        (void)iw_buffer_append(&body->packed, asset->packed, asset->packed_size, NULL);
    if (body)
        body->tried = true;
    return body;
}
