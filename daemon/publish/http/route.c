/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/route.h"

#include <stdio.h>
#include <string.h>

#define ROUTE_ROW(handler, method, path, parameters, role)                                         \
    [IW_ROUTE_##handler] = {method, path, parameters, role},
const iw_route iw_routes[IW_ROUTES] = {IW_ROUTE_MAP(ROUTE_ROW)};

static bool
is_path(const iw_route *route, const iw_target *target)
{
    const char *at = route->path + 1;
    for (size_t i = 0; i < target->n_segments; i++) {
        size_t size = strcspn(at, "/");
        const char *segment = target->segments[i];
        if (size == 0 ||
            (*at != '{' && (strlen(segment) != size || memcmp(at, segment, size) != 0)))
            return false;
        if (*at == '{' && !*segment)
            return false;
        at += size + (at[size] == '/');
    }
    return *at == '\0';
}

static bool
is_method(const iw_route *route, const char *method)
{
    return strcmp(route->method, method) == 0 ||
           (strcmp(method, "HEAD") == 0 && strcmp(route->method, "GET") == 0);
}

static void
add_method(char allow[64], const char *method)
{
    size_t used = strlen(allow);
    (void)snprintf(allow + used, 64 - used, "%s%s", used ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        add_method(allow, "HEAD");
}

static bool
is_known(const char *list, const char *key)
{
    size_t length = strlen(key);
    for (const char *at = list; *at; at += strspn(at, " ")) {
        size_t size = strcspn(at, " ");
        if (size == length && memcmp(at, key, size) == 0)
            return true;
        at += size;
    }
    return false;
}

static iw_status
check_parameters(const iw_route *route, const iw_target *target, iw_error *err)
{
    for (size_t i = 0; i < target->n_parameters; i++)
        if (!is_known(route->parameters, target->parameters[i].key))
            return iw_fail(
                err, IW_INVALID, "unknown parameter \"%s\": %s%s", target->parameters[i].key,
                *route->parameters ? "known here: " : "there is none here", route->parameters);
    return IW_OK;
}

iw_status
iw_route_find(const iw_target *target, const char *method, iw_route_id *id, char allow[64],
              iw_error *err)
{
    allow[0] = '\0';
    for (int i = 0; i < IW_ROUTES; i++) {
        if (!is_path(&iw_routes[i], target))
            continue;
        if (is_method(&iw_routes[i], method)) {
            *id = (iw_route_id)i;
            return check_parameters(&iw_routes[i], target, err);
        }
        add_method(allow, iw_routes[i].method);
    }
    if (allow[0])
        return iw_fail(err, IW_UNSUPPORTED, "this path takes %s", allow);
    return iw_fail(err, IW_NOT_FOUND, "there is nothing here: docs/http.md names every path");
}
