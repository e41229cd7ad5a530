/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HTTP_ROUTE_H
#define IW_HTTP_ROUTE_H
/* route.h - every route, as one table; docs/openapi.json is held against it by a test.  Pure. */
#include "publish/http/session.h"
#include "publish/http/target.h"

/* handler, method, path, parameters of the query (with blanks between them), who may */
#define IW_ROUTE_MAP(X)                                                                            \
    X(page, "GET", "/", "", IW_MAY_NOTHING)                                                        \
    X(asset, "GET", "/assets/{name}", "", IW_MAY_NOTHING)                                          \
    X(healthz, "GET", "/healthz", "", IW_MAY_NOTHING)                                              \
    X(openapi, "GET", "/api/v1/openapi.json", "", IW_MAY_NOTHING)                                  \
    X(session, "GET", "/api/v1/session", "", IW_MAY_NOTHING)                                       \
    X(session_open, "POST", "/api/v1/session", "", IW_MAY_NOTHING)                                 \
    X(session_close, "DELETE", "/api/v1/session", "", IW_MAY_NOTHING)                              \
    X(status, "GET", "/api/v1/status", "", IW_MAY_READ)                                            \
    X(runs, "GET", "/api/v1/runs", "all", IW_MAY_READ)                                             \
    X(run, "GET", "/api/v1/runs/{run}", "series", IW_MAY_READ)                                     \
    X(series, "GET", "/api/v1/runs/{run}/series.csv", "kind group", IW_MAY_READ)                   \
    X(arrhenius, "GET", "/api/v1/arrhenius", "run group at_K", IW_MAY_READ)                        \
    X(explain, "GET", "/api/v1/explain", "", IW_MAY_NOTHING)                                       \
    X(metrics, "GET", "/metrics", "", IW_MAY_READ)                                                 \
    X(stream, "GET", "/api/v1/stream", "run", IW_MAY_READ)                                         \
    X(stop, "POST", "/api/v1/runs/{run}/stop", "", IW_MAY_OPERATE)

typedef enum {
#define IW_ROUTE_ENUM(handler, method, path, parameters, role) IW_ROUTE_##handler,
    IW_ROUTE_MAP(IW_ROUTE_ENUM)
#undef IW_ROUTE_ENUM
        IW_ROUTES
} iw_route_id;

typedef struct {
    const char *method; /* GET stands for HEAD, too */
    const char *path;   /* a part in braces is any one part */
    const char *parameters;
    iw_may role;
} iw_route;

extern const iw_route iw_routes[IW_ROUTES];

/* The route of a request.  NOT_FOUND: there is no such path; UNSUPPORTED: not with this method, and
 * allow (64 bytes) gets those that there are; INVALID: an unknown parameter. */
iw_status iw_route_find(const iw_target *target, const char *method, iw_route_id *id,
                        char allow[64], iw_error *err);

#endif
