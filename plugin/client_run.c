/* SPDX-License-Identifier: BSD-3-Clause */
/* From the MD code's description of a run to ours: units, defaults, and what is refused. */
#include "client.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
ionwatch_run_init(ionwatch_run *run)
{
    memset(run, 0, sizeof *run);
    run->size = sizeof *run;
    run->length_A = 1.0;
    run->time_fs = 1.0;
    run->energy_eV = 1.0;
    run->timestep = (double)NAN;
    run->stride = 1;
    run->temperature_K = (double)NAN;
    run->wrapped = 1;
    run->queue_bytes = (uint64_t)64 << 20;
    run->spool_bytes = (uint64_t)16 << 30;
    run->policy = IONWATCH_BLOCK;
}

static const char *
given_or_set(const char *given, const char *variable)
{
    if (given && *given)
        return given;
    const char *set = getenv(variable);
    return set && *set ? set : NULL;
}

static iw_status
copy_text(char **to, const char *from, iw_error *err)
{
    *to = strdup(from ? from : "");
    return *to ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for the run's description");
}

static iw_status
take_id(ionwatch *w, const char *given, iw_error *err)
{
    const char *id = given_or_set(given, "IONWATCH_RUN_ID");
    if (!id)
        return iw_uuid_new(w->run.id, err);
    size_t length = strlen(id);
    for (size_t i = 0; i <= length && i <= IW_ID_LENGTH; i++)
        w->run.id[i] = (char)(id[i] >= 'A' && id[i] <= 'F' ? id[i] - 'A' + 'a' : id[i]);
    if (length == IW_ID_LENGTH && iw_uuid_valid(w->run.id))
        return IW_OK;
    w->run.id[0] = '\0';
    return iw_fail(err, IW_INVALID, "run id '%.60s' is not a UUID", id);
}

/* Named after the folder that the MD code runs in, if by nobody. */
static iw_status
take_name(ionwatch *w, const char *given, iw_error *err)
{
    char folder[PATH_MAX];
    const char *name = given_or_set(given, "IONWATCH_RUN_NAME");
    if (!name) {
        name = "run";
        if (getcwd(folder, sizeof folder)) {
            const char *slash = strrchr(folder, '/');
            if (slash && slash[1])
                name = slash + 1;
        }
    }
    return copy_text(&w->run.name, name, err);
}

static iw_status
take_units(ionwatch *w, const ionwatch_run *from, iw_error *err)
{
    const double units[] = {from->length_A, from->time_fs, from->energy_eV};
    const char *const names[] = {"length_A", "time_fs", "energy_eV"};
    for (int i = 0; i < 3; i++)
        if (!isfinite(units[i]) || units[i] <= 0.0)
            return iw_fail(err, IW_INVALID, "unit %s is %g, not above zero", names[i], units[i]);
    w->length_A = from->length_A;
    w->time_fs = from->time_fs;
    w->energy_eV = from->energy_eV;
    w->velocity_A_fs = from->length_A / from->time_fs;
    if (isfinite(from->timestep) && from->timestep <= 0.0)
        return iw_fail(err, IW_INVALID, "timestep is %g, not above zero", from->timestep);
    if (from->stride < 1)
        return iw_fail(err, IW_INVALID, "stride is %lld, below 1", (long long)from->stride);
    if (isfinite(from->temperature_K) && from->temperature_K < 0.0)
        return iw_fail(err, IW_INVALID, "temperature_K is %g, below zero", from->temperature_K);
    w->run.timestep_fs = from->timestep * from->time_fs;
    w->run.stride = from->stride;
    w->run.temperature_K = from->temperature_K;
    w->run.wrapped = from->wrapped != 0;
    return IW_OK;
}

static iw_status
take_atoms(ionwatch *w, const ionwatch_run *from, iw_error *err)
{
    size_t n = from->n_atoms;
    if (n == 0 || !from->species)
        return iw_fail(err, IW_INVALID, "the run has %zu atoms and %s species names", n,
                       from->species ? "their" : "no");
    iw_status status = iw_run_info_set_atoms(&w->run, n, from->species, err);
    if (status != IW_OK)
        return status;
    for (size_t i = 0; i < n; i++) {
        double mass = from->mass_amu ? from->mass_amu[i] : w->run.mass_amu[i];
        if (!isfinite(mass) || mass <= 0.0)
            return iw_fail(err, IW_INVALID, "atom %zu (%s) has mass %g amu", i, from->species[i],
                           mass);
        w->run.mass_amu[i] = mass;
    }
    if (!from->charge_e)
        return IW_OK;
    w->run.charge_e = malloc(n * sizeof(double));
    if (!w->run.charge_e)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu charges", n);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(from->charge_e[i]))
            return iw_fail(err, IW_INVALID, "atom %zu (%s) has charge %g e", i, from->species[i],
                           from->charge_e[i]);
        w->run.charge_e[i] = from->charge_e[i];
    }
    return IW_OK;
}

iw_status
iw_client_take_run(ionwatch *w, const ionwatch_run *from, iw_error *err)
{
    if (!from || from->size != sizeof *from)
        return iw_fail(err, IW_INVALID,
                       "ionwatch_run has size %zu, %zu is known: call ionwatch_run_init()",
                       from ? from->size : 0, sizeof *from);
    iw_status status = take_id(w, from->run_id, err);
    if (status == IW_OK)
        status = take_name(w, from->name, err);
    if (status == IW_OK)
        status = copy_text(&w->run.code, from->code, err);
    if (status == IW_OK)
        status = copy_text(&w->run.code_version, from->code_version, err);
    if (status == IW_OK)
        status = take_units(w, from, err);
    if (status == IW_OK)
        status = take_atoms(w, from, err);
    const char *const *pair = from->metadata;
    for (; status == IW_OK && pair && pair[0] && pair[1]; pair += 2) {
        status = iw_run_info_set_metadata(&w->run, pair[0], pair[1], err);
        if (status == IW_OK && w->run.n_metadata > IW_MAX_METADATA)
            status = iw_fail(err, IW_INVALID, "at most %d pairs of metadata are possible",
                             IW_MAX_METADATA);
    }
    if (from->policy != IONWATCH_BLOCK && from->policy != IONWATCH_DROP && status == IW_OK)
        status = iw_fail(err, IW_INVALID, "policy %d is neither block nor drop", (int)from->policy);
    w->policy = from->policy;
    return status;
}
