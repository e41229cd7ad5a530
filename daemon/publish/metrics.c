/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/metrics.h"

#include "publish/words.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { KEY = 64, LINE = 256 };

/* Sticky: after a failure nothing more is written. */
typedef struct {
    const json_t *status, *runs;
    bool open; /* OpenMetrics */
    iw_buffer *out;
    iw_status state;
    iw_error *err;
} writer;

static void
write_bytes(writer *self, const char *bytes, size_t size)
{
    if (self->state == IW_OK)
        self->state = iw_buffer_append(self->out, bytes, size, self->err);
}

static void write_text(writer *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
write_text(writer *self, const char *format, ...)
{
    char line[LINE];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (size > 0)
        write_bytes(self, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

/* A label's value: what a run is called must not end it, nor the line. */
static void
write_escaped(writer *self, const char *text)
{
    for (size_t plain; *text; text += plain) {
        plain = strcspn(text, "\\\"\n");
        write_bytes(self, text, plain);
        if (!text[plain])
            return;
        write_text(self, "\\%c", text[plain] == '\n' ? 'n' : text[plain]);
        plain++;
    }
}

/* The value at keys that are joined by ".". */
static const json_t *
value_at(const json_t *object, const char *path)
{
    while (object && *path) {
        char key[KEY];
        size_t size = strcspn(path, ".");
        (void)snprintf(key, sizeof key, "%.*s", (int)size, path);
        object = json_object_get(object, key);
        path += size + (path[size] == '.');
    }
    return object;
}

/* NAN where it is not known. */
static double
number_at(const json_t *object, const iw_metric *metric)
{
    const json_t *value = value_at(object, metric->from);
    if (json_is_boolean(value))
        return json_is_true(value) ? 1 : 0;
    return json_is_number(value) ? json_number_value(value) / metric->over : (double)NAN;
}

static bool
is_live(const json_t *run)
{
    return json_is_true(json_object_get(run, "live"));
}

/* Which of the values "a|b|c" a text is; -1: none of them. */
static int
place_of(const char *values, const char *text)
{
    for (int place = 0; text && *values; place++) {
        size_t size = strcspn(values, "|");
        if (strlen(text) == size && memcmp(values, text, size) == 0)
            return place;
        values += size + (values[size] == '|');
    }
    return -1;
}

/* OpenMetrics knows a family by its name without what its type adds. */
static size_t
family_length(const iw_metric *metric, bool open)
{
    size_t length = strlen(metric->name);
    const char *added = metric->type == IW_METRIC_COUNTER ? "_total"
                        : metric->type == IW_METRIC_INFO  ? "_info"
                                                          : "";
    return open ? length - strlen(added) : length;
}

static void
write_head(writer *self, const iw_metric *metric)
{
    const char *type = metric->type == IW_METRIC_COUNTER              ? "counter"
                       : metric->type == IW_METRIC_INFO && self->open ? "info"
                                                                      : "gauge";
    int family = (int)family_length(metric, self->open);
    write_text(self, "# HELP %.*s %s\n", family, metric->name, metric->help);
    write_text(self, "# TYPE %.*s %s\n", family, metric->name, type);
}

/* The name and, of a run, its label; what follows is the caller's. */
static void
write_name(writer *self, const iw_metric *metric, const json_t *run)
{
    write_bytes(self, metric->name, strlen(metric->name));
    if (!run)
        return;
    write_bytes(self, "{run=\"", 6);
    write_escaped(self, json_string_value(json_object_get(run, "id")));
    write_bytes(self, "\"", 1);
}

/* Labels and their keys in turn: "name name material material". */
static void
write_info(writer *self, const iw_metric *metric, const json_t *object, const json_t *run)
{
    char label[KEY], key[KEY], number[IW_CELL];
    const char *between = run ? "," : "{";
    int used = 0;
    write_name(self, metric, run);
    for (const char *at = metric->label; sscanf(at, "%63s %63s%n", label, key, &used) == 2;
         at += used) {
        const json_t *value = json_object_get(object, key);
        write_text(self, "%s%s=\"", between, label);
        if (json_is_string(value))
            write_escaped(self, json_string_value(value));
        else if (json_is_number(value))
            write_text(self, "%s", iw_cell_exact(number, json_number_value(value)));
        write_text(self, "\"");
        between = ",";
    }
    write_text(self, "} 1\n");
}

static void
write_states(writer *self, const iw_metric *metric, const json_t *run)
{
    int holds = place_of(metric->values, json_string_value(value_at(run, metric->from)));
    int place = 0;
    for (const char *at = metric->values; holds >= 0 && *at; place++) {
        size_t size = strcspn(at, "|");
        write_name(self, metric, run);
        write_text(self, ",%s=\"%.*s\"} %d\n", metric->label, (int)size, at, place == holds);
        at += size + (at[size] == '|');
    }
}

static void
write_counts(writer *self, const iw_metric *metric)
{
    int place = 0;
    for (const char *at = metric->values; *at; place++) {
        size_t size = strcspn(at, "|"), i, n = 0;
        json_t *run;
        json_array_foreach(self->runs, i, run) n +=
            is_live(run) &&
            place_of(metric->values, json_string_value(value_at(run, metric->from))) == place;
        write_text(self, "%s{%s=\"%.*s\"} %zu\n", metric->name, metric->label, (int)size, at, n);
        at += size + (at[size] == '|');
    }
}

/* One sample, or as many as there are states; nothing for what is not known. */
static void
write_sample(writer *self, const iw_metric *metric, const json_t *object, const json_t *run)
{
    char number[IW_CELL];
    double value;
    switch (metric->type) {
    case IW_METRIC_INFO:
        write_info(self, metric, object, run);
        break;
    case IW_METRIC_STATES:
        write_states(self, metric, run);
        break;
    case IW_METRIC_COUNTS:
        write_counts(self, metric);
        break;
    case IW_METRIC_COUNTER:
    case IW_METRIC_GAUGE:
        value = number_at(object, metric);
        if (!isfinite(value))
            return;
        write_name(self, metric, run);
        write_text(self, "%s %s\n", run ? "}" : "", iw_cell_exact(number, value));
        break;
    }
}

iw_status
iw_metrics_write(const json_t *status, const json_t *runs, iw_metrics_format format, iw_buffer *out,
                 iw_error *err)
{
    writer self = {status, runs, format == IW_METRICS_OPENMETRICS, out, IW_OK, err};
    if (!json_is_object(status) || !json_is_array(runs))
        return iw_fail(err, IW_INVALID, "metrics are made of the answers to status and list");
    for (const iw_metric *metric = iw_metrics; metric->name; metric++) {
        write_head(&self, metric);
        if (!metric->run) {
            write_sample(&self, metric, status, NULL);
            continue;
        }
        size_t i;
        json_t *run;
        json_array_foreach(runs, i, run)
        {
            if (is_live(run) && json_is_string(json_object_get(run, "id")))
                write_sample(&self, metric, run, run);
        }
    }
    if (self.open)
        write_text(&self, "# EOF\n");
    return self.state;
}

iw_metrics_format
iw_metrics_accepted(const char *accept)
{
    return accept && strstr(accept, "application/openmetrics-text") ? IW_METRICS_OPENMETRICS
                                                                    : IW_METRICS_TEXT;
}

const char *
iw_metrics_content_type(iw_metrics_format format)
{
    return format == IW_METRICS_OPENMETRICS
               ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
               : "text/plain; version=0.0.4; charset=utf-8";
}

static void
print_row(FILE *out, const iw_metric *metric)
{
    static const char *const types[] = {"counter", "gauge", "info", "gauge", "gauge"};
    char label[KEY], key[KEY];
    int used = 0;
    (void)fprintf(out, "| `%s` | %s | %s | ", metric->name, types[metric->type], metric->unit);
    if (metric->type == IW_METRIC_INFO)
        for (const char *at = metric->label; sscanf(at, "%63s %63s%n", label, key, &used) == 2;
             at += used)
            (void)fprintf(out, "%s`%s`", at == metric->label ? "" : ", ", label);
    else if (*metric->label)
        (void)fprintf(out, "`%s`: ", metric->label);
    for (const char *at = metric->values; *at; at++)
        (void)fprintf(out, *at == '|' ? ", " : "%c", *at);
    (void)fprintf(out, " | %s |\n", metric->help);
}

void
iw_metrics_page(FILE *out)
{
    (void)fprintf(out,
                  "# Metrics\n\n"
                  "What `GET /metrics` of the daemon answers, in the Prometheus text format 0.0.4, "
                  "or in\nOpenMetrics 1.0 for who asks for that. Made by `ionwatchd "
                  "--print-metrics`.\n\n"
                  "A value that is not known is left out. Counters begin at 0 when the daemon "
                  "starts.\n");
    for (int of_run = 0; of_run < 2; of_run++) {
        (void)fprintf(out, of_run ? "\n## Of each run\n\nWith its id as the label `run`, until it "
                                    "is filed.\n"
                                  : "\n## Of the daemon\n");
        (void)fprintf(out,
                      "\n| Metric | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n");
        for (const iw_metric *metric = iw_metrics; metric->name; metric++)
            if (metric->run == (of_run == 1))
                print_row(out, metric);
    }
}
