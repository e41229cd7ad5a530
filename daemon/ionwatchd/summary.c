/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ionwatchd/summary.h"

#include "ionwatchd/log.h"
#include "ionwatchd/mail.h"
#include "publish/values.h"

#include <math.h>
#include <string.h>

void
iw_summary_init(iw_summary *summary)
{
    memset(summary, 0, sizeof *summary);
    summary->time_ps = summary->temperature_K = NAN;
    summary->D_cm2_s = summary->stderr_cm2_s = NAN;
    summary->relative_error = summary->predicted_ps = summary->target = NAN;
    summary->temperature_recent_K = summary->lindemann = summary->framework_msd_A2 = NAN;
}

/* The shape of the history: points as far apart in number, the first and the last among them. */
static void
take_history(iw_summary *summary, const iw_snapshot *snapshot)
{
    size_t n = snapshot->n_history, kept = n < IW_SUMMARY_POINTS ? n : IW_SUMMARY_POINTS;
    for (size_t k = 0; k < kept; k++) {
        const iw_history_point *point =
            &snapshot->history[kept > 1 ? k * (n - 1) / (kept - 1) : n - 1];
        summary->point_ps[k] = (float)point->time_ps;
        summary->point_D_cm2_s[k] = (float)point->D_cm2_s;
    }
    summary->n_points = (uint32_t)kept;
}

/* The last of the worst: why a run is broken is not hidden by what comes of it. */
static void
take_events(iw_summary *summary, const iw_snapshot *snapshot)
{
    iw_severity worst = IW_WARNING;
    for (size_t i = 0; i < snapshot->n_events; i++) {
        const iw_event *event = &snapshot->events[i];
        iw_severity severity = iw_event_severity(event->kind);
        summary->warnings += severity != IW_NOTE;
        if (severity < worst)
            continue;
        worst = severity;
        iw_text_copy(summary->warned, sizeof summary->warned, event->text);
    }
}

void
iw_summary_of(iw_summary *summary, const iw_snapshot *snapshot)
{
    iw_summary_init(summary);
    const iw_group_snapshot *group = iw_snapshot_group(snapshot, "mobile");
    if (!group)
        group = iw_snapshot_group(snapshot, "all");
    summary->frames = snapshot->frames;
    summary->time_ps = snapshot->time_ps;
    summary->temperature_K = snapshot->temperature_K;
    if (group) {
        summary->D_cm2_s = group->diffusion.D_cm2_s;
        summary->stderr_cm2_s = group->diffusion.stderr_cm2_s;
    }
    summary->relative_error = snapshot->convergence.relative_error;
    summary->predicted_ps = snapshot->convergence.predicted_ps_to_target;
    summary->target = snapshot->target;
    summary->temperature_recent_K = snapshot->health.temperature_recent_K;
    summary->lindemann = snapshot->health.lindemann;
    summary->framework_msd_A2 = snapshot->health.framework_msd_A2;
    memcpy(summary->convergence, snapshot->convergence.state, sizeof summary->convergence);
    memcpy(summary->state, snapshot->state, sizeof summary->state);
    iw_text_copy(summary->health, sizeof summary->health,
                 iw_health_state_name(snapshot->health.state));
    take_history(summary, snapshot);
    take_events(summary, snapshot);
    iw_timestamp(summary->updated);
}

/* NULL: no memory. */
static json_t *
floats(const float *values, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++) {
        if (json_array_append_new(array, iw_json_number((double)values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return array;
}

static const struct {
    const char *key;
    size_t at; /* in the summary */
} numbers[] = {{"time_ps", offsetof(iw_summary, time_ps)},
               {"temperature_K", offsetof(iw_summary, temperature_K)},
               {"D_cm2_s", offsetof(iw_summary, D_cm2_s)},
               {"stderr_cm2_s", offsetof(iw_summary, stderr_cm2_s)},
               {"relative_error", offsetof(iw_summary, relative_error)},
               {"predicted_ps_to_target", offsetof(iw_summary, predicted_ps)},
               {"target", offsetof(iw_summary, target)},
               {"temperature_recent_K", offsetof(iw_summary, temperature_recent_K)},
               {"lindemann", offsetof(iw_summary, lindemann)},
               {"framework_msd_A2", offsetof(iw_summary, framework_msd_A2)}};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

bool
iw_summary_put(const iw_summary *summary, json_t *object)
{
    json_t *warned = *summary->warned ? iw_json_text(summary->warned) : json_null();
    json_t *health = *summary->health ? iw_json_text(summary->health) : json_null();
    /* "o" takes the reference also where it fails, and passes NULL on as failure. */
    json_t *more =
        json_pack("{so so s{sI so} s{so so}}", "target", iw_json_number(summary->target), "health",
                  health, "events", "warnings", (json_int_t)summary->warnings, "last", warned,
                  "history", "time_ps", floats(summary->point_ps, summary->n_points), "D_cm2_s",
                  floats(summary->point_D_cm2_s, summary->n_points));
    bool good = more && json_object_update(object, more) == 0;
    json_decref(more);
    for (size_t i = 0; i < NUMBERS && good; i++) {
        double value;
        memcpy(&value, (const char *)summary + numbers[i].at, sizeof value);
        good = json_object_set_new(object, numbers[i].key, iw_json_number(value)) == 0;
    }
    return good;
}

void
iw_summary_take(iw_summary *summary, const json_t *object)
{
    const json_t *events = json_object_get(object, "events");
    const json_t *history = json_object_get(object, "history");
    const json_t *time_ps = json_object_get(history, "time_ps");
    const json_t *D_cm2_s = json_object_get(history, "D_cm2_s");
    for (size_t i = 0; i < NUMBERS; i++) {
        double value = iw_number_at(object, numbers[i].key);
        memcpy((char *)summary + numbers[i].at, &value, sizeof value);
    }
    iw_text_copy(summary->health, sizeof summary->health, iw_text_at(object, "health"));
    summary->warnings = (uint32_t)json_integer_value(json_object_get(events, "warnings"));
    iw_text_copy(summary->warned, sizeof summary->warned, iw_text_at(events, "last"));
    size_t n = json_array_size(time_ps);
    if (n > IW_SUMMARY_POINTS || n != json_array_size(D_cm2_s))
        n = 0;
    summary->n_points = (uint32_t)n;
    for (size_t k = 0; k < n; k++) {
        summary->point_ps[k] = (float)iw_number_of(json_array_get(time_ps, k));
        summary->point_D_cm2_s[k] = (float)iw_number_of(json_array_get(D_cm2_s, k));
    }
}
