/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

iw_client_timing iw_client_timing_default = {.ping_ms = 5000,
                                             .dead_ms = 15000,
                                             .retry_ms = 100,
                                             .retry_most_ms = 5000,
                                             .refused_most_ms = 60000,
                                             .persist_ms = 5000,
                                             .doze_ms = 5,
                                             .stop_check_ms = 1000,
                                             .sync_ms = 1000};

int64_t
iw_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

const char *
ionwatch_version(void)
{
    return IONWATCH_VERSION;
}

void
ionwatch_frame_init(ionwatch_frame *frame)
{
    memset(frame, 0, sizeof *frame);
    frame->size = sizeof *frame;
    frame->time = (double)NAN;
    frame->potential_energy = (double)NAN;
    frame->kinetic_energy = (double)NAN;
    frame->temperature_K = (double)NAN;
}

static void *
thread_main(void *argument)
{
    ionwatch *w = argument;
    if (w->path)
        iw_link_file_run(w);
    else
        iw_link_zmq_run(w);
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    w->connected = false;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

int
iw_client_thread(pthread_t *thread, void *(*body)(void *), void *argument)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, body, argument);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static iw_status
start_thread(ionwatch *w, iw_error *err)
{
    errno = iw_client_thread(&w->thread, thread_main, w);
    if (errno)
        return iw_fail_errno(err, "no thread to send with");
    w->started = true;
    return IW_OK;
}

static iw_status
take_endpoint(ionwatch *w, const char *given, iw_error *err)
{
    char text[4096];
    if (!given || !*given) {
        iw_status status = iw_default_endpoint(text, sizeof text, err);
        if (status != IW_OK)
            return status;
        given = text;
    }
    w->endpoint = strdup(given);
    if (!w->endpoint)
        return iw_fail(err, IW_NO_MEMORY, "no memory for the endpoint");
    if (strncmp(given, "file://", 7) == 0) {
        w->path = w->endpoint + 7;
        return *w->path ? IW_OK : iw_fail(err, IW_INVALID, "endpoint '%s' names no file", given);
    }
    if (strncmp(given, "tcp://", 6) != 0 && strncmp(given, "ipc://", 6) != 0)
        return iw_fail(err, IW_INVALID,
                       "endpoint '%.200s' is none of tcp://host:port, ipc://path, file://path",
                       given);
    return IW_OK;
}

static iw_status
encode_hello(ionwatch *w, iw_error *err)
{
    iw_message hello;
    iw_message_init(&hello, IW_MSG_HELLO);
    memcpy(hello.run_id, w->run.id, sizeof hello.run_id);
    memcpy(hello.adapter, w->adapter, sizeof hello.adapter);
    hello.run = &w->run;
    return iw_wire_encode(&hello, &w->hello, err);
}

static iw_status
open_spool(ionwatch *w, const ionwatch_run *run, iw_error *err)
{
    const char *folder = run->spool_dir;
    if (!folder || !*folder)
        folder = getenv("IONWATCH_SPOOL");
    if (!folder || !*folder)
        folder = ".";
    iw_status status =
        iw_spool_init(&w->outbox.spool, folder, w->run.id, run->spool_bytes, &w->hello, err);
    if (status == IW_OK)
        status = iw_spool_load(&w->outbox.spool, &w->run, err);
    if (status == IW_OK)
        iw_outbox_adopt_spool(&w->outbox);
    return status;
}

static iw_status
make_ready(ionwatch *w, const char *endpoint, const ionwatch_run *run, iw_error *err)
{
    iw_status status = iw_client_take_run(w, run, err);
    if (status != IW_OK)
        return status;
    iw_outbox_init(&w->outbox, run->queue_bytes);
    status = iw_uuid_new(w->adapter, err);
    if (status == IW_OK)
        status = take_endpoint(w, endpoint, err);
    if (status == IW_OK)
        status = encode_hello(w, err);
    if (status == IW_OK)
        status = open_spool(w, run, err);
    if (status == IW_OK) {
        w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (w->wake_fd < 0)
            status = iw_fail_errno(err, "no eventfd to wake the sender with");
    }
    if (status == IW_OK)
        status = w->path ? iw_link_file_open(w, err) : iw_link_zmq_open(w, err);
    if (status == IW_OK)
        status = start_thread(w, err);
    return status;
}

/* Both threads hold the lock for well under a microsecond, so a few more looks at it are worth more
 * than a sleep. */
static void
init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t adaptive;
    (void)pthread_mutexattr_init(&adaptive);
    (void)pthread_mutexattr_settype(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(lock, &adaptive);
    (void)pthread_mutexattr_destroy(&adaptive);
}

/* How many calls of fork() lie between this process and the one that loaded the library.  Asking
 * for the process id instead would be a system call in every frame. */
static atomic_uint forks;

static void
count_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static int fork_failure; /* of the registration */

static void
watch_forks(void)
{
    fork_failure = pthread_atfork(NULL, NULL, count_fork);
}

/* False in a child of the process that opened the handle. */
static bool
is_owner(const ionwatch *w)
{
    return w->forks == atomic_load_explicit(&forks, memory_order_relaxed);
}

ionwatch *
ionwatch_open(const char *endpoint, const ionwatch_run *run)
{
    ionwatch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    pthread_condattr_t monotonic;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    w->owner = getpid();
    w->forks = atomic_load_explicit(&forks, memory_order_relaxed);
    w->wake_fd = -1;
    w->timing = iw_client_timing_default;
    atomic_init(&w->stop, 0);
    atomic_init(&w->stride, 0);
    iw_run_info_init(&w->run);
    init_lock(&w->lock);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    (void)pthread_once(&once, watch_forks);
    if (fork_failure)
        w->broken = iw_fail(&w->error, IW_NO_MEMORY, "no memory to watch for fork()");
    else
        w->broken = make_ready(w, endpoint, run, &w->error);
    if (!w->broken) /* a file that is not there yet left its words */
        w->error.text[0] = '\0';
    return w;
}

/* False, with the reason in error, for a handle that cannot do anything. */
static bool
is_usable(ionwatch *w)
{
    if (!w)
        return false;
    if (!is_owner(w)) {
        (void)iw_fail(&w->error, IW_CLOSED, "the handle belongs to process %ld", (long)w->owner);
        return false;
    }
    return w->broken == IW_OK;
}

/* What a handle says that is not usable; NULL is what ionwatch_open() gives without memory. */
static iw_status
refusal(const ionwatch *w)
{
    if (!w)
        return IW_NO_MEMORY;
    return w->broken == IW_OK ? IW_CLOSED : w->broken;
}

static void
wake(ionwatch *w)
{
    const uint64_t one = 1;
    w->asleep = false;
    ssize_t ignored = write(w->wake_fd, &one, sizeof one);
    (void)ignored; /* a full counter wakes as well */
}

/* Waits for a change, at most until the deadline; false when it has passed.  The lock is held. */
static bool
wait_change(ionwatch *w, int64_t deadline_ms)
{
    struct timespec until;
    int64_t now_ms = iw_now_ms();
    if (now_ms >= deadline_ms)
        return false;
    /* At least once a second, so that whoever waits for room sees a spool that has room again. */
    int64_t step_ms = deadline_ms - now_ms < 1000 ? deadline_ms - now_ms : 1000;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += step_ms / 1000;
    until.tv_nsec += step_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&w->changed, &w->lock, &until);
    return true;
}

static int64_t
deadline_after(int timeout_ms)
{
    return timeout_ms < 0 ? INT64_MAX : iw_now_ms() + timeout_ms;
}

static iw_status
take_arrays(const ionwatch_frame *from, iw_frame_view *to, iw_error *err)
{
    if (!from->pos_f32 == !from->pos_f64)
        return iw_fail(err, IW_INVALID, "give pos_f32 or pos_f64, and only one");
    if (from->vel_f32 && from->vel_f64)
        return iw_fail(err, IW_INVALID, "give vel_f32 or vel_f64, not both");
    to->pos_is_f32 = from->pos_f32 != NULL;
    to->pos = from->pos_f32 ? (const void *)from->pos_f32 : from->pos_f64;
    to->vel_is_f32 = from->vel_f32 != NULL;
    to->vel = from->vel_f32 ? (const void *)from->vel_f32 : from->vel_f64;
    to->has_velocities = to->vel != NULL;
    return IW_OK;
}

/* The frame in our units, except for the caller's arrays, which are converted when encoded. */
static iw_status
take_frame(ionwatch *w, const ionwatch_frame *from, iw_frame_view *to, iw_error *err)
{
    if (from->size != sizeof *from)
        return iw_fail(err, IW_INVALID,
                       "ionwatch_frame has size %zu, %zu is known: call ionwatch_frame_init()",
                       from->size, sizeof *from);
    if (from->step < -IW_STEP_MAX || from->step > IW_STEP_MAX)
        return iw_fail(err, IW_INVALID, "step %lld is beyond any run", (long long)from->step);
    memset(to, 0, sizeof *to);
    to->seq = 1; /* the real number is put in when the frame is sent */
    to->step = from->step;
    to->time_fs = from->time * w->time_fs;
    if (isnan(from->time))
        to->time_fs = (double)from->step * w->run.timestep_fs;
    if (!isfinite(to->time_fs))
        return iw_fail(err, IW_INVALID, "time is %g and no timestep is known", from->time);
    to->n_atoms = w->run.n_atoms;
    to->has_cell = from->cell != NULL;
    for (int i = 0; from->cell && i < 9; i++)
        to->cell_A[i] = from->cell[i] * w->length_A;
    to->potential_energy_eV = from->potential_energy * w->energy_eV;
    to->kinetic_energy_eV = from->kinetic_energy * w->energy_eV;
    to->temperature_K = from->temperature_K;
    iw_status status = take_arrays(from, to, err);
    if (status == IW_OK)
        status = iw_frame_view_check_cell(to, err);
    return status;
}

/* Says which number of an encoded frame is not finite. */
static iw_status
name_culprit(const iw_packet *packet, iw_error *err)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    iw_status status = iw_wire_decode(packet->bytes.data, packet->bytes.size, &message, err);
    return status == IW_OK ? iw_frame_view_check(&message.frame, err) : status;
}

static iw_status
fill_spare(ionwatch *w, const ionwatch_frame *frame, iw_error *err)
{
    iw_frame_view view;
    bool finite;
    iw_status status = take_frame(w, frame, &view, err);
    if (status != IW_OK)
        return status;
    if (!w->spare) {
        pthread_mutex_lock(&w->lock);
        w->spare = iw_outbox_take_packet(&w->outbox);
        pthread_mutex_unlock(&w->lock);
    }
    if (!w->spare)
        return iw_fail(err, IW_NO_MEMORY, "no memory for a frame");
    iw_buffer_clear(&w->spare->bytes);
    status =
        iw_wire_encode_frame(&view, w->length_A, w->velocity_A_fs, &w->spare->bytes, &finite, err);
    return status == IW_OK && !finite ? name_culprit(w->spare, err) : status;
}

/* Hands the packet over, waiting for room if the policy says so.  The lock is held. */
static iw_status
push_spare(ionwatch *w, iw_error *err)
{
    iw_status status = iw_outbox_push(&w->outbox, &w->spare, err);
    while (status == IW_FULL && w->policy == IONWATCH_BLOCK && w->refused == IW_OK && !w->ended) {
        wake(w);
        (void)wait_change(w, INT64_MAX);
        status = iw_outbox_push(&w->outbox, &w->spare, err);
    }
    if (status == IW_OK) {
        w->frames_sent++;
        /* A link that dozes looks by itself within milliseconds: waking costs more than a frame. */
        if (w->asleep || (w->connected && w->outbox.bytes > w->outbox.limit / 2))
            wake(w);
        return IW_OK;
    }
    iw_outbox_skip(&w->outbox);
    w->frames_dropped++;
    return status == IW_FULL ? IW_DROPPED : status;
}

ionwatch_status
ionwatch_send(ionwatch *w, const ionwatch_frame *frame)
{
    if (!is_usable(w))
        return refusal(w);
    if (w->finishing)
        return iw_fail(&w->error, IW_CLOSED, "the run was finished: no frame can follow");
    w->error.text[0] = '\0';
    iw_status status = fill_spare(w, frame, &w->error);
    if (status == IW_INVALID)
        (void)iw_prefix(&w->error, "step %lld", (long long)frame->step);
    pthread_mutex_lock(&w->lock);
    if (status == IW_OK) {
        status = push_spare(w, &w->error);
        if (w->refused != IW_OK) {
            w->error = w->link_error;
            status = IW_REFUSED;
        }
    } else {
        iw_outbox_skip(&w->outbox);
    }
    pthread_mutex_unlock(&w->lock);
    return status;
}

int
ionwatch_should_stop(ionwatch *w, const char **reason)
{
    int stop = w ? atomic_load_explicit(&w->stop, memory_order_acquire) : 0;
    if (reason)
        *reason = stop ? w->stop_reason : "";
    return stop;
}

int64_t
ionwatch_wanted_stride(ionwatch *w)
{
    return w ? atomic_load_explicit(&w->stride, memory_order_relaxed) : 0;
}

ionwatch_status
ionwatch_flush(ionwatch *w, int timeout_ms)
{
    if (!is_usable(w))
        return refusal(w);
    int64_t deadline_ms = deadline_after(timeout_ms);
    iw_status status = IW_OK;
    w->error.text[0] = '\0';
    pthread_mutex_lock(&w->lock);
    w->flushing = true;
    wake(w);
    while (!iw_outbox_is_empty(&w->outbox) && w->refused == IW_OK && !w->ended)
        if (!wait_change(w, deadline_ms))
            break;
    w->flushing = false;
    if (!iw_outbox_is_empty(&w->outbox)) {
        if (w->refused != IW_OK) {
            w->error = w->link_error;
            status = IW_REFUSED;
        } else {
            bool told = !w->connected && w->link_error.code != IW_OK;
            status =
                iw_fail(&w->error, IW_TIMEOUT, "frames are not acknowledged after %d ms%s%.400s",
                        timeout_ms, told ? ": " : "", told ? w->link_error.text : "");
        }
    }
    pthread_mutex_unlock(&w->lock);
    return status;
}

ionwatch_status
ionwatch_finish(ionwatch *w, const char *why)
{
    if (!is_usable(w))
        return refusal(w);
    w->error.text[0] = '\0';
    pthread_mutex_lock(&w->lock);
    if (!w->finishing) {
        (void)snprintf(w->bye, sizeof w->bye, "%s", why && *why ? why : "completed");
        w->finishing = true;
        wake(w);
    }
    pthread_mutex_unlock(&w->lock);
    return IW_OK;
}

const char *
ionwatch_run_id(const ionwatch *w)
{
    return w ? w->run.id : "";
}

const char *
ionwatch_error(const ionwatch *w)
{
    return w ? w->error.text : ionwatch_status_text(IW_NO_MEMORY);
}

void
ionwatch_get_stats(ionwatch *w, ionwatch_stats *stats)
{
    ionwatch_stats now = {.size = sizeof now};
    if (w && is_owner(w)) {
        pthread_mutex_lock(&w->lock);
        now.frames_sent = w->frames_sent;
        now.frames_acknowledged = w->outbox.delivered;
        now.frames_dropped = w->frames_dropped;
        now.queued_bytes = w->outbox.bytes;
        now.spooled_bytes = w->outbox.spool.bytes;
        now.connected = w->connected;
        pthread_mutex_unlock(&w->lock);
    }
    size_t size = stats->size;
    memcpy(stats, &now, size < sizeof now ? size : sizeof now);
    stats->size = size;
}

/* The thread has ended: what it could not deliver goes to the spool. */
static iw_status
leave_spool(ionwatch *w)
{
    iw_outbox *outbox = &w->outbox;
    bool delivered = iw_outbox_is_empty(outbox);
    iw_status status = iw_outbox_persist(outbox, NULL);
    if (w->finishing && !w->bye_done)
        (void)iw_spool_push_bye(&outbox->spool, outbox->newest, w->bye, NULL);
    iw_status flushed = iw_spool_flush(&outbox->spool, true, NULL);
    if (status == IW_OK)
        status = flushed;
    return delivered ? IW_OK : status == IW_OK ? IW_AGAIN : status;
}

static iw_status
join_thread(ionwatch *w, int linger_ms)
{
    pthread_mutex_lock(&w->lock);
    /* An earlier handle's BYE counts if this one had nothing to add. */
    if (w->outbox.spool.has_bye && w->frames_sent == 0 && !w->finishing) {
        memcpy(w->bye, w->outbox.spool.bye, sizeof w->bye);
        w->finishing = true;
    }
    w->closing = true;
    w->deadline_ms = deadline_after(linger_ms);
    wake(w);
    pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    return leave_spool(w);
}

ionwatch_status
ionwatch_close(ionwatch **handle, int linger_ms)
{
    ionwatch *w = handle ? *handle : NULL;
    if (!w)
        return IONWATCH_OK;
    *handle = NULL;
    /* In a child of fork() the thread is gone and the rest belongs to the parent. */
    if (!is_owner(w))
        return IONWATCH_OK;
    iw_status status = w->started ? join_thread(w, linger_ms) : IW_OK;
    while (w->zmq_context && zmq_ctx_term(w->zmq_context) != 0 && errno == EINTR)
        ; /* a signal of the MD code's */
    (void)iw_framelog_writer_close(&w->file, NULL);
    if (w->wake_fd >= 0)
        (void)close(w->wake_fd);
    iw_outbox_give_packet(&w->outbox, w->spare);
    iw_outbox_fini(&w->outbox);
    iw_buffer_fini(&w->hello);
    iw_run_info_fini(&w->run);
    free(w->endpoint);
    free(w->stop_path);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
    return status;
}

bool
iw_client_may_end(const ionwatch *w, int64_t now_ms)
{
    if (!w->closing)
        return false;
    bool done = iw_outbox_is_empty(&w->outbox) && (!w->finishing || w->bye_done);
    return done || w->turned_away || now_ms >= w->deadline_ms;
}

void
iw_client_request_stop(ionwatch *w, const char *reason)
{
    if (atomic_load_explicit(&w->stop, memory_order_relaxed))
        return; /* the first reason stays: somebody may be reading it */
    (void)snprintf(w->stop_reason, sizeof w->stop_reason, "%s", reason);
    atomic_store_explicit(&w->stop, 1, memory_order_release);
}
