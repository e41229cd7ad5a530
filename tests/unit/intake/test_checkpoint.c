/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoint files with a small state: what comes back, and what must not be believed. */
#include "iw_test.h"

#include "journal/checkpoint.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 50000, SETTINGS = 4711 };

static const char program[] = "1.0 build";

/* What is saved: some numbers, and blocks that do not change any more. */
typedef struct {
    uint64_t numbers[10];
    size_t n_blocks;
    unsigned char *blocks; /* [n_blocks][BLOCK] */
} dummy;

static void
archive_dummy(void *state, iw_archive *archive)
{
    dummy *self = state;
    iw_archive_tag(archive, "dummy", 1);
    for (size_t i = 0; i < 10; i++)
        iw_archive_u64(archive, &self->numbers[i]);
    iw_archive_count(archive, &self->n_blocks, BLOCK, "blocks");
    if (iw_archive_loading(archive)) {
        self->blocks = malloc(self->n_blocks * BLOCK + 1);
        assert_non_null(self->blocks);
    }
    for (size_t i = 0; i < self->n_blocks; i++) {
        iw_archive_key key = {0, 0}; /* hashed each time: the test changes its blocks */
        iw_archive_bulk(archive, self->blocks + i * BLOCK, BLOCK, &key);
    }
}

static dummy
make_dummy(uint64_t seed, size_t n_blocks)
{
    dummy self = {.n_blocks = n_blocks, .blocks = malloc(n_blocks * BLOCK + 1)};
    assert_non_null(self.blocks);
    for (size_t i = 0; i < 10; i++)
        self.numbers[i] = iw_test_random(&seed);
    for (size_t i = 0; i < n_blocks * BLOCK; i++)
        self.blocks[i] = (unsigned char)iw_test_random(&seed);
    return self;
}

static void
assert_same_dummy(const dummy *a, const dummy *b)
{
    assert_memory_equal(a->numbers, b->numbers, sizeof a->numbers);
    assert_int_equal(a->n_blocks, b->n_blocks);
    assert_memory_equal(a->blocks, b->blocks, a->n_blocks * BLOCK);
}

typedef struct {
    char data[64], state[160], journal[160];
    iw_run_info run;
    iw_framelog_writer *log;
    iw_checkpoint_files *files;
    iw_journal_reader *reader;
    uint64_t frames;
} fixture;

static void
append(fixture *self, iw_message *message, uint64_t seq)
{
    iw_error err;
    iw_buffer bytes = {0};
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    assert_ok(iw_framelog_append(self->log, message->type, seq, bytes.data, bytes.size, &err), err);
    assert_ok(iw_framelog_sync(self->log, &err), err);
    iw_buffer_fini(&bytes);
}

static void
append_frames(fixture *self, uint64_t n)
{
    iw_message message;
    for (uint64_t end = self->frames + n; self->frames < end;) {
        uint64_t seq = ++self->frames;
        const double pos[3] = {(double)seq, 1, 2};
        iw_message_init(&message, IW_MSG_FRAME);
        message.frame.seq = seq;
        message.frame.n_atoms = 1;
        message.frame.pos = pos;
        append(self, &message, seq);
    }
}

static void
open_journal(fixture *self)
{
    iw_error err;
    self->log = iw_framelog_writer_open(self->journal, NULL, &err);
    assert_non_null(self->log);
    iw_message hello;
    iw_message_init(&hello, IW_MSG_HELLO);
    hello.run = &self->run;
    memcpy(hello.run_id, self->run.id, sizeof hello.run_id);
    append(self, &hello, 0);
}

static int
begin(void **state)
{
    static const char *const species[] = {"Li"};
    iw_error err;
    fixture *self = calloc(1, sizeof *self);
    assert_non_null(self);
    (void)snprintf(self->data, sizeof self->data, "/tmp/iw-checkpoint-XXXXXX");
    assert_non_null(mkdtemp(self->data));
    int lock = iw_folder_open(self->data, &err);
    assert_true(lock >= 0);
    (void)close(lock);
    iw_run_info_init(&self->run);
    assert_ok(iw_uuid_new(self->run.id, &err), err);
    assert_ok(iw_run_info_set_atoms(&self->run, 1, species, &err), err);
    assert_ok(iw_folder_make_run(self->data, self->run.id, &err), err);
    iw_folder_path(self->data, self->run.id, "journal.iwlog", self->journal, sizeof self->journal);
    iw_folder_path(self->data, self->run.id, "state.iwck", self->state, sizeof self->state);
    open_journal(self);
    append_frames(self, 5);
    self->reader = iw_journal_reader_open(self->journal, &err);
    assert_non_null(self->reader);
    self->files = iw_checkpoint_files_new(self->data, self->run.id, program);
    assert_non_null(self->files);
    *state = self;
    return 0;
}

static int
end(void **state)
{
    fixture *self = *state;
    char path[160];
    iw_checkpoint_files_destroy(&self->files);
    iw_journal_reader_close(&self->reader);
    (void)iw_framelog_writer_close(&self->log, NULL);
    (void)iw_folder_remove_run(self->data, self->run.id, NULL);
    iw_run_info_fini(&self->run);
    (void)snprintf(path, sizeof path, "%s/runs", self->data);
    assert_int_equal(rmdir(path), 0); /* no file was left */
    (void)snprintf(path, sizeof path, "%s/lock", self->data);
    (void)unlink(path);
    (void)rmdir(self->data);
    free(self);
    return 0;
}

/* Reads the journal to its end and saves there. */
static iw_status
save(fixture *self, dummy *state, iw_checkpoint_bytes *bytes, iw_error *err)
{
    iw_checkpoint_bytes unused;
    iw_journal_item item;
    iw_checkpoint about = {
        .settings = SETTINGS, .scan = {.last_seq = self->frames}, .stop_asked = true};
    (void)snprintf(about.scan.stop, sizeof about.scan.stop, "known");
    (void)snprintf(about.adapter, sizeof about.adapter, "adapter");
    iw_journal_reader_rewind(self->reader);
    uint64_t size = iw_framelog_size(self->log);
    while (iw_journal_reader_next(self->reader, size, &item, err) == IW_OK && item.end < size)
        ;
    assert_ok(iw_journal_reader_stand(self->reader, &about.place, err), *err);
    assert_int_equal(about.place.end, size);
    iw_status status = iw_checkpoint_write(self->files, &about, archive_dummy, state,
                                           bytes ? bytes : &unused, err);
    return status == IW_OK ? iw_checkpoint_commit(self->files, err) : status;
}

/* As a restarted daemon: with new objects. */
static void
restart(fixture *self, const char *id, const char *by)
{
    iw_error err;
    iw_checkpoint_files_destroy(&self->files);
    iw_journal_reader_close(&self->reader);
    self->reader = iw_journal_reader_open(self->journal, &err);
    assert_non_null(self->reader);
    self->files = iw_checkpoint_files_new(self->data, id, by);
}

static iw_status
load(fixture *self, uint64_t settings, dummy *state, iw_error *err)
{
    iw_checkpoint about;
    iw_checkpoint_bytes bytes;
    *state = (dummy){.n_blocks = 0};
    iw_status status = iw_checkpoint_load(self->files, settings, self->reader, &about,
                                          archive_dummy, state, &bytes, err);
    if (status == IW_OK) {
        assert_string_equal(about.scan.stop, "known");
        assert_string_equal(about.adapter, "adapter");
        assert_true(about.stop_asked);
    }
    return status;
}

static size_t
files_left(const fixture *self)
{
    char path[160];
    size_t n = 0;
    iw_folder_path(self->data, self->run.id, "", path, sizeof path);
    DIR *folder = opendir(path);
    for (struct dirent *item; (item = readdir(folder));)
        n += strstr(item->d_name, ".iwck") != NULL;
    (void)closedir(folder);
    return n;
}

/* It is not loaded, the reason is named, the reader is at the start, and the files are gone. */
static void
assert_not_used(fixture *self, uint64_t settings, iw_status expected, const char *why)
{
    iw_error err;
    iw_journal_item item;
    dummy back;
    assert_int_equal(load(self, settings, &back, &err), expected);
    free(back.blocks);
    if (!strstr(err.text, why))
        fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    assert_int_equal(files_left(self), 0);
    assert_ok(iw_journal_reader_next(self->reader, iw_framelog_size(self->log), &item, &err), err);
    assert_int_equal(item.kind, IW_MSG_HELLO);
    assert_int_equal(load(self, settings, &back, &err), IW_NOT_FOUND);
}

static void
state_comes_back_and_the_reader_goes_on_behind_it(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_journal_item item;
    dummy saved = make_dummy(1, 3), back;
    assert_ok(save(self, &saved, NULL, &err), err);
    append_frames(self, 1);
    restart(self, self->run.id, program);
    assert_ok(load(self, SETTINGS, &back, &err), err);
    assert_same_dummy(&back, &saved);
    assert_ok(iw_journal_reader_next(self->reader, iw_framelog_size(self->log), &item, &err), err);
    assert_int_equal(item.seq, 6);
    free(saved.blocks);
    free(back.blocks);
}

static void
blocks_are_written_once(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_checkpoint_bytes bytes;
    dummy saved = make_dummy(2, 8), back;
    for (size_t n = 0; n <= 8; n++) {
        saved.n_blocks = n;
        saved.numbers[0] = n;
        append_frames(self, 1);
        if (n == 5) { /* a restart in between changes nothing */
            restart(self, self->run.id, program);
            assert_ok(load(self, SETTINGS, &back, &err), err);
            free(back.blocks);
        }
        assert_ok(save(self, &saved, &bytes, &err), err);
        assert_int_equal(bytes.blocks, n == 0 ? 0 : BLOCK);
        assert_true(bytes.state > 80 && bytes.state < 3000);
    }
    restart(self, self->run.id, program);
    assert_ok(load(self, SETTINGS, &back, &err), err);
    assert_same_dummy(&back, &saved);
    free(saved.blocks);
    free(back.blocks);
}

static void
blocks_of_no_use_are_dropped_when_they_are_the_larger_part(void **state)
{
    fixture *self = *state;
    iw_error err;
    char path[160];
    struct stat info;
    for (uint64_t seed = 1; seed <= 6;
         seed++) { /* each with other blocks: all before are useless */
        dummy saved = make_dummy(seed, 30), back;
        append_frames(self, 1);
        assert_ok(save(self, &saved, NULL, &err), err);
        assert_int_equal(files_left(self), 2);
        iw_folder_path(self->data, self->run.id, "blocks-b.iwck", path, sizeof path);
        if (stat(path, &info) != 0) {
            iw_folder_path(self->data, self->run.id, "blocks-a.iwck", path, sizeof path);
            assert_int_equal(stat(path, &info), 0);
        }
        assert_true(info.st_size <= 3 * 30 * BLOCK);
        restart(self, self->run.id, program);
        assert_ok(load(self, SETTINGS, &back, &err), err);
        assert_same_dummy(&back, &saved);
        free(saved.blocks);
        free(back.blocks);
    }
}

/* The files of a checkpoint, to be put back. */
typedef struct {
    char path[2][160];
    unsigned char bytes[2][2 * BLOCK];
    size_t size[2];
} copy;

static copy *
copy_files(const fixture *self)
{
    static copy kept;
    memcpy(kept.path[0], self->state, sizeof kept.path[0]);
    iw_folder_path(self->data, self->run.id, "blocks-b.iwck", kept.path[1], sizeof kept.path[1]);
    for (size_t i = 0; i < 2; i++) {
        FILE *file = fopen(kept.path[i], "r");
        assert_non_null(file);
        kept.size[i] = fread(kept.bytes[i], 1, sizeof kept.bytes[i], file);
        assert_true(kept.size[i] > 0 && kept.size[i] < sizeof kept.bytes[i]);
        (void)fclose(file);
    }
    return &kept;
}

static void
put_back(const copy *kept, size_t state_size)
{
    for (size_t i = 0; i < 2; i++) {
        size_t size = i == 0 ? state_size : kept->size[i];
        FILE *file = fopen(kept->path[i], "w");
        assert_non_null(file);
        assert_int_equal(fwrite(kept->bytes[i], 1, size, file), size);
        (void)fclose(file);
    }
}

static void
no_changed_byte_is_believed(void **state)
{
    fixture *self = *state;
    iw_error err;
    dummy saved = make_dummy(3, 1), back;
    assert_ok(save(self, &saved, NULL, &err), err);
    copy *kept = copy_files(self);
    for (size_t i = 0; i <= kept->size[0]; i++) { /* the last round: a byte too many */
        kept->bytes[0][i] ^= 1;
        put_back(kept, i < kept->size[0] ? kept->size[0] : kept->size[0] + 1);
        kept->bytes[0][i] ^= 1;
        restart(self, self->run.id, program);
        assert_int_equal(load(self, SETTINGS, &back, &err), IW_CORRUPT);
        assert_int_equal(files_left(self), 0);
        free(back.blocks);
    }
    put_back(kept, kept->size[0]);
    restart(self, self->run.id, program);
    assert_ok(load(self, SETTINGS, &back, &err), err);
    free(back.blocks);
    free(saved.blocks);
}

static void
no_shortened_file_is_believed(void **state)
{
    fixture *self = *state;
    iw_error err;
    dummy saved = make_dummy(4, 1);
    assert_ok(save(self, &saved, NULL, &err), err);
    const copy *kept = copy_files(self);
    for (size_t size = 0; size < kept->size[0]; size++) {
        put_back(kept, size);
        restart(self, self->run.id, program);
        assert_not_used(self, SETTINGS, IW_CORRUPT, "");
    }
    free(saved.blocks);
}

static void
blocks_that_are_damaged_or_gone_are_not_used(void **state)
{
    fixture *self = *state;
    iw_error err;
    char path[160];
    static const char *const said[] = {"does not match its checksum", "of its 100000 bytes",
                                       "cannot open"};
    for (int i = 0; i < 3; i++) {
        dummy saved = make_dummy(5, 2);
        assert_ok(save(self, &saved, NULL, &err), err);
        restart(self, self->run.id, program);
        iw_folder_path(self->data, self->run.id, "blocks-b.iwck", path, sizeof path);
        FILE *file = fopen(path, "r+");
        assert_non_null(file);
        if (i == 0)
            assert_int_equal(fputc(saved.blocks[0] ^ 1, file), saved.blocks[0] ^ 1);
        (void)fclose(file);
        if (i == 1)
            assert_int_equal(truncate(path, 2 * BLOCK - 1), 0);
        if (i == 2)
            assert_int_equal(unlink(path), 0);
        assert_not_used(self, SETTINGS, i == 2 ? IW_IO : IW_CORRUPT, said[i]);
        free(saved.blocks);
    }
}

static void
checkpoint_of_another_run_program_or_option_is_not_used(void **state)
{
    fixture *self = *state;
    iw_error err;
    char id[IW_ID_LENGTH + 1], other[160];
    dummy saved = make_dummy(6, 1);
    assert_ok(save(self, &saved, NULL, &err), err);
    restart(self, self->run.id, "2.0 build");
    assert_not_used(self, SETTINGS, IW_UNSUPPORTED, "by ionwatchd 1.0 build, this is 2.0 build");
    assert_ok(save(self, &saved, NULL, &err), err);
    restart(self, self->run.id, "2.0 build");
    assert_not_used(self, SETTINGS + 1, IW_INVALID, "options");
    assert_ok(save(self, &saved, NULL, &err), err);
    assert_ok(iw_uuid_new(id, &err), err); /* copied into the folder of another run */
    assert_ok(iw_folder_make_run(self->data, id, &err), err);
    iw_folder_path(self->data, id, "state.iwck", other, sizeof other);
    assert_int_equal(rename(self->state, other), 0);
    assert_ok(iw_checkpoint_remove(self->data, self->run.id, &err), err);
    restart(self, id, "2.0 build");
    assert_not_used(self, SETTINGS, IW_CORRUPT, self->run.id);
    assert_ok(iw_folder_remove_run(self->data, id, &err), err);
    free(saved.blocks);
}

static void
checkpoint_that_the_journal_does_not_reach_or_contradicts_is_not_used(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_journal_scan scan;
    iw_framelog_place place;
    dummy saved = make_dummy(7, 1);
    assert_ok(save(self, &saved, NULL, &err), err);
    assert_true(iw_checkpoint_peek(self->data, self->run.id, &place, &scan));
    assert_int_equal(truncate(self->journal, (off_t)place.end - 1), 0);
    assert_false(iw_checkpoint_peek(self->data, self->run.id, &place, &scan));
    restart(self, self->run.id, program);
    assert_not_used(self, SETTINGS, IW_CORRUPT, "has no record at offset");
    for (int i = 0; i < 2; i++) { /* as long, but of others: the last frame, or the run itself */
        assert_int_equal(unlink(self->journal), 0);
        (void)iw_framelog_writer_close(&self->log, NULL);
        self->frames = 0;
        open_journal(self);
        append_frames(self, 5);
        restart(self, self->run.id, program);
        assert_ok(save(self, &saved, NULL, &err), err);
        assert_int_equal(unlink(self->journal), 0);
        (void)iw_framelog_writer_close(&self->log, NULL);
        self->run.timestep_fs = i == 0 ? 1 : 2;
        self->frames = i == 0 ? 0 : 1;
        open_journal(self);
        append_frames(self, 5);
        restart(self, self->run.id, program);
        assert_false(iw_checkpoint_peek(self->data, self->run.id, &place, &scan));
        assert_not_used(self, SETTINGS, IW_CORRUPT, "the log");
    }
    free(saved.blocks);
}

static void
remains_of_a_save_that_was_not_finished_do_no_harm(void **state)
{
    fixture *self = *state;
    iw_error err;
    char path[160];
    dummy saved = make_dummy(8, 2), back;
    static const char *const remains[] = {"state.iwck.new", "blocks-a.iwck", "blocks-b.iwck"};
    assert_ok(save(self, &saved, NULL, &err), err);
    for (size_t i = 0; i < 3; i++) {
        iw_folder_path(self->data, self->run.id, remains[i], path, sizeof path);
        FILE *file = fopen(path, "a");
        assert_non_null(file);
        (void)fputs("killed in the middle of", file);
        (void)fclose(file);
    }
    restart(self, self->run.id, program);
    assert_ok(load(self, SETTINGS, &back, &err), err);
    assert_same_dummy(&back, &saved);
    free(back.blocks);
    back = make_dummy(9, 3);
    assert_ok(save(self, &back, NULL, &err), err);
    assert_int_equal(files_left(self), 2);
    restart(self, self->run.id, program);
    dummy again;
    assert_ok(load(self, SETTINGS, &again, &err), err);
    assert_same_dummy(&again, &back);
    free(saved.blocks);
    free(back.blocks);
    free(again.blocks);
}

static void
save_that_fails_leaves_the_one_before(void **state)
{
    fixture *self = *state;
    iw_error err;
    struct rlimit limit;
    dummy saved = make_dummy(10, 2), larger = make_dummy(10, 6), back;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_ok(save(self, &saved, NULL, &err), err);
    for (rlim_t room = 0; room < 6 * BLOCK; room += BLOCK / 3) {
        struct rlimit small = {room, limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        iw_status status = save(self, &larger, NULL, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(status, IW_IO);
        assert_non_null(strstr(err.text, "File too large"));
        if (room > BLOCK)
            restart(self, self->run.id, program);
        assert_int_equal(files_left(self), 2);
        restart(self, self->run.id, program);
        assert_ok(load(self, SETTINGS, &back, &err), err);
        assert_same_dummy(&back, &saved);
        free(back.blocks);
    }
    assert_ok(save(self, &larger, NULL, &err), err);
    restart(self, self->run.id, program);
    assert_ok(load(self, SETTINGS, &back, &err), err);
    assert_same_dummy(&back, &larger);
    free(back.blocks);
    free(saved.blocks);
    free(larger.blocks);
}

static void
scan_from_a_checkpoint_tells_what_the_whole_journal_tells(void **state)
{
    fixture *self = *state;
    iw_error err;
    iw_journal_scan whole, part;
    iw_framelog_place place;
    iw_message message;
    dummy saved = make_dummy(11, 1);
    iw_message_init(&message, IW_MSG_CONTROL);
    message.stop = true;
    (void)snprintf(message.text, sizeof message.text, "known");
    append(self, &message, 0);
    append_frames(self, 1);
    assert_ok(save(self, &saved, NULL, &err), err);
    for (int i = 0; i < 3; i++) { /* nothing more; frames; the end */
        if (i == 1) {
            append_frames(self, 4);
        } else if (i == 2) {
            iw_message_init(&message, IW_MSG_BYE);
            (void)snprintf(message.text, sizeof message.text, "walltime");
            append(self, &message, 0);
        }
        assert_ok(iw_journal_scan_file(self->journal, &whole, &err), err);
        assert_true(iw_checkpoint_peek(self->data, self->run.id, &place, &part));
        assert_ok(iw_journal_scan_from(self->journal, &place, &part, &err), err);
        assert_int_equal(part.last_seq, whole.last_seq);
        assert_int_equal(part.bytes, whole.bytes);
        assert_int_equal(part.ended, i == 2);
        assert_int_equal(part.filed, whole.filed);
        assert_string_equal(part.why, whole.why);
        assert_string_equal(part.stop, "known");
        assert_string_equal(part.info->id, self->run.id);
        iw_run_info_fini(part.info);
        free(part.info);
        iw_run_info_fini(whole.info);
        free(whole.info);
    }
    free(saved.blocks);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        CASE(state_comes_back_and_the_reader_goes_on_behind_it),
        CASE(blocks_are_written_once),
        CASE(blocks_of_no_use_are_dropped_when_they_are_the_larger_part),
        CASE(no_changed_byte_is_believed),
        CASE(no_shortened_file_is_believed),
        CASE(blocks_that_are_damaged_or_gone_are_not_used),
        CASE(checkpoint_of_another_run_program_or_option_is_not_used),
        CASE(checkpoint_that_the_journal_does_not_reach_or_contradicts_is_not_used),
        CASE(remains_of_a_save_that_was_not_finished_do_no_harm),
        CASE(save_that_fails_leaves_the_one_before),
        CASE(scan_from_a_checkpoint_tells_what_the_whole_journal_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
