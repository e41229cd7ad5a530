/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal's thread with disks that fail: what was acknowledged stays. */
#include "iw_test.h"

#include "framelog.h"
#include "journal/folder.h"
#include "journal/journal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN = 1, FRAMES = 3 };

static atomic_int scans_that_fail, syncs_that_fail, cuts_that_fail;

iw_status __real_iw_journal_scan_file(const char *path, iw_journal_scan *scan, iw_error *err);
iw_status __wrap_iw_journal_scan_file(const char *path, iw_journal_scan *scan, iw_error *err);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_truncate(const char *path, off_t size);
int __wrap_truncate(const char *path, off_t size);

static bool
fails(atomic_int *left)
{
    return atomic_load(left) > 0 && atomic_fetch_sub(left, 1) > 0;
}

iw_status
__wrap_iw_journal_scan_file(const char *path, iw_journal_scan *scan, iw_error *err)
{
    if (fails(&scans_that_fail))
        return iw_fail(err, IW_IO, "%s: no descriptor left", path);
    return __real_iw_journal_scan_file(path, scan, err);
}

int
__wrap_fdatasync(int fd)
{
    if (fails(&syncs_that_fail)) {
        errno = EIO;
        return -1;
    }
    return __real_fdatasync(fd);
}

int
__wrap_truncate(const char *path, off_t size)
{
    if (fails(&cuts_that_fail)) {
        errno = EIO;
        return -1;
    }
    return __real_truncate(path, size);
}

typedef struct {
    char data[64], folder[128], path[160];
    iw_run_info run;
    void *context, *front, *worker, *inbox;
    iw_journal *journal;
    pthread_t thread;
} fixture;

static void
encode(const fixture *self, iw_msg_type type, uint64_t seq, iw_buffer *bytes)
{
    static const double pos[3] = {1, 2, 3};
    iw_error err;
    iw_message message;
    iw_message_init(&message, type);
    message.seq = seq;
    if (type == IW_MSG_HELLO) {
        memcpy(message.run_id, self->run.id, sizeof message.run_id);
        message.run = (iw_run_info *)&self->run;
    } else if (type == IW_MSG_FRAME) {
        message.frame.seq = seq;
        message.frame.step = (int64_t)seq;
        message.frame.n_atoms = 1;
        message.frame.pos = pos;
    } else {
        (void)snprintf(message.text, sizeof message.text, "completed");
    }
    assert_ok(iw_wire_encode(&message, bytes, &err), err);
}

/* A run of three frames that was filed by an earlier daemon. */
static void
leave_filed_run(const fixture *self)
{
    static const iw_msg_type types[] = {IW_MSG_HELLO, IW_MSG_FRAME, IW_MSG_FRAME,
                                        IW_MSG_FRAME, IW_MSG_BYE,   IW_MSG_FILED};
    iw_error err;
    iw_buffer bytes = {0};
    char path[200];
    iw_framelog_writer *log = iw_framelog_writer_open(self->path, NULL, &err);
    assert_non_null(log);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint64_t seq = i < 1 + FRAMES ? i : FRAMES;
        iw_buffer_clear(&bytes);
        encode(self, types[i], seq, &bytes);
        assert_ok(iw_framelog_append(log, types[i], seq, bytes.data, bytes.size, &err), err);
    }
    uint64_t size = iw_framelog_size(log);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    iw_summary summary;
    iw_summary_init(&summary);
    summary.frames = summary.last_seq = FRAMES;
    (void)snprintf(summary.state, sizeof summary.state, "completed");
    (void)snprintf(path, sizeof path, "%s/summary.json", self->folder);
    assert_ok(iw_summary_save(path, &summary, size, &err), err);
    iw_buffer_fini(&bytes);
}

static int
begin(void **state)
{
    static const char *const species[] = {"Li"};
    iw_error err;
    fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    (void)snprintf(self->data, sizeof self->data, "/tmp/iw-journal-XXXXXX");
    assert_non_null(mkdtemp(self->data));
    iw_run_info_init(&self->run);
    assert_ok(iw_uuid_new(self->run.id, &err), err);
    assert_ok(iw_run_info_set_atoms(&self->run, 1, species, &err), err);
    (void)snprintf(self->folder, sizeof self->folder, "%s/runs/%s", self->data, self->run.id);
    (void)snprintf(self->path, sizeof self->path, "%s/journal.iwlog", self->folder);
    self->context = zmq_ctx_new();
    self->front = iw_mailbox_bind(self->context, "front", &err);
    self->worker = iw_mailbox_bind(self->context, "worker-0", &err);
    iw_journal_options options = {.data = self->data, .workers = 1};
    self->journal = iw_journal_new(self->context, &options, &err);
    assert_non_null(self->journal);
    self->inbox = iw_mailbox_connect(self->context, "journal", &err);
    assert_ok(iw_folder_make_run(self->data, self->run.id, &err), err);
    *state = self;
    return 0;
}

static void
start(fixture *self)
{
    assert_int_equal(pthread_create(&self->thread, NULL, iw_journal_run, self->journal), 0);
}

static void
mail(fixture *self, iw_mail_kind kind, uint64_t seq)
{
    iw_buffer bytes = {0};
    iw_mail *letter = iw_mail_new(kind, RUN);
    memcpy(letter->id, self->run.id, sizeof letter->id);
    letter->seq = seq;
    if (kind == IW_MAIL_HELLO) {
        letter->info = malloc(sizeof *letter->info);
        iw_run_info_init(letter->info);
        (void)iw_run_info_copy(letter->info, &self->run, NULL);
    }
    if (kind == IW_MAIL_HELLO || kind == IW_MAIL_FRAME) {
        encode(self, kind == IW_MAIL_HELLO ? IW_MSG_HELLO : IW_MSG_FRAME, seq, &bytes);
        (void)zmq_msg_init_size(&letter->message, bytes.size);
        memcpy(zmq_msg_data(&letter->message), bytes.data, bytes.size);
    }
    iw_buffer_fini(&bytes);
    assert_true(iw_mail_send(self->inbox, &letter));
}

/* The next mail of that kind: its sequence number. */
static uint64_t
expect(void *box, iw_mail_kind kind)
{
    for (;;) {
        zmq_pollitem_t item = {box, 0, ZMQ_POLLIN, 0};
        assert_int_equal(zmq_poll(&item, 1, 10000), 1);
        iw_mail *letter = iw_mail_receive(box, false);
        bool found = letter->kind == kind;
        uint64_t seq = letter->seq;
        iw_mail_destroy(&letter);
        if (found)
            return seq;
    }
}

static int
end(void **state)
{
    fixture *self = *state;
    char path[200];
    if (self->thread) {
        mail(self, IW_MAIL_QUIT, 0);
        (void)pthread_join(self->thread, NULL);
    }
    iw_journal_destroy(&self->journal);
    iw_mailbox_close(&self->front);
    iw_mailbox_close(&self->worker);
    iw_mailbox_close(&self->inbox);
    (void)zmq_ctx_term(self->context);
    (void)iw_folder_remove_run(self->data, self->run.id, NULL);
    iw_run_info_fini(&self->run);
    (void)snprintf(path, sizeof path, "%s/runs", self->data);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/lock", self->data);
    (void)unlink(path);
    (void)rmdir(self->data);
    free(self);
    return 0;
}

/* The frames in the journal must be 1, 2, 3, ... : their number. */
static uint64_t
frames_on_disk(const fixture *self)
{
    iw_error err;
    iw_framelog_record record;
    uint64_t n = 0;
    iw_framelog_reader *reader = iw_framelog_reader_open(self->path, &err);
    assert_non_null(reader);
    while (iw_framelog_next(reader, &record, &err) == IW_OK)
        if (record.kind == IW_MSG_FRAME)
            assert_int_equal(record.seq, ++n);
    iw_framelog_reader_close(&reader);
    return n;
}

static void
filed_run_that_cannot_be_read_for_a_moment_keeps_its_journal(void **state)
{
    fixture *self = *state;
    leave_filed_run(self);
    start(self);
    (void)expect(self->front, IW_MAIL_READY);
    atomic_store(&scans_that_fail, 1);
    mail(self, IW_MAIL_HELLO, FRAMES);
    (void)expect(self->front, IW_MAIL_WAITING);
    assert_int_equal(expect(self->front, IW_MAIL_OPENED), FRAMES);
    mail(self, IW_MAIL_FRAME, FRAMES + 1);
    assert_int_equal(expect(self->front, IW_MAIL_DURABLE), FRAMES);
    assert_int_equal(expect(self->front, IW_MAIL_DURABLE), FRAMES + 1);
    assert_int_equal(frames_on_disk(self), FRAMES + 1);
}

static void
frames_that_could_not_be_synchronised_are_written_once(void **state)
{
    fixture *self = *state;
    start(self);
    mail(self, IW_MAIL_HELLO, 0);
    (void)expect(self->front, IW_MAIL_OPENED);
    (void)expect(self->front, IW_MAIL_DURABLE);
    atomic_store(&syncs_that_fail, 1);
    atomic_store(&cuts_that_fail, 1); /* nor can they be taken off at once */
    mail(self, IW_MAIL_FRAME, 1);
    (void)expect(self->front, IW_MAIL_WAITING);
    mail(self, IW_MAIL_FRAME, 2);
    assert_int_equal(expect(self->front, IW_MAIL_DURABLE), 2);
    assert_int_equal(frames_on_disk(self), 2);
}

/* What queues for it must not grow with the run. */
static void
worker_that_stands_still_has_one_mail_that_frames_are_durable(void **state)
{
    fixture *self = *state;
    enum { MANY = 40 };
    struct stat info;
    int rung = 0;
    start(self);
    mail(self, IW_MAIL_HELLO, 0);
    (void)expect(self->front, IW_MAIL_DURABLE);
    for (uint64_t seq = 1; seq <= MANY; seq++) { /* a commit for each */
        mail(self, IW_MAIL_FRAME, seq);
        assert_int_equal(expect(self->front, IW_MAIL_DURABLE), seq);
    }
    mail(self, IW_MAIL_SHOW, 0); /* the last that it has */
    iw_mail *open = iw_mail_receive(self->worker, true);
    assert_int_equal(open->kind, IW_MAIL_OPEN);
    for (bool last = false; !last;) {
        iw_mail *more = iw_mail_receive(self->worker, true);
        rung += more->kind == IW_MAIL_DURABLE;
        last = more->kind == IW_MAIL_SHOW;
        iw_mail_destroy(&more);
    }
    assert_int_equal(rung, 1);
    assert_int_equal(stat(self->path, &info), 0);
    assert_int_equal(iw_doorbell_answer(open->doorbell), info.st_size);
    mail(self, IW_MAIL_FRAME, MANY + 1);
    (void)expect(self->worker, IW_MAIL_DURABLE);
    iw_mail_destroy(&open);
    (void)expect(self->front, IW_MAIL_DURABLE);
}

static void
question_behind_the_filing_reaches_the_worker(void **state)
{
    fixture *self = *state;
    mail(self, IW_MAIL_HELLO, 0);
    mail(self, IW_MAIL_FILED, 0);
    mail(self, IW_MAIL_SHOW, 0);
    start(self); /* one commit for all of them */
    (void)expect(self->worker, IW_MAIL_SHOW);
    (void)expect(self->front, IW_MAIL_FILED);
}

/* Its reader waits for an answer, and is counted until he has it. */
static void
question_about_a_run_that_is_turned_away_reaches_the_worker(void **state)
{
    fixture *self = *state;
    FILE *file = fopen(self->path, "w");
    assert_non_null(file);
    (void)fputs("no journal of ours, and no room for one beside it", file);
    assert_int_equal(fclose(file), 0);
    mail(self, IW_MAIL_HELLO, 0);
    mail(self, IW_MAIL_SHOW, 0);
    start(self);
    (void)expect(self->worker, IW_MAIL_SHOW);
    (void)expect(self->front, IW_MAIL_OPENED);
}

/* Killed after a filed run has gone on: what was filed of it says no more how it stands. */
static void
filed_run_that_went_on_is_found_alive(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_buffer bytes = {0};
    uint64_t cut_bytes = 0;
    leave_filed_run(self);
    iw_framelog_writer *log = iw_framelog_writer_open(self->path, &cut_bytes, &err);
    assert_non_null(log);
    encode(self, IW_MSG_HELLO, FRAMES, &bytes);
    assert_ok(iw_framelog_append(log, IW_MSG_HELLO, FRAMES, bytes.data, bytes.size, &err), err);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    iw_buffer_fini(&bytes);
    start(self);
    iw_mail *found = NULL;
    for (int i = 0; i < 1000 && !found; i++, (void)poll(NULL, 0, 10))
        found = iw_mail_receive(self->front, false);
    assert_non_null(found);
    assert_int_equal(found->kind, IW_MAIL_RECOVERED);
    assert_int_equal(found->seq, FRAMES);
    assert_false(found->flag);
    assert_string_equal(found->summary.state, "");
    iw_mail_destroy(&found);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(filed_run_that_cannot_be_read_for_a_moment_keeps_its_journal),
        CASE(filed_run_that_went_on_is_found_alive),
        CASE(frames_that_could_not_be_synchronised_are_written_once),
        CASE(worker_that_stands_still_has_one_mail_that_frames_are_durable),
        CASE(question_behind_the_filing_reaches_the_worker),
        CASE(question_about_a_run_that_is_turned_away_reaches_the_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
