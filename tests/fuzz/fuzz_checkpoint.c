/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_checkpoint.c - the checkpoint files of a run with anything changed in them: one that was
 * saved in order is taken, the input edits head, state, index and blocks (three bytes each: place,
 * new byte) and cuts them, and checksums are made right again unless the first byte says no.  It is
 * refused and gone, or taken as a whole, with a place that its journal has. */
#include "fuzz_log.h"
#include "fuzz_target.h"
#include "journal/checkpoint.h"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

enum { PREFIX = 24, BLOCK = 48, SETTINGS = 7, ROOM = 8192 };

/* A little of everything that an archive has. */
typedef struct {
    uint64_t number;
    char text[16];
    size_t n;
    double *values;
    unsigned char block[BLOCK];
    iw_archive_key key;
} small;

static char folder[40], state_path[128], blocks_path[128], journal_path[128];
static unsigned char state[ROOM], blocks[ROOM], fresh[ROOM];
static size_t n_state, n_blocks, at_hash; /* of the state's hash in the head */

int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);

int
__wrap_fdatasync(int fd)
{
    return fd < 0 ? -1 : 0;
}

int
__wrap_fsync(int fd)
{
    return fd < 0 ? -1 : 0;
}

static void
archive_small(void *it, iw_archive *archive)
{
    small *self = it;
    iw_archive_tag(archive, "small", 1);
    iw_archive_u64(archive, &self->number);
    iw_archive_text(archive, self->text, sizeof self->text);
    iw_archive_count(archive, &self->n, sizeof *self->values, "values");
    if (iw_archive_loading(archive) && iw_archive_ok(archive)) {
        self->values = calloc(self->n + 1, sizeof *self->values);
        if (!self->values)
            abort();
    }
    if (iw_archive_ok(archive))
        iw_archive_doubles(archive, self->values, self->n);
    iw_archive_bulk(archive, self->block, sizeof self->block, &self->key);
}

static size_t
get(const char *path, unsigned char bytes[ROOM])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, bytes, ROOM);
    if (size <= 0 || size == ROOM)
        abort();
    (void)close(fd);
    return (size_t)size;
}

static void
put(const char *path, const unsigned char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (size > 0 && write(fd, bytes, size) != (ssize_t)size) || close(fd) != 0)
        abort();
}

static void
leave(void)
{
    char path[128];
    (void)iw_checkpoint_remove(folder, FUZZ_RUN_ID, NULL);
    (void)unlink(journal_path);
    iw_folder_path(folder, FUZZ_RUN_ID, "", path, sizeof path);
    (void)rmdir(path);
    (void)snprintf(path, sizeof path, "%s/runs", folder);
    (void)rmdir(path);
    (void)rmdir(folder);
}

static void
make_journal(void)
{
    static const uint8_t choices[] = {0, 4, 10, 0, 0, 10, 0, 0, 10, 0, 0};
    fuzz_input in = {choices, sizeof choices};
    iw_buffer log = {0};
    fuzz_log(&in, &log);
    put(journal_path, log.data, log.size);
    iw_buffer_fini(&log);
}

/* Saves one, and keeps its files as they are. */
static void
make_checkpoint(void)
{
    double values[3] = {1, 2, 3};
    small one = {.number = 42, .text = "text", .n = 3, .values = values, .block = {1, 2, 3}};
    iw_checkpoint about = {.settings = SETTINGS, .scan = {.last_seq = 2, .stop = "enough"}};
    iw_checkpoint_bytes bytes;
    iw_journal_item item;
    iw_error err;
    iw_journal_reader *reader = iw_journal_reader_open(journal_path, &err);
    if (!reader || iw_journal_reader_next(reader, UINT64_MAX, &item, &err) != IW_OK ||
        iw_journal_reader_next(reader, UINT64_MAX, &item, &err) != IW_OK ||
        iw_journal_reader_stand(reader, &about.place, &err) != IW_OK)
        abort();
    iw_journal_reader_close(&reader);
    iw_checkpoint_files *files = iw_checkpoint_files_new(folder, FUZZ_RUN_ID, "fuzz");
    if (!files || iw_checkpoint_write(files, &about, archive_small, &one, &bytes, &err) != IW_OK ||
        iw_checkpoint_commit(files, &err) != IW_OK)
        abort();
    iw_checkpoint_files_destroy(&files);
    if (access(blocks_path, F_OK) != 0) /* it may begin with either */
        iw_folder_path(folder, FUZZ_RUN_ID, "blocks-b.iwck", blocks_path, sizeof blocks_path);
    n_state = get(state_path, state);
    n_blocks = get(blocks_path, blocks);
    uint64_t head;
    memcpy(&head, state + 8, sizeof head);
    uint64_t hash = XXH3_64bits(state + PREFIX + head, n_state - PREFIX - head);
    for (at_hash = PREFIX; memcmp(state + at_hash, &hash, sizeof hash) != 0; at_hash++)
        if (at_hash + 8 >= PREFIX + head)
            abort();
}

static void
prepare(void)
{
    char path[128];
    if (folder[0])
        return;
    (void)snprintf(folder, sizeof folder, "/dev/shm/ionwatch-fuzz-XXXXXX");
    if (!mkdtemp(folder) || atexit(leave) != 0)
        abort();
    (void)snprintf(path, sizeof path, "%s/runs", folder);
    if (mkdir(path, 0700) != 0 || iw_folder_make_run(folder, FUZZ_RUN_ID, NULL) != IW_OK)
        abort();
    iw_folder_path(folder, FUZZ_RUN_ID, "journal.iwlog", journal_path, sizeof journal_path);
    iw_folder_path(folder, FUZZ_RUN_ID, "state.iwck", state_path, sizeof state_path);
    make_journal();
    iw_folder_path(folder, FUZZ_RUN_ID, "blocks-a.iwck", blocks_path, sizeof blocks_path);
    make_checkpoint();
}

/* Edits the saved files as told, and mends the checksums. */
static void
damage(fuzz_input *in)
{
    uint8_t how = fuzz_byte(in);
    uint8_t cut = fuzz_byte(in);
    uint64_t head;
    size_t size = n_state - (how & 2 ? cut % n_state : 0);
    size_t size_blocks = n_blocks - (how & 4 ? cut % n_blocks : 0);
    memcpy(&head, state + 8, sizeof head);
    memcpy(fresh, state, n_state);
    unsigned char more[ROOM];
    memcpy(more, blocks, n_blocks);
    while (in->left >= 3) {
        size_t at = fuzz_byte(in) + 256U * fuzz_byte(in);
        if (at < n_state)
            fresh[at] = fuzz_byte(in);
        else
            more[at % n_blocks] = fuzz_byte(in);
    }
    if ((how & 1) == 0 && size > PREFIX + head) {
        uint64_t hash = XXH3_64bits(fresh + PREFIX + head, size - PREFIX - head);
        memcpy(fresh + at_hash, &hash, sizeof hash);
        hash = XXH3_64bits(fresh + PREFIX, head);
        memcpy(fresh + 16, &hash, sizeof hash);
    }
    put(state_path, fresh, size);
    put(blocks_path, more, size_blocks);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    iw_framelog_place place;
    iw_journal_scan scan;
    iw_journal_item item;
    iw_checkpoint about;
    iw_checkpoint_bytes bytes;
    small loaded = {.number = 0};
    iw_error err = {0};
    prepare();
    damage(&in);
    if (iw_checkpoint_peek(folder, FUZZ_RUN_ID, &place, &scan) &&
        iw_journal_scan_from(journal_path, &place, &scan, &err) == IW_OK) {
        iw_run_info_fini(scan.info);
        free(scan.info);
    }
    iw_journal_reader *reader = iw_journal_reader_open(journal_path, &err);
    iw_checkpoint_files *files = iw_checkpoint_files_new(folder, FUZZ_RUN_ID, "fuzz");
    if (!reader || !files)
        abort();
    iw_status status =
        iw_checkpoint_load(files, SETTINGS, reader, &about, archive_small, &loaded, &bytes, &err);
    if (status == IW_OK) {
        if (strnlen(loaded.text, sizeof loaded.text) == sizeof loaded.text ||
            strnlen(about.scan.stop, sizeof about.scan.stop) == sizeof about.scan.stop ||
            loaded.block[0] != 1 || loaded.block[1] != 2)
            abort();
    } else if (!err.text[0] || access(state_path, F_OK) == 0) {
        abort();
    }
    while (iw_journal_reader_next(reader, UINT64_MAX, &item, &err) == IW_OK)
        ;
    free(loaded.values);
    iw_journal_reader_close(&reader);
    iw_checkpoint_files_destroy(&files);
    return 0;
}
