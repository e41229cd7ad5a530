/* SPDX-License-Identifier: GPL-3.0-or-later */
/* imd.c - streams what an engine sends by IMD version 3 to the daemon. */
#include "adapters/imd/imd.h"

#include "adapters/imd/topology.h"
#include "adapters/imd/units.h"
#include "ask.h"
#include "feed.h"
#include "imd_link.h"
#include "input.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_PAUSE_S 0.1 /* between attempts to connect, doubled up to the last */
#define LAST_PAUSE_S  5.0
#define SILENCE_S     5.0 /* without a handshake, before that is said */
#define LEAVE_S       5.0 /* for the engine to let go of us */

/* The first frame of a run waits here: only the second tells how many steps they are apart. */
typedef struct {
    bool any;
    int64_t step;
    double time; /* in the engine's unit, NAN if not known */
    bool has_cell;
    double cell[9];
    float potential_energy, temperature_K;
    float *positions, *velocities; /* [n_atoms][3]; the second only where has_velocities */
    bool has_velocities;
} held_frame;

typedef struct {
    const iw_settings *settings;
    iw_run_info run;
    ionwatch_run units;
    iw_feed feed;
    bool opened; /* the feed */
    iw_imd_link link;
    iw_imd *engine;
    held_frame held;
    bool said_go, told_waiting;
    int64_t counted; /* frames, where the engine numbers none */
    uint64_t sessions;
} watching;

static const char *
unit_style(const iw_settings *settings)
{
    return settings->units ? settings->units : "imd";
}

static bool
is_numbered(const iw_imd_session *session)
{
    return session->time || session->energies;
}

/* ---- what is known before the engine says a word ---- */

static iw_status
read_topology(watching *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    if (!settings->topology)
        return iw_fail(err, IW_INVALID,
                       "--topology FILE is missing: IMD does not tell which atoms there are; give "
                       "a LAMMPS data file, POSCAR, PDB, GRO or a trajectory of the run");
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.species = settings->species;
    options.charges = settings->charges;
    options.masses = settings->masses;
    iw_status status =
        iw_topology_read(settings->topology, &options, unit_style(settings), &self->run, err);
    if (status == IW_OK)
        status = iw_input_amend(settings, &self->run, err);
    if (status == IW_OK)
        status = iw_run_info_set_metadata(&self->run, "topology", settings->topology, err);
    if (status == IW_OK)
        status = iw_run_info_set_metadata(&self->run, "units", unit_style(settings), err);
    if (status != IW_OK)
        return status;
    static const char *const of_specification[] = {"gromacs", "namd", "imd"};
    const char *code = "lammps";
    for (size_t i = 0; i < 3; i++)
        if (strcmp(unit_style(settings), of_specification[i]) == 0)
            code = of_specification[i];
    free(self->run.code);
    self->run.code = strdup(code);
    self->run.temperature_K = settings->temperature_K;
    self->held.positions = calloc(3 * self->run.n_atoms, sizeof(float));
    self->held.velocities = calloc(3 * self->run.n_atoms, sizeof(float));
    return self->run.code && self->held.positions && self->held.velocities
               ? IW_OK
               : iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->run.n_atoms);
}

/* One of an earlier run would end this one as soon as it begins. */
static iw_status
check_stop_file(const iw_settings *settings, iw_error *err)
{
    const char *path = settings->stop_file;
    if (path && strcmp(path, "auto") == 0)
        return iw_fail(err, IW_INVALID,
                       "--stop-file auto: IMD does not tell what the engine looks "
                       "for; name the file");
    if (path && access(path, F_OK) == 0)
        iw_complain(settings, "warning: %s is there already: it may end the engine", path);
    return IW_OK;
}

/* ---- frames ---- */

static double
finite_or_nan(float value)
{
    return isfinite(value) ? (double)value : (double)NAN;
}

static iw_status
send_frame(watching *self, const held_frame *frame, iw_error *err)
{
    ionwatch_frame out;
    ionwatch_frame_init(&out);
    out.step = frame->step;
    out.time = isnan(frame->time)
                   ? (double)frame->step * self->run.timestep_fs / self->units.time_fs
                   : frame->time;
    out.cell = frame->has_cell ? frame->cell : NULL;
    out.pos_f32 = frame->positions;
    out.vel_f32 = frame->has_velocities ? frame->velocities : NULL;
    out.potential_energy = finite_or_nan(frame->potential_energy);
    out.temperature_K = finite_or_nan(frame->temperature_K);
    return iw_feed_send(&self->feed, &out, err);
}

/* The engine's numbers as a frame that borrows them. */
static held_frame
frame_of(watching *self)
{
    const iw_imd_session *session = iw_imd_session_of(self->engine);
    const iw_imd_frame *from = iw_imd_frame_of(self->engine);
    held_frame frame = {.any = true,
                        .step = is_numbered(session) ? from->step : self->counted++,
                        .time = session->time && isnan(self->settings->dt_fs) ? from->time : NAN,
                        .potential_energy = session->energies ? from->potential_energy : NAN,
                        .temperature_K = session->energies ? from->temperature_K : NAN,
                        .has_velocities = session->velocities};
    for (size_t i = 0; i < 9; i++) {
        frame.cell[i] = (double)from->box[i];
        frame.has_cell = frame.has_cell || from->box[i] != 0.0F; /* zeros: not periodic */
    }
    /* Only read: both kinds of frame share a type. */
    frame.positions = (float *)(uintptr_t)from->positions;
    frame.velocities = (float *)(uintptr_t)from->velocities;
    return frame;
}

static void
hold(watching *self, const held_frame *frame)
{
    float *positions = self->held.positions, *velocities = self->held.velocities;
    size_t size = 3 * self->run.n_atoms * sizeof(float);
    memcpy(positions, frame->positions, size);
    if (frame->has_velocities)
        memcpy(velocities, frame->velocities, size);
    self->held = *frame;
    self->held.positions = positions;
    self->held.velocities = velocities;
}

/* The timestep that the engine tells, in fs. */
static iw_status
take_timestep(watching *self, iw_error *err)
{
    const iw_imd_frame *frame = iw_imd_frame_of(self->engine);
    if (!iw_imd_session_of(self->engine)->time || !isnan(self->settings->dt_fs))
        return IW_OK; /* --dt tells it */
    if (!(frame->dt > 0.0) || !isfinite(frame->dt))
        return iw_fail(err, IW_INVALID,
                       "the engine tells a timestep of %g; say with --dt how far apart frames are",
                       frame->dt);
    self->run.timestep_fs = frame->dt * self->units.time_fs;
    return iw_imd_check_units(&self->run, unit_style(self->settings), frame->dt, frame->velocities,
                              err);
}

static iw_status
open_feed(watching *self, int64_t stride, double span, iw_error *err)
{
    self->run.stride = stride;
    double dt_fs = self->settings->dt_fs;
    if (!isnan(dt_fs))
        self->run.timestep_fs = dt_fs / (double)stride;
    double told = self->run.timestep_fs * (double)stride, took = span * self->units.time_fs;
    if (fabs(took - told) > 1e-3 * told)
        iw_complain(self->settings,
                    "warning: %" PRId64 " steps of %g fs took %g fs by the engine's clock; if the "
                    "clock is right, say so with --dt %g",
                    stride, self->run.timestep_fs, took, took);
    iw_complain(self->settings, "%zu atoms, a frame each %" PRId64 " steps = %g fs, units %s",
                self->run.n_atoms, stride, self->run.timestep_fs * (double)stride,
                unit_style(self->settings));
    self->opened = true;
    return iw_feed_open(&self->feed, self->settings, &self->run, &self->units, err);
}

static iw_status
on_frame(watching *self, iw_error *err)
{
    held_frame frame = frame_of(self);
    self->feed.last_frame_s = iw_clock_s();
    if (self->opened)
        return send_frame(self, &frame, err);
    iw_status status = take_timestep(self, err);
    if (status != IW_OK)
        return status;
    if (!self->held.any ||
        frame.step <= self->held.step) { /* the same step again, after a restart */
        hold(self, &frame);
        return IW_OK;
    }
    status = open_feed(self, frame.step - self->held.step, frame.time - self->held.time, err);
    if (status == IW_OK)
        status = send_frame(self, &self->held, err);
    return status == IW_OK ? send_frame(self, &frame, err) : status;
}

/* ---- one connection ---- */

static iw_status
check_session(const watching *self, iw_error *err)
{
    const iw_imd_session *session = iw_imd_session_of(self->engine);
    if (!session->coordinates)
        return iw_fail(err, IW_INVALID,
                       "the engine sends no coordinates: switch them on (LAMMPS `coordinates on`, "
                       "GROMACS `IMD-coords = yes`, NAMD `IMDsendPositions yes`)");
    if (session->wrapped && !session->box)
        return iw_fail(err, IW_INVALID,
                       "the engine folds coordinates into a box that it does not send: switch the "
                       "box on (LAMMPS `box on`, GROMACS `IMD-box = yes`, NAMD "
                       "`IMDsendBoxDimensions yes`)");
    if (self->opened && session->wrapped && !self->run.wrapped)
        return iw_fail(err, IW_INVALID,
                       "the engine folds coordinates into the box now, and did not before: that is "
                       "another run (without IONWATCH_RUN_ID)");
    if (!session->time && isnan(self->settings->dt_fs))
        return iw_fail(err, IW_INVALID,
                       "the engine does not send the time: switch it on (LAMMPS `time on`, GROMACS "
                       "`IMD-time = yes`, NAMD `IMDsendTime yes`), or say with --dt how many fs "
                       "frames are apart");
    return IW_OK;
}

static iw_status
on_greeting(watching *self, iw_error *err)
{
    const iw_imd_session *session = iw_imd_session_of(self->engine);
    const char *wait = self->settings->wait;
    iw_status status = iw_imd_link_send(&self->link, IW_IMD_GO, 0, err);
    self->said_go = status == IW_OK;
    if (status == IW_OK && wait)
        status = iw_imd_link_send(&self->link, IW_IMD_WAIT, strcmp(wait, "on") == 0, err);
    if (status != IW_OK)
        return status;
    if (self->sessions++ == 0 && !session->velocities)
        iw_complain(self->settings, "the engine sends no velocities: they are made of differences "
                                    "of positions");
    if (!self->opened)
        self->run.wrapped = session->wrapped;
    if (self->sessions > 1 && self->opened) {
        if (!is_numbered(session))
            self->counted++; /* how many are missing is not known: one, so that the gap is */
        iw_complain(self->settings, "connected again; the run goes on as %s",
                    ionwatch_run_id(self->feed.handle));
    }
    return check_session(self, err);
}

static void
act_on_wishes(watching *self)
{
    if (!self->opened || !iw_feed_asked_to_stop(&self->feed) || !self->settings->kill)
        return;
    iw_error err = {0};
    if (iw_imd_link_send(&self->link, IW_IMD_KILL, 0, &err) == IW_OK)
        iw_complain(self->settings, "sent Kill: the engine ends as it does on that");
    else
        iw_complain(self->settings, "cannot send Kill: %s", err.text);
}

/* Bytes as they come, until the engine closes (END), Ctrl-C or --idle (OK), or a failure. */
static iw_status
listen_to(watching *self, iw_progress *progress, iw_error *err)
{
    double since = iw_clock_s();
    bool told = false;
    iw_status status = IW_OK;
    while (status == IW_OK && !iw_interrupted()) {
        size_t size, got = 0;
        iw_imd_event event = IW_IMD_MORE;
        void *room = iw_imd_room(self->engine, &size);
        status = iw_imd_link_read(&self->link, room, size, &got, err);
        if (status == IW_OK)
            status = iw_imd_took(self->engine, got, &event, err);
        else if (status == IW_AGAIN)
            status = IW_OK;
        if (status == IW_OK && event == IW_IMD_GREETED)
            status = on_greeting(self, err);
        else if (status == IW_OK && event == IW_IMD_FRAMED)
            status = on_frame(self, err);
        if (!told && !iw_imd_is_engine(self->engine) && iw_clock_s() - since > SILENCE_S) {
            iw_complain(self->settings, "connected, but the engine says nothing yet: it has not "
                                        "begun, or serves another client");
            told = true;
        }
        act_on_wishes(self);
        if (iw_clock_s() - self->feed.last_frame_s > self->settings->idle_s)
            break;
        iw_progress_update(progress, self->feed.sent, (double)NAN);
    }
    return status;
}

static bool
is_over(const watching *self)
{
    return iw_interrupted() || self->feed.asked_to_stop ||
           iw_clock_s() - self->feed.last_frame_s > self->settings->idle_s;
}

/* Leaves as engines need it: one that has greeted is owed a Go even if it is refused. */
static void
leave(watching *self, iw_status status)
{
    bool engine = iw_imd_is_engine(self->engine);
    if (engine && !self->said_go && iw_imd_link_send(&self->link, IW_IMD_GO, 0, NULL) == IW_OK)
        self->said_go = true;
    if (status == IW_END && iw_imd_within_frame(self->engine))
        iw_complain(self->settings, "the engine went away within a frame, which is left out");
    bool polite = engine || status != IW_PROTOCOL;
    if (!iw_imd_link_close(&self->link, polite, LEAVE_S))
        iw_complain(self->settings, "a process stays behind to take leave of the engine when that "
                                    "looks at the connection");
    iw_imd_destroy(&self->engine);
}

/* Connects once and stays as long as that lasts.  END: the engine closed the connection. */
static iw_status
visit(watching *self, iw_progress *progress, iw_error *err)
{
    const char *address = self->settings->operands[0];
    self->said_go = false;
    self->engine = iw_imd_new(self->run.n_atoms, err);
    if (!self->engine)
        return err->code;
    iw_status status = iw_imd_link_open(&self->link, address, self->settings->timeout_s, err);
    if (status != IW_OK) {
        iw_imd_destroy(&self->engine);
        return status;
    }
    self->told_waiting = false;
    status = listen_to(self, progress, err);
    if (status != IW_OK && status != IW_END)
        (void)iw_prefix(err, "%s", address);
    leave(self, status);
    return status;
}

/* Visit after visit, until the run is over. */
static iw_status
stream(watching *self, iw_error *err)
{
    iw_progress progress;
    iw_progress_start(&progress, "watching");
    double pause_s = FIRST_PAUSE_S;
    iw_status status = IW_OK;
    self->feed.last_frame_s = iw_clock_s();
    for (;;) {
        uint64_t sessions = self->sessions;
        status = visit(self, &progress, err);
        bool gone = status == IW_CLOSED || status == IW_TIMEOUT;
        if (is_over(self) || (status != IW_END && !gone) || self->settings->once)
            break;
        if (self->sessions > sessions)
            pause_s = FIRST_PAUSE_S;
        if (!self->told_waiting)
            iw_complain(self->settings, "%s: trying again until it answers (Ctrl-C ends)",
                        gone ? err->text : "the engine has closed the connection");
        self->told_waiting = true;
        iw_pause(pause_s);
        pause_s = fmin(2.0 * pause_s, LAST_PAUSE_S);
    }
    iw_progress_end(&progress);
    bool ended = status == IW_END || (status == IW_CLOSED && is_over(self)) ||
                 (status == IW_TIMEOUT && is_over(self));
    return ended ? IW_OK : status;
}

static iw_exit
finish(watching *self, iw_status status, iw_error *err)
{
    if (status == IW_OK && !self->opened && self->held.any) { /* a run of one frame */
        status = open_feed(self, 1, (double)NAN, err);
        if (status == IW_OK)
            status = send_frame(self, &self->held, err);
    }
    if (!self->opened) {
        if (status == IW_OK)
            (void)iw_fail(err, IW_CLOSED, "%s: no frame came", self->settings->operands[0]);
        iw_complain_error(self->settings, err);
        return iw_interrupted() ? IW_EXIT_INTERRUPTED : IW_EXIT_FAILURE;
    }
    iw_exit result = iw_feed_finish(&self->feed, status, err);
    return status != IW_OK && result == IW_EXIT_OK ? IW_EXIT_FAILURE : result;
}

iw_exit
iw_command_imd(const iw_settings *settings)
{
    watching self = {.settings = settings, .link = {-1, -1, 0}};
    iw_error err = {0};
    iw_exit result = IW_EXIT_FAILURE;
    iw_run_info_init(&self.run);
    ionwatch_run_init(&self.units);
    self.units.policy = IONWATCH_DROP; /* a full spool must not hold the engine up */
    self.feed.advice =
        settings->kill ? "sending Kill, as --kill says"
                       : "end the engine as its manual says: IMD itself has only Kill (--kill), "
                         "which is an error in LAMMPS; its `fix halt` waits for a --stop-file";
    self.feed.content = "";
    self.feed.stop_file = settings->stop_file;
    const iw_lammps_units *units = iw_imd_units(unit_style(settings), &err);
    if (!units || check_stop_file(settings, &err) != IW_OK || read_topology(&self, &err) != IW_OK) {
        iw_complain_error(settings, &err);
        goto out;
    }
    self.units.length_A = units->length_A;
    self.units.time_fs = units->time_fs;
    self.units.energy_eV = units->energy_eV;
    iw_status status = iw_feed_find_daemon(settings, &err);
    if (status) {
        result = iw_ask_failed(settings, &err);
        goto out;
    }
    status = stream(&self, &err);
    result = finish(&self, status, &err);
out:
    iw_feed_close(&self.feed);
    free(self.held.positions);
    free(self.held.velocities);
    iw_run_info_fini(&self.run);
    return result;
}
