/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed.h"

#include "ask.h"
#include "input.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINGER_MS = 5000 };

iw_status
iw_feed_find_daemon(const iw_settings *settings, iw_error *err)
{
    const char *endpoint = settings->endpoint;
    if (!endpoint)
        endpoint = getenv("IONWATCH_ENDPOINT");
    if (endpoint && strncmp(endpoint, "file://", 7) == 0)
        return IW_OK;
    iw_asker *asker = iw_asker_new(settings, err);
    if (!asker)
        return err->code;
    iw_status status = iw_ask(asker, "status", "", false, NULL, err);
    iw_asker_destroy(&asker);
    if (status == IW_TIMEOUT && !settings->once) {
        iw_complain(settings, "warning: %s; frames wait in the spool until then", err->text);
        return IW_OK;
    }
    return status;
}

static void
add_text(iw_feed *self, const char *key, const char *value)
{
    if (!value || self->n_metadata == IW_FEED_METADATA)
        return;
    self->metadata[2 * self->n_metadata] = key;
    self->metadata[2 * self->n_metadata + 1] = value;
    self->n_metadata++;
}

static void
add_number(iw_feed *self, const char *key, double value)
{
    if (isnan(value))
        return;
    char *text = self->numbers[self->n_numbers++];
    (void)snprintf(text, sizeof self->numbers[0], "%.17g", value);
    add_text(self, key, text);
}

/* What the daemon reads from the HELLO: the analysis that the user wants. */
static void
collect_metadata(iw_feed *self, const iw_run_info *run)
{
    const iw_settings *settings = self->settings;
    add_text(self, "mobile", settings->mobile);
    add_text(self, "drift", settings->drift);
    add_number(self, "msd_stride", settings->msd_stride ? (double)settings->msd_stride : NAN);
    add_number(self, "vacf_window_ps", settings->vacf_window_ps);
    add_text(self, "taper", settings->taper);
    add_text(self, "skip", settings->skip);
    add_text(self, "stop", settings->stop);
    add_text(self, "futility", settings->futility);
    add_text(self, "broken", settings->broken);
    add_number(self, "target", settings->target);
    add_number(self, "min_D_cm2_s", settings->min_D_cm2_s);
    add_number(self, "budget_ps", settings->budget_ps);
    add_number(self, "planned_ps", settings->planned_ps);
    add_number(self, "hop_length_A", settings->hop_length_A);
    add_number(self, "cutoff_meV", settings->cutoff_meV);
    add_number(self, "paper_spacing_fs", settings->paper_spacing_fs);
    (void)snprintf(self->adapter, sizeof self->adapter, "ionwatch %s " IONWATCH_VERSION,
                   settings->command);
    add_text(self, "adapter", self->adapter);
    for (size_t i = 0; i < run->n_metadata; i++)
        add_text(self, run->metadata[2 * i], run->metadata[2 * i + 1]);
    self->metadata[2 * self->n_metadata] = NULL;
}

iw_status
iw_feed_open(iw_feed *self, const iw_settings *settings, const iw_run_info *run,
             const ionwatch_run *units, iw_error *err)
{
    *self = (iw_feed){.settings = settings,
                      .advice = self->advice,
                      .content = self->content,
                      .stop_file = self->stop_file};
    self->last_frame_s = iw_clock_s();
    self->species = calloc(run->n_atoms + 1, sizeof *self->species);
    if (!self->species)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", run->n_atoms);
    for (size_t i = 0; i < run->n_atoms; i++)
        self->species[i] = run->species[run->kind[i]];
    collect_metadata(self, run);
    ionwatch_run out = *units;
    out.name = settings->run ? settings->run : run->name;
    out.code = run->code;
    out.code_version = run->code_version;
    out.n_atoms = run->n_atoms;
    out.species = self->species;
    out.mass_amu = run->mass_amu;
    out.charge_e = run->charge_e;
    out.timestep = run->timestep_fs / units->time_fs;
    out.stride = run->stride;
    out.temperature_K = run->temperature_K;
    out.wrapped = run->wrapped;
    out.metadata = self->metadata;
    self->handle = ionwatch_open(settings->endpoint, &out);
    if (!self->handle)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the client library");
    const char *text = ionwatch_error(self->handle);
    return *text ? iw_fail(err, IW_INVALID, "%s", text) : IW_OK;
}

void
iw_feed_close(iw_feed *self)
{
    (void)ionwatch_close(&self->handle, 0);
    free(self->species);
    self->species = NULL;
}

iw_status
iw_feed_send(iw_feed *self, const ionwatch_frame *frame, iw_error *err)
{
    ionwatch_status status = ionwatch_send(self->handle, frame);
    if (status == IONWATCH_DROPPED) {
        if (!self->dropped++)
            iw_complain(self->settings, "warning: step %" PRId64 " and what follows: %s",
                        frame->step, ionwatch_error(self->handle));
        return IW_OK;
    }
    if (status == IONWATCH_INVALID) { /* this frame; the run goes on */
        iw_complain(self->settings, "warning: frame of step %" PRId64 " left out: %s", frame->step,
                    ionwatch_error(self->handle));
        return IW_OK;
    }
    if (status)
        return iw_fail(err, status, "%s", ionwatch_error(self->handle));
    self->sent++;
    self->last_frame_s = iw_clock_s();
    return IW_OK;
}

static void
make_stop_file(const iw_feed *self)
{
    const char *path = self->stop_file;
    FILE *file = fopen(path, "wx");
    if (!file && errno == EEXIST) {
        iw_complain(self->settings,
                    "%s is there already: it is left as it is, for whoever made it ends the MD "
                    "code",
                    path);
        return;
    }
    bool written = file && fputs(self->content, file) != EOF;
    if (file && fclose(file) == EOF)
        written = false;
    if (written)
        iw_complain(self->settings, "wrote %s: the MD code ends at its next look at it", path);
    else
        iw_complain(self->settings, "cannot write %s: %m; end the MD code by hand", path);
}

bool
iw_feed_asked_to_stop(iw_feed *self)
{
    const char *reason = NULL;
    if (self->asked_to_stop || !ionwatch_should_stop(self->handle, &reason))
        return false;
    self->asked_to_stop = true;
    iw_complain(self->settings, "the daemon asks the run to stop: %s",
                reason ? reason : "no reason given");
    if (self->stop_file)
        make_stop_file(self);
    else
        iw_complain(self->settings, "to stop it: %s", self->advice);
    return true;
}

/* Waits until the daemon has every frame, and says so. */
static iw_exit
flush(iw_feed *self, const char *why, iw_exit result, ionwatch_status *flushed)
{
    const iw_settings *settings = self->settings;
    *flushed = ionwatch_flush(self->handle, (int)(settings->timeout_s * 1000));
    char why_refused[600];
    (void)snprintf(why_refused, sizeof why_refused, "%s", ionwatch_error(self->handle));
    (void)iw_feed_asked_to_stop(self);
    if (*flushed == IONWATCH_REFUSED) {
        iw_complain(settings, "%s", why_refused);
        return IW_EXIT_FAILURE;
    }
    if (*flushed) {
        iw_complain(settings, "%s after %g s: the daemon does not have every frame",
                    ionwatch_status_text(*flushed), settings->timeout_s);
        return IW_EXIT_NO_DAEMON;
    }
    iw_complain(settings, "%" PRIu64 " frames at the daemon, run %s (%s)", self->sent,
                ionwatch_run_id(self->handle), why);
    return result;
}

iw_exit
iw_feed_finish(iw_feed *self, iw_status status, const iw_error *err)
{
    const iw_settings *settings = self->settings;
    const char *why = status                ? "input damaged"
                      : self->asked_to_stop ? "stopped"
                      : iw_interrupted()    ? "interrupted"
                                            : "completed";
    iw_exit result = IW_EXIT_OK;
    ionwatch_status flushed = IONWATCH_OK;
    if (status) {
        iw_complain_error(settings, err);
        result = status == IW_REFUSED || self->sent == 0 ? IW_EXIT_FAILURE : IW_EXIT_OK;
    }
    if (status == IW_REFUSED) {
        (void)iw_feed_asked_to_stop(self);
    } else {
        (void)ionwatch_finish(self->handle, why);
        result = flush(self, why, result, &flushed);
    }
    char id[64];
    (void)snprintf(id, sizeof id, "%s", ionwatch_run_id(self->handle));
    ionwatch_status closed = ionwatch_close(&self->handle, flushed ? 0 : LINGER_MS);
    if (closed == IONWATCH_AGAIN) {
        iw_complain(settings,
                    "the rest waits in the spool file; `ionwatch %s` with IONWATCH_RUN_ID=%s "
                    "sends it",
                    settings->command, id);
    } else if (closed) {
        iw_complain(settings,
                    "what was still in memory is lost: the spool file cannot be written (%s); "
                    "stream the run again from its start once there is room",
                    ionwatch_status_text(closed));
        result = IW_EXIT_FAILURE;
    }
    return iw_interrupted() && result == IW_EXIT_OK ? IW_EXIT_INTERRUPTED : result;
}
