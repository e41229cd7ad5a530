/* SPDX-License-Identifier: GPL-3.0-or-later */
/* follow.c - streams growing files to the daemon through libionwatch, as an adapter would. */
#include "ask.h"
#include "input.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define POLL_S 0.1 /* between looks at a file that has not grown */

enum { MAX_METADATA = 64, LINGER_MS = 5000 };

typedef struct {
    const iw_settings *settings;
    iw_reader *reader;
    iw_run_info run;
    iw_frame frame;
    ionwatch *handle;
    const char *metadata[2 * MAX_METADATA + 1];
    size_t n_metadata;
    char numbers[16][32]; /* texts of numeric options */
    size_t n_numbers;
    const char **species; /* [n_atoms], borrowed from run */
    uint64_t sent;
    double last_frame_s; /* clock */
    bool asked_to_stop;
} following;

/* How a code is told to end; what a person does, and what --stop-file writes. */
static const struct {
    const char *code, *advice, *content;
} stop_advice[] = {
    {"vasp", "write LSTOP = .TRUE. into a file STOPCAR beside the INCAR", "LSTOP = .TRUE.\n"},
    {"cp2k", "make an empty file EXIT_MD (or PROJECT.EXIT_MD) in its folder", ""},
    {"quantum espresso", "make an empty file PREFIX.EXIT in its folder", ""},
    {"lammps", "make the file that its `fix halt ... is_file()` waits for, if the input has one",
     ""},
};

static void
add_text(following *self, const char *key, const char *value)
{
    if (!value || self->n_metadata == MAX_METADATA)
        return;
    self->metadata[2 * self->n_metadata] = key;
    self->metadata[2 * self->n_metadata + 1] = value;
    self->n_metadata++;
}

static void
add_number(following *self, const char *key, double value)
{
    if (isnan(value))
        return;
    char *text = self->numbers[self->n_numbers++];
    (void)snprintf(text, sizeof self->numbers[0], "%.17g", value);
    add_text(self, key, text);
}

/* What the daemon reads from the HELLO: the analysis that the user wants. */
static void
collect_metadata(following *self)
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
    add_text(self, "adapter", "ionwatch follow " IONWATCH_VERSION);
    for (size_t i = 0; i < self->run.n_metadata; i++)
        add_text(self, self->run.metadata[2 * i], self->run.metadata[2 * i + 1]);
    self->metadata[2 * self->n_metadata] = NULL;
}

/* Waits for a file to appear and to hold a first frame, unless --once. */
static iw_status
open_reader(following *self, iw_error *err)
{
    bool told = false;
    while (!iw_interrupted()) {
        self->reader = iw_input_open(self->settings, !self->settings->once, err);
        if (self->reader)
            return IW_OK;
        bool waits = err->code == IW_AGAIN || err->code == IW_NOT_FOUND;
        if (self->settings->once || !waits)
            return err->code;
        if (!told)
            iw_complain(self->settings, "%s: waiting (Ctrl-C ends)", err->text);
        told = true;
        iw_pause(POLL_S);
    }
    return iw_fail(err, IW_CLOSED, "interrupted before there was a frame");
}

static iw_status
open_handle(following *self, iw_error *err)
{
    const iw_run_info *run = &self->run;
    self->species = calloc(run->n_atoms + 1, sizeof *self->species);
    if (!self->species)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", run->n_atoms);
    for (size_t i = 0; i < run->n_atoms; i++)
        self->species[i] = run->species[run->kind[i]];
    collect_metadata(self);
    ionwatch_run out;
    ionwatch_run_init(&out);
    out.name = self->settings->run ? self->settings->run : run->name;
    out.code = run->code;
    out.code_version = run->code_version;
    out.n_atoms = run->n_atoms;
    out.species = self->species;
    out.mass_amu = run->mass_amu;
    out.charge_e = run->charge_e;
    out.length_A = out.time_fs = out.energy_eV = 1;
    out.timestep = run->timestep_fs;
    out.stride = run->stride;
    out.temperature_K = run->temperature_K;
    out.wrapped = run->wrapped;
    out.metadata = self->metadata;
    self->handle = ionwatch_open(self->settings->endpoint, &out);
    if (!self->handle)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the client library");
    const char *text = ionwatch_error(self->handle);
    return *text ? iw_fail(err, IW_INVALID, "%s", text) : IW_OK;
}

static iw_status
send_frame(following *self, iw_error *err)
{
    const iw_frame *frame = &self->frame;
    ionwatch_frame out;
    ionwatch_frame_init(&out);
    out.step = frame->step;
    out.time = frame->time_fs;
    out.cell = frame->has_cell ? frame->cell_A : NULL;
    out.pos_f64 = frame->pos_A;
    out.vel_f64 = frame->has_velocities ? frame->vel_A_fs : NULL;
    out.potential_energy = frame->potential_energy_eV;
    out.kinetic_energy = frame->kinetic_energy_eV;
    out.temperature_K = frame->temperature_K;
    ionwatch_status status = ionwatch_send(self->handle, &out);
    if (status == IONWATCH_INVALID) { /* this frame; the run goes on */
        iw_complain(self->settings, "warning: frame %" PRIu64 " left out: %s", frame->seq,
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
make_stop_file(const following *self, const char *content)
{
    const char *path = self->settings->stop_file;
    FILE *file = fopen(path, "w");
    if (!file || fputs(content, file) == EOF || fclose(file) == EOF)
        iw_complain(self->settings, "cannot write %s: %m; end the MD code by hand", path);
    else
        iw_complain(self->settings, "wrote %s: the MD code ends at its next look at it", path);
}

/* Once: tells the reason and how to end the code, or ends it through --stop-file. */
static void
check_stop(following *self)
{
    const char *reason = NULL;
    if (self->asked_to_stop || !ionwatch_should_stop(self->handle, &reason))
        return;
    self->asked_to_stop = true;
    const char *advice = "end the MD code as its manual says", *content = "";
    for (size_t i = 0; i < sizeof stop_advice / sizeof *stop_advice; i++) {
        if (self->run.code && strcasecmp(self->run.code, stop_advice[i].code) == 0) {
            advice = stop_advice[i].advice;
            content = stop_advice[i].content;
        }
    }
    iw_complain(self->settings, "the daemon asks the run to stop: %s",
                reason ? reason : "no reason given");
    if (self->settings->stop_file)
        make_stop_file(self, content);
    else
        iw_complain(self->settings, "to stop it: %s", advice);
}

static void
print_notes(const following *self)
{
    const char *note;
    while ((note = iw_reader_note(self->reader)) != NULL)
        iw_complain(self->settings, "%s", note);
}

/* Until the end of the files (--once), Ctrl-C, or --idle. */
static iw_status
stream(following *self, iw_error *err)
{
    iw_progress progress;
    iw_progress_start(&progress, self->settings->once ? "streaming" : "following");
    iw_status status = IW_OK;
    self->last_frame_s = iw_clock_s();
    while (status == IW_OK && !iw_interrupted()) {
        status = iw_reader_next(self->reader, &self->frame, err);
        print_notes(self);
        if (status == IW_OK) {
            status = send_frame(self, err);
        } else if (status == IW_AGAIN) {
            if (iw_clock_s() - self->last_frame_s > self->settings->idle_s)
                break;
            iw_pause(POLL_S);
            status = IW_OK;
        }
        check_stop(self);
        iw_progress_update(&progress, self->sent,
                           self->settings->once ? iw_reader_progress(self->reader) : (double)NAN);
    }
    iw_progress_end(&progress);
    bool ended = status == IW_END || status == IW_AGAIN;
    return ended || (status == IW_CLOSED && iw_interrupted()) ? IW_OK : status;
}

/* Says why the run ends and waits until the daemon has every frame. */
static iw_exit
finish(following *self, iw_status status, const iw_error *err)
{
    const iw_settings *settings = self->settings;
    const char *why = status                ? "input damaged"
                      : self->asked_to_stop ? "stopped"
                      : iw_interrupted()    ? "interrupted"
                                            : "completed";
    iw_exit result = IW_EXIT_OK;
    if (status) {
        iw_complain_error(settings, err);
        result = status == IW_REFUSED || self->sent == 0 ? IW_EXIT_FAILURE : IW_EXIT_OK;
    }
    if (status != IW_REFUSED)
        (void)ionwatch_finish(self->handle, why);
    ionwatch_status flushed = status == IW_REFUSED
                                  ? IONWATCH_OK
                                  : ionwatch_flush(self->handle, (int)(settings->timeout_s * 1000));
    char why_refused[600];
    (void)snprintf(why_refused, sizeof why_refused, "%s", ionwatch_error(self->handle));
    check_stop(self);
    char id[64];
    (void)snprintf(id, sizeof id, "%s", ionwatch_run_id(self->handle));
    if (flushed == IONWATCH_REFUSED) {
        iw_complain(settings, "%s", why_refused);
        result = IW_EXIT_FAILURE;
    } else if (flushed) {
        iw_complain(settings, "%s after %g s: the daemon does not have every frame",
                    ionwatch_status_text(flushed), settings->timeout_s);
        result = IW_EXIT_NO_DAEMON;
    } else if (status != IW_REFUSED) {
        iw_complain(settings, "%" PRIu64 " frames at the daemon, run %s (%s)", self->sent, id, why);
    }
    ionwatch_status closed = ionwatch_close(&self->handle, flushed ? 0 : LINGER_MS);
    if (closed == IONWATCH_AGAIN)
        iw_complain(settings,
                    "the rest waits in the spool file; `ionwatch follow` with IONWATCH_RUN_ID=%s "
                    "sends it",
                    id);
    else if (closed) {
        iw_complain(settings,
                    "what was still in memory is lost: the spool file cannot be written (%s); "
                    "follow the files again from their start once there is room",
                    ionwatch_status_text(closed));
        result = IW_EXIT_FAILURE;
    }
    return iw_interrupted() && result == IW_EXIT_OK ? IW_EXIT_INTERRUPTED : result;
}

/* Is a daemon there?  Without one --once has no use; following may begin, for one can come. */
static iw_status
find_daemon(following *self, iw_error *err)
{
    const char *endpoint = self->settings->endpoint;
    if (!endpoint)
        endpoint = getenv("IONWATCH_ENDPOINT");
    if (endpoint && strncmp(endpoint, "file://", 7) == 0)
        return IW_OK;
    iw_asker *asker = iw_asker_new(self->settings, err);
    if (!asker)
        return err->code;
    iw_status status = iw_ask(asker, "status", "", false, NULL, err);
    iw_asker_destroy(&asker);
    if (status == IW_TIMEOUT && !self->settings->once) {
        iw_complain(self->settings, "warning: %s; frames wait in the spool until then", err->text);
        return IW_OK;
    }
    return status;
}

iw_exit
iw_command_follow(const iw_settings *settings)
{
    following self = {.settings = settings};
    iw_error err = {0};
    iw_exit result = IW_EXIT_FAILURE;
    iw_run_info_init(&self.run);
    iw_status status = find_daemon(&self, &err);
    if (status) {
        result = iw_ask_failed(settings, &err);
        goto out;
    }
    status = open_reader(&self, &err);
    if (status == IW_OK)
        status = iw_input_run(settings, self.reader, &self.run, &err);
    if (status == IW_OK)
        status = iw_frame_init(&self.frame, self.run.n_atoms, &err);
    if (status == IW_OK)
        status = open_handle(&self, &err);
    if (status) {
        iw_complain_error(settings, &err);
        result = status == IW_CLOSED ? IW_EXIT_INTERRUPTED : IW_EXIT_FAILURE;
        goto out;
    }
    status = stream(&self, &err);
    result = finish(&self, status, &err);
out:
    (void)ionwatch_close(&self.handle, 0);
    free(self.species);
    iw_frame_fini(&self.frame);
    iw_run_info_fini(&self.run);
    iw_reader_close(&self.reader);
    return result;
}
