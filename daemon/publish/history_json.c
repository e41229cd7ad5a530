/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history_json.c - the past of a run in the words of the JSON contract.  Both series are short by
 * the way they are made (estimate/history.h, estimate/traces.h): they are never thinned. */
#include "publish/json.h"
#include "publish/values.h"

static const char *const check_names[] = {"time_ps",     "D_cm2_s",     "stderr_cm2_s",
                                          "lower_cm2_s", "upper_cm2_s", "relative_error"};
static const char *const trace_names[IW_TRACES] = {[IW_TRACE_TEMPERATURE] = "temperature_K",
                                                   [IW_TRACE_ENERGY] = "energy_meV_atom",
                                                   [IW_TRACE_FRAMEWORK] = "framework_msd_A2",
                                                   [IW_TRACE_VOLUME] = "volume_A3"};

/* One number of each of n rows, which have so many.  NULL: no memory. */
static json_t *
column(const void *rows, size_t n, size_t columns, size_t at)
{
    const double *numbers = rows;
    json_t *values = json_array();
    for (size_t i = 0; values && i < n; i++) {
        if (json_array_append_new(values, iw_json_number(numbers[i * columns + at])) != 0) {
            json_decref(values);
            values = NULL;
        }
    }
    return values;
}

static json_t *
checks_json(const iw_snapshot *s)
{
    enum { COLUMNS = sizeof(iw_history_point) / sizeof(double) };
    _Static_assert(COLUMNS == sizeof check_names / sizeof *check_names, "a name for each column");
    json_t *object = json_object();
    bool ok = object != NULL;
    for (size_t c = 0; c < COLUMNS && ok; c++)
        ok = json_object_set_new(object, check_names[c],
                                 column(s->history, s->n_history, COLUMNS, c)) == 0;
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

static bool
is_known(const iw_snapshot *s, size_t trace)
{
    for (size_t i = 0; i < s->n_traces; i++)
        if (isfinite(s->traces[i].value[trace]))
            return true;
    return false;
}

static json_t *
traces_json(const iw_snapshot *s)
{
    enum { COLUMNS = sizeof(iw_trace_point) / sizeof(double) };
    json_t *object = json_object();
    bool ok = object && json_object_set_new(object, "time_ps",
                                            column(s->traces, s->n_traces, COLUMNS, 0)) == 0;
    for (size_t t = 0; t < IW_TRACES && ok; t++)
        ok = !is_known(s, t) ||
             json_object_set_new(object, trace_names[t],
                                 column(s->traces, s->n_traces, COLUMNS, t + 1)) == 0;
    if (ok)
        return object;
    json_decref(object);
    return NULL;
}

json_t *
iw_history_json(const iw_snapshot *snapshot)
{
    /* "o" takes the reference also where it fails, and passes NULL on as failure. */
    return json_pack("{so so}", "diffusion", checks_json(snapshot), "health",
                     traces_json(snapshot));
}
