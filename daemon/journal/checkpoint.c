/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/checkpoint.h"

#include "journal/bulk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    PATH_SIZE = 1024,
    PREFIX = 24, /* magic, size and hash of the head */
    MAX_HEAD = 64 << 10,
    INDEX_ITEM = 32, /* key, offset, size */
    GATHER = 256 << 10
};

static const char magic[8] = {'I', 'W', 'C', 'K', 'P', 'T', 0, 1};

typedef struct {
    char program[IW_CHECKPOINT_PROGRAM];
    char id[IW_ID_LENGTH + 1];
    iw_checkpoint about;
    uint64_t state_bytes, n_blocks; /* what follows the head, and its hash */
    uint64_t hash;
    uint64_t block_file, block_bytes;
} checkpoint_head;

struct iw_checkpoint_files {
    char path[PATH_SIZE], fresh[PATH_SIZE];
    char folder[PATH_SIZE];
    char id[IW_ID_LENGTH + 1];
    char program[IW_CHECKPOINT_PROGRAM];
    iw_bulk bulk;
    int written; /* state.iwck.new, not yet committed; -1: there is none */
};

static const char *const names[] = {"state.iwck.new", "state.iwck", "blocks-a.iwck",
                                    "blocks-b.iwck"};

iw_status
iw_checkpoint_remove(const char *data, const char *id, iw_error *err)
{
    char path[PATH_SIZE];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        iw_folder_path(data, id, names[i], path, sizeof path);
        if (unlink(path) != 0 && errno != ENOENT)
            return iw_fail_errno(err, "cannot remove %s", path);
    }
    return IW_OK;
}

iw_checkpoint_files *
iw_checkpoint_files_new(const char *data, const char *id, const char *program)
{
    iw_checkpoint_files *self = calloc(1, sizeof *self);
    if (!self)
        return NULL;
    self->written = -1;
    iw_folder_path(data, id, "", self->folder, sizeof self->folder);
    iw_folder_path(data, id, "state.iwck", self->path, sizeof self->path);
    iw_folder_path(data, id, "state.iwck.new", self->fresh, sizeof self->fresh);
    iw_text_copy(self->id, sizeof self->id, id);
    iw_text_copy(self->program, sizeof self->program, program);
    iw_bulk_init(&self->bulk, self->folder);
    return self;
}

/* A checkpoint that was written is in its place, or is given up.  Harmless where there is none. */
static void
end_writing(iw_checkpoint_files *self, bool done)
{
    if (self->written < 0)
        return;
    (void)close(self->written);
    self->written = -1;
    if (!done)
        (void)unlink(self->fresh);
    iw_bulk_end(&self->bulk, done);
}

void
iw_checkpoint_files_destroy(iw_checkpoint_files **self)
{
    if (!*self)
        return;
    end_writing(*self, false);
    iw_bulk_fini(&(*self)->bulk);
    free(*self);
    *self = NULL;
}

static void
drop(iw_checkpoint_files *self)
{
    (void)unlink(self->path);
    (void)unlink(self->fresh);
    iw_bulk_drop(&self->bulk);
}

/* ---- the head ---- */

static void
archive_head(checkpoint_head *head, iw_archive *archive)
{
    iw_checkpoint *about = &head->about;
    iw_archive_tag(archive, "checkpoint", 1);
    iw_archive_text(archive, head->program, sizeof head->program);
    iw_archive_text(archive, head->id, sizeof head->id);
    iw_archive_u64(archive, &about->place.end);
    iw_archive_u64(archive, &about->place.record);
    iw_archive_u64(archive, &about->place.checksum);
    iw_archive_u64(archive, &about->place.first_checksum);
    iw_archive_u64(archive, &about->scan.last_seq);
    iw_archive_bool(archive, &about->scan.ended);
    iw_archive_bool(archive, &about->scan.filed);
    iw_archive_text(archive, about->scan.why, sizeof about->scan.why);
    iw_archive_text(archive, about->scan.stop, sizeof about->scan.stop);
    iw_archive_text(archive, about->adapter, sizeof about->adapter);
    iw_archive_bool(archive, &about->stop_asked);
    iw_archive_u64(archive, &about->settings);
    iw_archive_u64(archive, &head->state_bytes);
    iw_archive_u64(archive, &head->n_blocks);
    iw_archive_u64(archive, &head->hash);
    iw_archive_u64(archive, &head->block_file);
    iw_archive_u64(archive, &head->block_bytes);
    IW_ARCHIVE_CHECK(archive, head->block_file <= 1);
}

/* Prefix and head as bytes; the size is always the same. */
static iw_status
encode_head(checkpoint_head *head, iw_buffer *bytes, iw_error *err)
{
    iw_archive archive;
    unsigned char prefix[PREFIX] = {0};
    iw_buffer_clear(bytes);
    iw_status status = iw_buffer_append(bytes, prefix, sizeof prefix, err);
    if (status != IW_OK)
        return status;
    iw_archive_to_buffer(&archive, bytes);
    archive_head(head, &archive);
    uint64_t size = bytes->size - PREFIX;
    uint64_t hash = XXH3_64bits(bytes->data + PREFIX, size);
    memcpy(bytes->data, magic, sizeof magic);
    memcpy(bytes->data + 8, &size, sizeof size);
    memcpy(bytes->data + 16, &hash, sizeof hash);
    return iw_archive_status(&archive, err);
}

/* *end: where state begins. */
static iw_status
read_head(int fd, checkpoint_head *head, uint64_t *end, iw_error *err)
{
    unsigned char prefix[PREFIX];
    unsigned char *bytes = NULL;
    uint64_t told, hash;
    iw_status status = iw_bulk_read_at(fd, prefix, sizeof prefix, 0, err);
    if (status != IW_OK)
        return status;
    memcpy(&told, prefix + 8, sizeof told);
    memcpy(&hash, prefix + 16, sizeof hash);
    if (memcmp(prefix, magic, sizeof magic) != 0)
        return iw_fail(err, IW_CORRUPT, "it is not a checkpoint of this format");
    if (told > MAX_HEAD)
        return iw_fail(err, IW_CORRUPT, "a head of %llu bytes", (unsigned long long)told);
    size_t size = (size_t)told;
    bytes = malloc(size + 1);
    if (!bytes)
        return iw_fail(err, IW_NO_MEMORY, "no memory for a head");
    status = iw_bulk_read_at(fd, bytes, size, PREFIX, err);
    if (status == IW_OK && XXH3_64bits(bytes, size) != hash)
        status = iw_fail(err, IW_CORRUPT, "the head does not match its checksum");
    if (status == IW_OK) {
        iw_archive archive;
        iw_archive_cursor cursor = {.data = bytes, .size = size};
        iw_archive_from_memory(&archive, &cursor);
        archive_head(head, &archive);
        if (iw_archive_ok(&archive) && cursor.at != size)
            iw_archive_fail(&archive, IW_CORRUPT, "the head is too long");
        status = iw_archive_status(&archive, err);
    }
    free(bytes);
    *end = PREFIX + size;
    return status;
}

/* ---- saving ---- */

typedef struct {
    int fd;
    uint64_t at; /* of what is gathered in the file */
    size_t gathered;
    unsigned char *bytes; /* [GATHER] */
    XXH3_state_t hash;
    uint64_t total;
    iw_bulk *bulk;
} output;

static iw_status
flush(output *self, iw_error *err)
{
    iw_status status = iw_bulk_write_at(self->fd, self->bytes, self->gathered, self->at, err);
    self->at += self->gathered;
    self->gathered = 0;
    return status;
}

static iw_status
write_output(void *place, const void *data, size_t size, iw_error *err)
{
    output *self = place;
    const unsigned char *from = data;
    (void)XXH3_64bits_update(&self->hash, data, size);
    self->total += size;
    while (size > 0) {
        size_t part = GATHER - self->gathered < size ? GATHER - self->gathered : size;
        memcpy(self->bytes + self->gathered, from, part);
        self->gathered += part;
        from += part;
        size -= part;
        if (self->gathered == GATHER && flush(self, err) != IW_OK)
            return IW_IO;
    }
    return IW_OK;
}

static iw_status
put_block(void *place, iw_archive_key key, const void *data, size_t size, iw_error *err)
{
    return iw_bulk_put(((output *)place)->bulk, key, data, size, err);
}

/* State and index behind the place of the head. */
static iw_status
write_state(output *out, iw_checkpoint_archive *save, void *state, checkpoint_head *head,
            iw_error *err)
{
    const iw_archive_place place = {.self = out, .write = write_output, .put = put_block};
    iw_archive archive;
    iw_archive_begin(&archive, &place);
    save(state, &archive);
    head->state_bytes = out->total;
    const iw_bulk_file *blocks = &out->bulk->next;
    for (size_t i = 0; i < blocks->n && iw_archive_ok(&archive); i++) {
        iw_bulk_item item = blocks->items[i];
        if (!item.used)
            continue;
        head->n_blocks++;
        iw_archive_u64(&archive, &item.key.low);
        iw_archive_u64(&archive, &item.key.high);
        iw_archive_u64(&archive, &item.offset);
        iw_archive_u64(&archive, &item.size);
    }
    head->block_file = blocks->file;
    head->block_bytes = blocks->size;
    head->hash = XXH3_64bits_digest(&out->hash);
    iw_status status = iw_archive_status(&archive, err);
    return status == IW_OK ? flush(out, err) : status;
}

/* Makes state.iwck.new; the disk begins to take it. */
static iw_status
write_fresh(iw_checkpoint_files *self, iw_checkpoint_archive *save, void *state,
            checkpoint_head *head, iw_checkpoint_bytes *wrote, iw_error *err)
{
    iw_buffer bytes = {0};
    output out = {.fd = self->written, .bulk = &self->bulk};
    iw_status status = encode_head(head, &bytes, err);
    if (status != IW_OK)
        goto done;
    out.bytes = malloc(GATHER);
    if (!out.bytes) {
        status = iw_fail(err, IW_NO_MEMORY, "no memory to write with");
        goto done;
    }
    (void)XXH3_64bits_reset(&out.hash);
    out.at = bytes.size;
    status = write_state(&out, save, state, head, err);
    wrote->state = out.at;
    wrote->blocks = head->block_bytes - (self->bulk.renew ? 0 : self->bulk.now.size);
    if (status == IW_OK)
        status = encode_head(head, &bytes, err);
    if (status == IW_OK)
        status = iw_bulk_write_at(out.fd, bytes.data, bytes.size, 0, err);
    if (status == IW_OK) {
        iw_bulk_begin_sync(&self->bulk);
        (void)sync_file_range(out.fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    }
done:
    free(out.bytes);
    iw_buffer_fini(&bytes);
    return status;
}

static void
sync_names(const iw_checkpoint_files *self)
{
    int folder = open(self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    (void)fsync(folder); /* a name that is lost costs the checkpoint, no more */
    (void)close(folder);
}

iw_status
iw_checkpoint_write(iw_checkpoint_files *self, const iw_checkpoint *about,
                    iw_checkpoint_archive *archive, void *state, iw_checkpoint_bytes *bytes,
                    iw_error *err)
{
    checkpoint_head head = {.about = *about};
    memcpy(head.program, self->program, sizeof head.program);
    memcpy(head.id, self->id, sizeof head.id);
    end_writing(self, false);
    self->written = open(self->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (self->written < 0)
        return iw_fail_errno(err, "cannot write %s", self->fresh);
    iw_status status = iw_bulk_begin(&self->bulk, err);
    if (status == IW_OK)
        status = write_fresh(self, archive, state, &head, bytes, err);
    if (status != IW_OK)
        end_writing(self, false);
    return status;
}

bool
iw_checkpoint_written(const iw_checkpoint_files *self)
{
    return self->written >= 0;
}

iw_status
iw_checkpoint_commit(iw_checkpoint_files *self, iw_error *err)
{
    iw_status status = iw_bulk_sync(&self->bulk, err); /* before anything refers to them */
    if (status == IW_OK && fdatasync(self->written) != 0)
        status = iw_fail_errno(err, "%s is not durable", self->fresh);
    if (status == IW_OK) {
        if (self->bulk.renew)
            sync_names(self); /* the file of the blocks is new: its name goes first */
        if (rename(self->fresh, self->path) != 0)
            status = iw_fail_errno(err, "cannot replace %s", self->path);
    }
    if (status == IW_OK)
        sync_names(self);
    end_writing(self, status == IW_OK);
    return status;
}

/* ---- loading ---- */

typedef struct {
    int fd;
    uint64_t at, left; /* in the file; of the state */
    unsigned char *bytes;
    size_t have, used; /* of bytes */
    iw_bulk *bulk;
    uint64_t bulk_bytes;
} input;

static iw_status
read_input(void *place, void *data, size_t size, iw_error *err)
{
    input *self = place;
    unsigned char *to = data;
    if (size > self->left)
        return iw_fail(err, IW_CORRUPT, "%zu bytes are wanted, %llu are left", size,
                       (unsigned long long)self->left);
    self->left -= size;
    while (size > 0) {
        if (self->used == self->have) {
            uint64_t rest = self->left + size;
            self->have = rest < GATHER ? (size_t)rest : GATHER;
            self->used = 0;
            if (iw_bulk_read_at(self->fd, self->bytes, self->have, self->at, err) != IW_OK) {
                self->have = 0;
                return IW_CORRUPT;
            }
            self->at += self->have;
        }
        size_t part = self->have - self->used < size ? self->have - self->used : size;
        memcpy(to, self->bytes + self->used, part);
        self->used += part;
        to += part;
        size -= part;
    }
    return IW_OK;
}

static uint64_t
left_of_input(const void *place)
{
    const input *self = place;
    return self->left + self->bulk_bytes;
}

static iw_status
get_block(void *place, iw_archive_key key, void *data, size_t size, iw_error *err)
{
    return iw_bulk_get(((input *)place)->bulk, key, data, size, err);
}

/* Are state and index what was written?  Before anything is made of them. */
static iw_status
check_hash(int fd, uint64_t from, uint64_t to, uint64_t expected, unsigned char *bytes,
           iw_error *err)
{
    XXH3_state_t hash;
    (void)XXH3_64bits_reset(&hash);
    for (uint64_t at = from; at < to;) {
        size_t part = to - at < GATHER ? (size_t)(to - at) : GATHER;
        iw_status status = iw_bulk_read_at(fd, bytes, part, at, err);
        if (status != IW_OK)
            return status;
        (void)XXH3_64bits_update(&hash, bytes, part);
        at += part;
    }
    return XXH3_64bits_digest(&hash) == expected
               ? IW_OK
               : iw_fail(err, IW_CORRUPT, "the state does not match its checksum");
}

/* The blocks that the state refers to. */
static iw_status
read_index(int fd, uint64_t at, const checkpoint_head *head, iw_bulk *bulk, iw_error *err)
{
    size_t n = (size_t)head->n_blocks;
    free(bulk->now.items);
    bulk->now = (iw_bulk_file){.size = head->block_bytes, .file = head->block_file};
    if (n > 0)
        bulk->now.items = calloc(n, sizeof *bulk->now.items);
    if (n > 0 && !bulk->now.items)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu blocks", n);
    bulk->now.n = bulk->now.room = n;
    for (size_t i = 0; i < n; i++) {
        uint64_t item[INDEX_ITEM / 8];
        iw_status status = iw_bulk_read_at(fd, item, sizeof item, at + i * INDEX_ITEM, err);
        if (status != IW_OK)
            return status;
        bulk->now.items[i] = (iw_bulk_item){{item[0], item[1]}, item[2], item[3], true};
    }
    return iw_bulk_open(bulk, err);
}

static iw_status
load_state(iw_checkpoint_files *self, int fd, uint64_t at, const checkpoint_head *head,
           iw_checkpoint_archive *load, void *state, iw_error *err)
{
    input in = {.fd = fd, .at = at, .left = head->state_bytes, .bulk = &self->bulk};
    const iw_archive_place place = {
        .self = &in, .read = read_input, .left = left_of_input, .get = get_block};
    uint64_t index = at + head->state_bytes;
    in.bytes = malloc(GATHER);
    if (!in.bytes)
        return iw_fail(err, IW_NO_MEMORY, "no memory to read with");
    iw_status status =
        check_hash(fd, at, index + head->n_blocks * INDEX_ITEM, head->hash, in.bytes, err);
    if (status == IW_OK)
        status = read_index(fd, index, head, &self->bulk, err);
    if (status == IW_OK) {
        iw_archive archive;
        in.bulk_bytes = iw_bulk_bytes(&self->bulk);
        iw_archive_begin(&archive, &place);
        load(state, &archive);
        if (iw_archive_ok(&archive) && in.left > 0)
            iw_archive_fail(&archive, IW_CORRUPT, "%llu bytes of the state are left over",
                            (unsigned long long)in.left);
        status = iw_archive_status(&archive, err);
    }
    iw_bulk_close(&self->bulk);
    free(in.bytes);
    return status;
}

/* Whether the file has the length that its head says, in a way that cannot overflow. */
static iw_status
check_length(int fd, uint64_t at, const checkpoint_head *head, iw_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return iw_fail_errno(err, "cannot look at it");
    uint64_t rest = (uint64_t)info.st_size - at;
    if (head->state_bytes > rest || (rest - head->state_bytes) % INDEX_ITEM != 0 ||
        (rest - head->state_bytes) / INDEX_ITEM != head->n_blocks)
        return iw_fail(err, IW_CORRUPT,
                       "it has %llu bytes behind its head, not %llu and %llu blocks",
                       (unsigned long long)rest, (unsigned long long)head->state_bytes,
                       (unsigned long long)head->n_blocks);
    return IW_OK;
}

static iw_status
check_head(const iw_checkpoint_files *self, const checkpoint_head *head, uint64_t settings,
           iw_error *err)
{
    if (strcmp(head->id, self->id) != 0)
        return iw_fail(err, IW_CORRUPT, "it is of run %s", head->id);
    if (strcmp(head->program, self->program) != 0)
        return iw_fail(err, IW_UNSUPPORTED, "it is by ionwatchd %s, this is %s", head->program,
                       self->program);
    if (head->about.settings != settings)
        return iw_fail(err, IW_INVALID, "the options of the analysis were others");
    return IW_OK;
}

iw_status
iw_checkpoint_load(iw_checkpoint_files *self, uint64_t settings, iw_journal_reader *reader,
                   iw_checkpoint *about, iw_checkpoint_archive *archive, void *state,
                   iw_checkpoint_bytes *bytes, iw_error *err)
{
    uint64_t at = 0;
    checkpoint_head head = {.hash = 0};
    int fd = open(self->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return iw_fail(err, IW_NOT_FOUND, "there is no checkpoint");
    iw_status status = fd < 0 ? iw_fail_errno(err, "cannot open it") : IW_OK;
    if (status == IW_OK)
        status = read_head(fd, &head, &at, err);
    if (status == IW_OK)
        status = check_head(self, &head, settings, err);
    if (status == IW_OK)
        status = check_length(fd, at, &head, err);
    if (status == IW_OK)
        status = iw_journal_reader_resume(reader, &head.about.place, err);
    if (status == IW_OK)
        status = load_state(self, fd, at, &head, archive, state, err);
    if (fd >= 0)
        (void)close(fd);
    if (status != IW_OK) {
        drop(self);
        iw_journal_reader_rewind(reader);
        return status;
    }
    *about = head.about;
    *bytes = (iw_checkpoint_bytes){.state = at + head.state_bytes + head.n_blocks * INDEX_ITEM};
    return IW_OK;
}

bool
iw_checkpoint_peek(const char *data, const char *id, iw_framelog_place *place,
                   iw_journal_scan *scan)
{
    char path[PATH_SIZE];
    uint64_t at;
    checkpoint_head head = {.hash = 0};
    iw_folder_path(data, id, "state.iwck", path, sizeof path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = read_head(fd, &head, &at, NULL) == IW_OK && strcmp(head.id, id) == 0;
    (void)close(fd);
    if (!good)
        return false;
    iw_folder_path(data, id, "journal.iwlog", path, sizeof path);
    iw_framelog_reader *log = iw_framelog_reader_open(path, NULL);
    good = log && iw_framelog_resume(log, &head.about.place, NULL) == IW_OK;
    if (log)
        iw_framelog_reader_close(&log);
    *place = head.about.place;
    *scan = head.about.scan;
    return good;
}
