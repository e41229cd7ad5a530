/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/json.h"

#include "constants.h"
#include "publish/thin.h"
#include "publish/values.h"

#include <math.h>
#include <stdlib.h>

/* jansson's _new setters refuse NULL and pass the failure on: *ok is the sticky error. */
static void
put(json_t *object, const char *key, json_t *value, bool *ok)
{
    if (json_object_set_new(object, key, value) != 0)
        *ok = false;
}

static void
put_number(json_t *object, const char *key, double value, bool *ok)
{
    put(object, key, iw_json_number(value), ok);
}

static void
put_text(json_t *object, const char *key, const char *text, bool *ok)
{
    put(object, key, iw_json_text(text), ok);
}

static json_t *
numbers(const double *values, size_t n, bool *ok)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++) {
        if (json_array_append_new(array, iw_json_number(values[i])) != 0)
            *ok = false;
    }
    if (!array)
        *ok = false;
    return array;
}

/* The chosen points of one column; index NULL: all. */
static json_t *
column(const double *values, const size_t *index, size_t n, bool *ok)
{
    if (!index)
        return numbers(values, n, ok);
    double chosen[IW_THIN_POINTS];
    for (size_t k = 0; k < n; k++)
        chosen[k] = values[index[k]];
    return numbers(chosen, n, ok);
}

typedef enum { LAGS, ENERGIES } axis_kind;

static json_t *
series_json(const iw_series *series, axis_kind axis, const char *const names[3], bool full,
            bool *ok)
{
    json_t *object = json_object();
    size_t index[IW_THIN_POINTS];
    const size_t *chosen = NULL;
    size_t n = series->n;
    if (!full) {
        chosen = index;
        n = axis == LAGS ? iw_thin_growing(series->n, index)
                         : iw_thin_spectrum(series->y, series->n, index);
    }
    const double *columns[3] = {series->x, series->y, series->e};
    for (size_t c = 0; c < 3 && names[c]; c++) {
        json_t *values = columns[c] ? column(columns[c], chosen, n, ok) : json_array();
        put(object, names[c], values, ok);
    }
    return object;
}

/* The same points out of each array of a series that is JSON already. */
static void
thin_series(json_t *series, axis_kind axis, bool *ok)
{
    size_t index[IW_THIN_POINTS];
    const json_t *g = json_object_get(series, "g");
    const json_t *first = axis == ENERGIES ? g : json_object_get(series, "lag_ps");
    size_t n = json_array_size(first ? first : json_object_get(series, "lag_fs"));
    if (n <= IW_THIN_POINTS)
        return;
    double *weight = axis == ENERGIES ? calloc(n, sizeof *weight) : NULL;
    for (size_t i = 0; weight && i < n; i++)
        weight[i] = json_number_value(json_array_get(g, i));
    if (axis == ENERGIES && !weight) {
        *ok = false;
        return;
    }
    size_t kept = weight ? iw_thin_spectrum(weight, n, index) : iw_thin_growing(n, index);
    free(weight);
    void *next;
    const char *name;
    json_t *values;
    json_object_foreach_safe(series, next, name, values)
    {
        json_t *chosen = json_array();
        for (size_t i = 0; i < kept && json_array_size(values) == n; i++)
            if (json_array_append(chosen, json_array_get(values, index[i])) != 0)
                *ok = false;
        put(series, name, chosen, ok);
    }
}

bool
iw_record_thin(json_t *record)
{
    bool ok = true;
    const char *name;
    json_t *group;
    json_object_foreach(json_object_get(record, "groups"), name, group)
    {
        thin_series(json_object_get(group, "msd"), LAGS, &ok);
        thin_series(json_object_get(group, "vacf"), LAGS, &ok);
        thin_series(json_object_get(group, "vdos"), ENERGIES, &ok);
        thin_series(json_object_get(json_object_get(group, "paper"), "vdos"), ENERGIES, &ok);
    }
    thin_series(json_object_get(json_object_get(record, "transport"), "charge_msd"), LAGS, &ok);
    return ok;
}

static json_t *
estimate_json(const iw_estimate *estimate, bool *ok)
{
    json_t *object = json_object();
    put_number(object, "value", estimate->value, ok);
    put_number(object, "stderr", estimate->error, ok);
    put(object, "ci95", numbers(estimate->ci95, 2, ok), ok);
    return object;
}

static void
put_vibration(json_t *object, const iw_vibration *v, bool *ok)
{
    put_number(object, "omega_mean_meV", v->omega_mean_meV, ok);
    put_number(object, "omega30_mean_meV", v->omega30_mean_meV, ok);
    put_number(object, "e_vib_meV", v->e_vib_meV, ok);
    put_number(object, "f_vib_meV", v->f_vib_meV, ok);
    put_number(object, "s_vib_meV_K", v->s_vib_meV_K, ok);
    put_number(object, "c_v_meV_K", v->c_v_meV_K, ok);
    put_number(object, "e_vib_meV_atom", 3.0 * v->e_vib_meV, ok);
    put_number(object, "f_vib_meV_atom", 3.0 * v->f_vib_meV, ok);
    put_number(object, "s_vib_kB_atom", 3.0 * v->s_vib_meV_K / IW_BOLTZMANN_MEV_K, ok);
    put_number(object, "c_v_kB_atom", 3.0 * v->c_v_meV_K / IW_BOLTZMANN_MEV_K, ok);
}

static const char *const msd_names[3] = {"lag_ps", "msd_A2", "stderr_A2"};
static const char *const vacf_names[3] = {"lag_fs", "c", "stderr"};
static const char *const vdos_names[3] = {"energy_meV", "g", "stderr"};
static const char *const paper_vdos_names[3] = {"energy_meV", "g", NULL};

static json_t *
plateau_json(const iw_plateau *plateau, bool *ok)
{
    json_t *object = json_object();
    put_number(object, "value", plateau->D_cm2_s, ok);
    put_number(object, "stderr", plateau->stderr_cm2_s, ok);
    put(object, "lag_fs", numbers(plateau->lag_fs, 2, ok), ok);
    return object;
}

/* What is made from velocities, with its errors. */
static void
put_spectra(json_t *object, const iw_group_snapshot *group, bool *ok)
{
    put_number(object, "D_green_kubo_cm2_s", group->D_green_kubo_cm2_s, ok);
    put_number(object, "D_green_kubo_stderr_cm2_s", group->D_green_kubo_stderr_cm2_s, ok);
    put(object, "D_green_kubo_plateau_cm2_s", plateau_json(&group->D_green_kubo_plateau, ok), ok);
    put_vibration(object, &group->vibration, ok);
    json_t *errors = json_object();
    put_vibration(errors, &group->vibration_stderr, ok);
    put(object, "stderr", errors, ok);
    put(object, "stderr_epochs", json_integer((json_int_t)group->stderr_epochs), ok);
}

static json_t *
group_json(const iw_group_snapshot *group, unsigned flags, bool *ok)
{
    const iw_diffusion *d = &group->diffusion;
    json_t *object = json_object();
    put(object, "atoms", json_integer((json_int_t)group->atoms), ok);

    json_t *D = json_object();
    put_number(D, "value", d->D_cm2_s, ok);
    put_number(D, "stderr", d->stderr_cm2_s, ok);
    put(D, "ci95", numbers(d->ci95_cm2_s, 2, ok), ok);
    put_number(D, "stderr_model", d->stderr_model_cm2_s, ok);
    put_number(D, "stderr_blocks", d->stderr_blocks_cm2_s, ok);
    put_number(D, "stderr_atoms", d->stderr_atoms_cm2_s, ok);
    put_number(D, "stderr_hops", d->stderr_hops_cm2_s, ok);
    put(object, "D_cm2_s", D, ok);
    put_number(object, "D_einstein_cm2_s", d->D_einstein_cm2_s, ok);
    put(object, "D_axes_cm2_s", numbers(d->D_axes_cm2_s, 3, ok), ok);
    put(object, "D_axes_stderr_cm2_s", numbers(d->D_axes_stderr_cm2_s, 3, ok), ok);
    put_number(object, "alpha", d->alpha, ok);
    put_number(object, "non_gaussian", d->non_gaussian, ok);
    put_number(object, "effective_hops", d->effective_hops, ok);
    put_number(object, "he_relative_error", d->he_relative_error, ok);
    put(object, "fit_window_ps", numbers(d->fit_ps, 2, ok), ok);
    put_number(object, "msd_intercept_A2", d->intercept_A2, ok);
    put(object, "D_collective_cm2_s",
        group->has_collective ? estimate_json(&group->D_collective, ok) : json_null(), ok);
    put(object, "diffusive", json_boolean(d->diffusive), ok);
    put(object, "warning", d->warning ? json_string(d->warning) : json_null(), ok);

    put_spectra(object, group, ok);
    json_t *paper = json_null();
    if (group->has_paper) {
        paper = json_object();
        put_vibration(paper, &group->paper, ok);
    }
    if (flags & (IW_JSON_SERIES | IW_JSON_FULL)) {
        bool full = (flags & IW_JSON_FULL) != 0;
        put(object, "msd", series_json(&group->msd, LAGS, msd_names, full, ok), ok);
        put(object, "vacf", series_json(&group->vacf, LAGS, vacf_names, full, ok), ok);
        put(object, "vdos", series_json(&group->vdos, ENERGIES, vdos_names, full, ok), ok);
        if (group->has_paper)
            put(paper, "vdos",
                series_json(&group->vdos_paper, ENERGIES, paper_vdos_names, full, ok), ok);
    }
    put(object, "paper", paper, ok);
    return object;
}

static const char *const charge_msd_names[3] = {"lag_ps", "msd_e2A2", "stderr_e2A2"};

static json_t *
transport_json(const iw_transport *t, unsigned flags, bool *ok)
{
    if (t->n_species == 0)
        return json_null();
    json_t *object = json_object(), *charges = json_object(), *carriers = json_array();
    for (size_t s = 0; s < t->n_species; s++) {
        put_number(charges, t->species[s].name, t->species[s].charge_e, ok);
        if (t->species[s].carrier &&
            json_array_append_new(carriers, json_string(t->species[s].name)) != 0)
            *ok = false;
    }
    put(object, "charges_e", charges, ok);
    put_number(object, "total_charge_e", t->total_charge_e, ok);
    put_number(object, "volume_A3", t->volume_A3, ok);
    put(object, "conductivity_mS_cm", estimate_json(&t->collective, ok), ok);
    put(object, "conductivity_nernst_einstein_mS_cm", estimate_json(&t->nernst_einstein, ok), ok);
    put(object, "haven_ratio", estimate_json(&t->haven_ratio, ok), ok);
    put(object, "carriers", carriers, ok);
    put_number(object, "alpha", t->charge.alpha, ok);
    put(object, "fit_window_ps", numbers(t->charge.fit_ps, 2, ok), ok);
    put(object, "diffusive", json_boolean(t->charge.diffusive), ok);
    put(object, "warning", t->charge.warning ? json_string(t->charge.warning) : json_null(), ok);
    if (flags & (IW_JSON_SERIES | IW_JSON_FULL))
        put(object, "charge_msd",
            series_json(&t->charge_msd, LAGS, charge_msd_names, (flags & IW_JSON_FULL) != 0, ok),
            ok);
    return object;
}

static json_t *
run_json(const iw_snapshot *s, bool *ok)
{
    json_t *run = json_object();
    put_text(run, "id", s->id, ok);
    put_text(run, "name", s->name, ok);
    put_text(run, "state", s->state, ok);
    put_text(run, "code", s->code, ok);
    put_text(run, "code_version", s->code_version, ok);
    put_text(run, "material", s->material.name, ok);
    put_text(run, "material_source", s->material.named ? "metadata" : "formula", ok);
    put_text(run, "formula", s->material.formula, ok);
    put(run, "frames", json_integer((json_int_t)s->frames), ok);
    put(run, "atoms", json_integer((json_int_t)s->atoms), ok);
    put_number(run, "dt_fs", s->dt_fs, ok);
    put_number(run, "msd_dt_fs", s->msd_dt_fs, ok);
    put_number(run, "time_ps", s->time_ps, ok);
    put_number(run, "temperature_K", s->temperature_K, ok);
    put_number(run, "temperature_measured_K", s->temperature_measured_K, ok);
    put(run, "segments", json_integer((json_int_t)s->segments), ok);
    put_text(run, "velocity_source", s->engine_velocities ? "engine" : "finite differences", ok);
    put_text(run, "vdos_method", "physical", ok);
    put_text(run, "drift", s->drift, ok);
    put_text(run, "taper", s->taper, ok);
    put_number(run, "vacf_window_ps", s->vacf_window_ps, ok);
    put_number(run, "vdos_resolution_meV", s->n_groups ? s->groups[0].vdos_resolution_meV : NAN,
               ok);
    put_number(run, "cutoff_meV", s->cutoff_meV, ok);
    put_number(run, "paper_spacing_fs", s->paper_spacing_fs, ok);
    put(run, "input_hash", s->input_hash[0] ? json_string(s->input_hash) : json_null(), ok);
    json_t *mobile = json_array();
    for (size_t m = 0; m < s->n_mobile; m++) {
        if (json_array_append_new(mobile, json_string(s->mobile[m])) != 0)
            *ok = false;
    }
    put(run, "mobile", mobile, ok);
    return run;
}

static json_t *
health_json(const iw_health *h, bool *ok)
{
    json_t *health = json_object();
    put_text(health, "state", iw_health_state_name(h->state), ok);
    put_text(health, "reason", h->reason, ok);
    put_number(health, "temperature_mean_K", h->temperature_mean_K, ok);
    put_number(health, "temperature_recent_K", h->temperature_recent_K, ok);
    put_number(health, "energy_drift_meV_atom_ps", h->energy_drift_meV_atom_ps, ok);
    put_number(health, "energy_drift_stderr_meV_atom_ps", h->energy_drift_stderr_meV_atom_ps, ok);
    put_number(health, "volume_ratio", h->volume_ratio, ok);
    put_number(health, "lindemann", h->lindemann, ok);
    put_number(health, "framework_msd_A2", h->framework_msd_A2, ok);
    put_number(health, "com_drift_A_ps", h->com_drift_A_ps, ok);
    put(health, "refused_frames", json_integer((json_int_t)h->refused_frames), ok);
    return health;
}

static json_t *
equilibration_json(const iw_equilibration_snapshot *e, bool *ok)
{
    json_t *object = json_object();
    put_text(object, "rule", e->rule, ok);
    put_number(object, "skipped_ps", e->skipped_ps, ok);
    put(object, "skipped_frames", json_integer((json_int_t)e->skipped_frames), ok);
    put_number(object, "averaged_ps", e->averaged_ps, ok);
    put_number(object, "detected_ps", e->detected_ps, ok);
    put(object, "by", *e->by ? json_string(e->by) : json_null(), ok);
    put_text(object, "reason", e->reason, ok);
    return object;
}

static json_t *
events_json(const iw_snapshot *s, bool *ok)
{
    json_t *events = json_array();
    for (size_t e = 0; e < s->n_events; e++) {
        const iw_event *event = &s->events[e];
        json_t *object = json_object();
        put_text(object, "id", iw_event_id(event->kind), ok);
        put_text(object, "severity", iw_severity_name(iw_event_severity(event->kind)), ok);
        put(object, "frame", json_integer((json_int_t)event->frame), ok);
        put(object, "step", json_integer((json_int_t)event->step), ok);
        put_number(object, "time_ps", event->time_ps, ok);
        put(object, "count", json_integer((json_int_t)event->count), ok);
        put_text(object, "text", event->text, ok);
        if (json_array_append_new(events, object) != 0)
            *ok = false;
    }
    return events;
}

json_t *
iw_snapshot_json(const iw_snapshot *snapshot, unsigned flags)
{
    bool ok = true;
    json_t *record = json_object();
    put(record, "run", run_json(snapshot, &ok), &ok);
    json_t *groups = json_object();
    for (size_t g = 0; g < snapshot->n_groups; g++) {
        const iw_group_snapshot *group = &snapshot->groups[g];
        put(groups, group->name, group_json(group, flags, &ok), &ok);
    }
    put(record, "groups", groups, &ok);
    put(record, "transport", transport_json(&snapshot->transport, flags, &ok), &ok);
    put(record, "equilibration", equilibration_json(&snapshot->equilibration, &ok), &ok);
    json_t *convergence = iw_convergence_json(&snapshot->convergence);
    put_number(convergence, "target", snapshot->target, &ok);
    put(record, "convergence", convergence, &ok);
    put(record, "health", health_json(&snapshot->health, &ok), &ok);
    put(record, "events", events_json(snapshot, &ok), &ok);
    if (flags & (IW_JSON_SERIES | IW_JSON_FULL))
        put(record, "history", iw_history_json(snapshot), &ok);
    if (ok)
        return record;
    json_decref(record);
    return NULL;
}
