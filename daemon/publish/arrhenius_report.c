/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/arrhenius_report.h"

#include "estimate/arrhenius.h"
#include "publish/values.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WHY = 160 };

/* One run as it goes into the fit and out of it. */
typedef struct {
    const json_t *run; /* its object "run" */
    const char *source;
    const json_t *D; /* {"value", "stderr", ..} or NULL */
    double temperature_K;
    char why[WHY]; /* unfit, or "" */
} entry;

typedef struct {
    size_t n;
    entry *entries;
    iw_arrhenius_point *points;
    iw_arrhenius_mark *marks;
    iw_arrhenius line;
    json_t *warnings;
    bool ok;
} report;

static void
put(report *self, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        self->ok = false;
}

static void
read_entry(const json_t *from, const char *group, entry *to)
{
    const json_t *record = json_object_get(from, "record");
    const json_t *of_group = json_object_get(json_object_get(record, "groups"), group);
    *to = (entry){.run = json_object_get(record, "run"),
                  .source = iw_text_at(from, "source"),
                  .D = json_object_get(of_group, "D_cm2_s")};
    to->temperature_K = iw_number_at(to->run, "temperature_K");
    const char *warning = iw_text_at(of_group, "warning");
    if (!of_group)
        (void)snprintf(to->why, WHY, "it has no group %s", group);
    else if (strcmp(iw_text_at(json_object_get(record, "health"), "state"), "broken") == 0)
        (void)snprintf(to->why, WHY, "the run is broken");
    else if (json_is_false(json_object_get(of_group, "diffusive")))
        (void)snprintf(to->why, WHY, "not diffusive%s%s", *warning ? ": " : "", warning);
}

static int
colder(const void *a, const void *b)
{
    double x = ((const entry *)a)->temperature_K, y = ((const entry *)b)->temperature_K;
    if (isnan(x) || isnan(y))
        return (isnan(x) ? 1 : 0) - (isnan(y) ? 1 : 0);
    if (x < y || x > y)
        return x < y ? -1 : 1;
    return strcmp(iw_text_at(((const entry *)a)->run, "id"),
                  iw_text_at(((const entry *)b)->run, "id"));
}

static bool
known(const report *self, const char *id)
{
    for (size_t i = 0; i < self->n; i++)
        if (strcmp(iw_text_at(self->entries[i].run, "id"), id) == 0)
            return true;
    return false;
}

/* False: no memory. */
static bool
read_runs(report *self, const json_t *runs, const char *group)
{
    size_t most = json_array_size(runs);
    self->entries = calloc(most + 1, sizeof *self->entries);
    self->points = calloc(most + 1, sizeof *self->points);
    self->marks = calloc(most + 1, sizeof *self->marks);
    self->warnings = json_array();
    if (!self->entries || !self->points || !self->marks || !self->warnings)
        return false;
    for (size_t i = 0; i < most; i++) {
        entry *to = &self->entries[self->n];
        read_entry(json_array_get(runs, i), group, to);
        if (!known(self, iw_text_at(to->run, "id")))
            self->n++;
    }
    qsort(self->entries, self->n, sizeof *self->entries, colder);
    for (size_t i = 0; i < self->n; i++) {
        const entry *from = &self->entries[i];
        self->points[i] = (iw_arrhenius_point){.temperature_K = from->temperature_K,
                                               .D_cm2_s = iw_number_at(from->D, "value"),
                                               .stderr_cm2_s = iw_number_at(from->D, "stderr"),
                                               .unfit = from->why[0] ? from->why : NULL};
    }
    return true;
}

/* ---- what a reader must know before believing the line ---- */

static void __attribute__((format(printf, 2, 3))) warn(report *self, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    json_t *words = json_vsprintf(format, args);
    va_end(args);
    if (json_array_append_new(self->warnings, words) != 0)
        self->ok = false;
}

static void
warn_of_single_runs(report *self)
{
    const iw_arrhenius *line = &self->line;
    for (size_t i = 0; i < self->n; i++) {
        double without = self->marks[i].E_a_without_eV;
        if (without < line->E_a_ci95_eV[0] || without > line->E_a_ci95_eV[1])
            warn(self,
                 "E_a hangs on one run: without %s (%.5g K) it is %.3f eV, outside the interval",
                 iw_text_at(self->entries[i].run,
                            *iw_text_at(self->entries[i].run, "name") ? "name" : "id"),
                 self->points[i].temperature_K, without);
    }
}

static void
warn_of_cold_runs(report *self)
{
    size_t cold = 0;
    for (size_t i = 0; i < self->n; i++)
        cold +=
            self->entries[i].why[0] != '\0' && self->points[i].temperature_K < self->line.T_min_K;
    if (cold)
        warn(self,
             "%zu run%s colder than %.5g K %s left out: where cold runs drop out because little "
             "moves, those that stay are the fast ones, and E_a comes out too small",
             cold, cold == 1 ? "" : "s", self->line.T_min_K, cold == 1 ? "is" : "are");
}

static void
warn_all(report *self)
{
    const iw_arrhenius *line = &self->line;
    if (line->widened > 1.0)
        warn(self,
             "the points are not on one line (chi2 %.3g for %zu degree%s of freedom, p %.2g): all "
             "errors are widened %.2g times; look for a change of phase or mechanism, a run that "
             "has not settled, or an error of D that is told too small",
             line->chi2, line->dof, line->dof == 1 ? "" : "s", line->p_value, line->widened);
    if (line->n_temperatures == 2)
        warn(self, "two temperatures are on a line whatever they are: a third one would test it");
    if (line->E_a_ci95_eV[0] <= 0.0)
        warn(self, "E_a is not above zero within its interval: the runs show no activation");
    if (line->reach > 1.0)
        warn(self,
             "%.5g K lies %.2g times the range of 1/T outside the runs (%.5g to %.5g K): the "
             "interval holds only if nothing changes on the way",
             line->at_K, line->reach, line->T_min_K, line->T_max_K);
    warn_of_single_runs(self);
    warn_of_cold_runs(self);
}

/* ---- JSON ---- */

static json_t *
pair(double low, double high)
{
    return json_pack("[o, o]", iw_json_number(low), iw_json_number(high));
}

static json_t *
points_json(report *self)
{
    json_t *points = json_array();
    for (size_t i = 0; i < self->n; i++) {
        const entry *from = &self->entries[i];
        const iw_arrhenius_mark *mark = &self->marks[i];
        static const char *const texts[][2] = {{"run", "id"}, {"name", "name"}, {"state", "state"}};
        json_t *point = json_object();
        for (size_t t = 0; t < 3; t++)
            put(self, point, texts[t][0], json_string(iw_text_at(from->run, texts[t][1])));
        put(self, point, "source", json_string(from->source));
        put(self, point, "temperature_K", iw_json_number(from->temperature_K));
        put(self, point, "D_cm2_s",
            json_pack("{s:o, s:o}", "value", iw_json_number(self->points[i].D_cm2_s), "stderr",
                      iw_json_number(self->points[i].stderr_cm2_s)));
        put(self, point, "used", json_boolean(!mark->left_out));
        put(self, point, "left_out", mark->left_out ? json_string(mark->left_out) : json_null());
        put(self, point, "residual_sigma", iw_json_number(mark->residual_sigma));
        put(self, point, "E_a_without_eV", iw_json_number(mark->E_a_without_eV));
        if (json_array_append_new(points, point) != 0)
            self->ok = false;
    }
    return points;
}

static json_t *
fit_json(report *self)
{
    const iw_arrhenius *l = &self->line;
    json_t *fit = json_object();
    put(self, fit, "E_a_eV",
        json_pack("{s:o, s:o, s:o}", "value", iw_json_number(l->E_a_eV), "stderr",
                  iw_json_number(l->E_a_stderr_eV), "ci95",
                  pair(l->E_a_ci95_eV[0], l->E_a_ci95_eV[1])));
    put(self, fit, "ln_D0",
        json_pack("{s:o, s:o}", "value", iw_json_number(l->ln_D0), "stderr",
                  iw_json_number(l->ln_D0_stderr)));
    put(self, fit, "D0_cm2_s", iw_json_number(exp(l->ln_D0)));
    put(self, fit, "D_cm2_s",
        json_pack("{s:o, s:o, s:o, s:o}", "temperature_K", iw_json_number(l->at_K), "value",
                  iw_json_number(l->D_cm2_s), "stderr", iw_json_number(l->D_stderr_cm2_s), "ci95",
                  pair(l->D_ci95_cm2_s[0], l->D_ci95_cm2_s[1])));
    put(self, fit, "runs", json_integer((json_int_t)l->n_used));
    put(self, fit, "temperatures", json_integer((json_int_t)l->n_temperatures));
    put(self, fit, "temperature_range_K", pair(l->T_min_K, l->T_max_K));
    put(self, fit, "chi2", iw_json_number(l->chi2));
    put(self, fit, "degrees_of_freedom", json_integer((json_int_t)l->dof));
    put(self, fit, "p_value", iw_json_number(l->p_value));
    put(self, fit, "errors_widened", iw_json_number(l->widened));
    put(self, fit, "E_a_without_one_eV", pair(l->without_one_eV[0], l->without_one_eV[1]));
    put(self, fit, "reach", iw_json_number(l->reach));
    return fit;
}

/* NULL: no memory. */
static json_t *
report_json(report *self, const char *material, const char *group, double at_K)
{
    iw_error no_line = {0};
    iw_arrhenius fitted;
    bool line =
        iw_arrhenius_fit(self->points, self->n, at_K, &fitted, self->marks, &no_line) == IW_OK;
    self->line = fitted;
    if (line)
        warn_all(self);
    json_t *object = json_object();
    put(self, object, "material", json_string(material));
    put(self, object, "group", json_string(group));
    put(self, object, "points", points_json(self));
    put(self, object, "fit", line ? fit_json(self) : json_null());
    put(self, object, "reason", line ? json_null() : json_string(no_line.text));
    put(self, object, "warnings", json_incref(self->warnings));
    if (self->ok)
        return object;
    json_decref(object);
    return NULL;
}

iw_status
iw_arrhenius_report(const char *material, const char *group, const json_t *runs, double at_K,
                    json_t **out, iw_error *err)
{
    report self = {.ok = true};
    iw_status status = IW_OK;
    *out = NULL;
    if (!(at_K > 0.0))
        return iw_fail(err, IW_INVALID, "temperature of %g K: it must be above zero", at_K);
    if (read_runs(&self, runs, group))
        *out = report_json(&self, material, group, at_K);
    if (!*out)
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the runs of %s", material);
    json_decref(self.warnings);
    free(self.entries);
    free(self.points);
    free(self.marks);
    return status;
}
