/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_http.c - a request's line and headers, a line each: path with query, cookie, encodings,
 * tags, host; then a token for a session. */
#include "fuzz_target.h"
#include "publish/http/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES = 6 };

static void
look_at_target(const char *raw)
{
    static iw_target target;
    iw_error err;
    iw_route_id id = IW_ROUTES;
    char allow[64];
    if (iw_target_parse(raw, &target, &err) != IW_OK)
        return;
    if (target.n_segments > IW_TARGET_SEGMENTS || target.n_parameters > IW_TARGET_PARAMETERS)
        abort();
    static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE", "PUT"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        iw_status status = iw_route_find(&target, methods[i], &id, allow, &err);
        if (status == IW_OK && id >= IW_ROUTES)
            abort();
        if (status == IW_UNSUPPORTED && !allow[0])
            abort();
    }
}

static void
look_at_host(const char *header)
{
    char host[64];
    if (!iw_host_of(header, host, sizeof host))
        return;
    if (!*host || strlen(host) >= sizeof host || strpbrk(host, " /@\\\"<>"))
        abort();
    (void)iw_host_is_address(host);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static iw_sessions sessions = {.tokens = {"", "0123456789abcdef", "fedcba9876543210"}};
    char *text = malloc(size + 1), value[32];
    char *lines[LINES] = {NULL};
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *at = text;
    for (size_t i = 0; i < LINES; i++) {
        lines[i] = at;
        char *end = strchr(at, '\n');
        if (end)
            *end = '\0';
        at = end ? end + 1 : at + strlen(at);
    }
    look_at_target(lines[0]);
    if (iw_cookie_find(lines[1], "id", value, sizeof value) && strlen(value) >= sizeof value)
        abort();
    (void)iw_accepts_gzip(lines[2]);
    (void)iw_etag_matches(lines[3], "\"0123\"");
    look_at_host(lines[4]);
    iw_may role = iw_sessions_token(&sessions, lines[5]);
    if (role != IW_MAY_NOTHING && strcmp(lines[5], sessions.tokens[role]) != 0)
        abort();
    char renewed[IW_SESSION + 1];
    if (iw_sessions_role(&sessions, lines[5], 0, renewed) != IW_MAY_NOTHING)
        abort(); /* nobody can guess a seal */
    free(text);
    return 0;
}
