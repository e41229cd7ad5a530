/* SPDX-License-Identifier: GPL-3.0-or-later */
/* follow.c - streams growing files to the daemon through libionwatch, as an adapter would. */
#include "ask.h"
#include "feed.h"
#include "input.h"

#include <math.h>
#include <string.h>

#define POLL_S 0.1 /* between looks at a file that has not grown */

typedef struct {
    const iw_settings *settings;
    iw_reader *reader;
    iw_run_info run;
    iw_frame frame;
    iw_feed feed;
} following;

/* Our own of an earlier run is told by it. */
#define MADE_BY "made by ionwatch follow\n"

/* How a code is told to end; what a person does, and what --stop-file writes. */
static const struct {
    const char *code, *advice, *content;
} stop_advice[] = {
    {"vasp", "write LSTOP = .TRUE. into a file STOPCAR beside the INCAR",
     "LSTOP = .TRUE.\n# " MADE_BY},
    {"cp2k", "make a file PROJECT.EXIT in its folder", MADE_BY},
    {"quantum espresso", "make a file PREFIX.EXIT in its folder", MADE_BY},
    {"i-pi", "make a file EXIT in the folder in which it runs", MADE_BY},
    {"lammps", "make the file that its `fix halt ... is_file()` waits for, if the input has one",
     ""},
};

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

/* --stop-file; NULL without it, or where "auto" finds none. */
static const char *
stop_file(const following *self)
{
    const char *asked = self->settings->stop_file;
    if (!asked || strcmp(asked, "auto") != 0)
        return asked;
    const char *known = iw_reader_stop_file(self->reader);
    return *known ? known : NULL;
}

/* Is the file what follow writes for this code? */
static bool
is_ours(const following *self, FILE *file)
{
    char text[128];
    const char *content = self->feed.content;
    size_t size = strlen(content);
    return size > 0 && fread(text, 1, sizeof text, file) == size &&
           memcmp(text, content, size) == 0;
}

/* A stop file that outlives its run would end the restart at once. */
static void
remove_stop_file(const following *self, const char *why)
{
    const char *path = self->feed.stop_file;
    FILE *file = path ? fopen(path, "r") : NULL;
    if (!file)
        return;
    bool ours = is_ours(self, file);
    (void)fclose(file);
    if (!ours)
        iw_complain(self->settings, "warning: %s is there: it may end the MD code", path);
    else if (remove(path) == 0)
        iw_complain(self->settings, "removed %s, %s", path, why);
    else
        iw_complain(self->settings, "cannot remove %s: %m", path);
}

static void
check_stop_file(const following *self)
{
    if (self->settings->stop_file && !self->feed.stop_file)
        iw_complain(self->settings, "warning: --stop-file auto: no stop file is known for these "
                                    "files; name one");
    remove_stop_file(self, "which an earlier follow had left");
}

static iw_status
open_feed(following *self, iw_error *err)
{
    iw_feed *feed = &self->feed;
    feed->advice = "end the MD code as its manual says";
    feed->content = "";
    feed->stop_file = stop_file(self);
    for (size_t i = 0; i < sizeof stop_advice / sizeof *stop_advice; i++) {
        if (self->run.code && strcasecmp(self->run.code, stop_advice[i].code) == 0) {
            feed->advice = stop_advice[i].advice;
            feed->content = stop_advice[i].content;
        }
    }
    ionwatch_run units;
    ionwatch_run_init(&units);
    return iw_feed_open(feed, self->settings, &self->run, &units, err);
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
    return iw_feed_send(&self->feed, &out, err);
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
    while (status == IW_OK && !iw_interrupted()) {
        status = iw_reader_next(self->reader, &self->frame, err);
        print_notes(self);
        if (status == IW_OK) {
            status = send_frame(self, err);
        } else if (status == IW_AGAIN) {
            bool stopped = self->feed.asked_to_stop && iw_reader_over(self->reader);
            if (stopped)
                remove_stop_file(self, "as the MD code has ended");
            if (stopped || iw_clock_s() - self->feed.last_frame_s > self->settings->idle_s)
                break;
            iw_pause(POLL_S);
            status = IW_OK;
        }
        (void)iw_feed_asked_to_stop(&self->feed);
        iw_progress_update(&progress, self->feed.sent,
                           self->settings->once ? iw_reader_progress(self->reader) : (double)NAN);
    }
    iw_progress_end(&progress);
    bool ended = status == IW_END || status == IW_AGAIN;
    return ended || (status == IW_CLOSED && iw_interrupted()) ? IW_OK : status;
}

iw_exit
iw_command_follow(const iw_settings *settings)
{
    following self = {.settings = settings};
    iw_error err = {0};
    iw_exit result = IW_EXIT_FAILURE;
    iw_run_info_init(&self.run);
    iw_status status = iw_feed_find_daemon(settings, &err);
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
        status = open_feed(&self, &err);
    if (status) {
        iw_complain_error(settings, &err);
        result = status == IW_CLOSED ? IW_EXIT_INTERRUPTED : IW_EXIT_FAILURE;
        goto out;
    }
    check_stop_file(&self);
    status = stream(&self, &err);
    result = iw_feed_finish(&self.feed, status, &err);
out:
    iw_feed_close(&self.feed);
    iw_frame_fini(&self.frame);
    iw_run_info_fini(&self.run);
    iw_reader_close(&self.reader);
    return result;
}
