/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "disk.h"

#include "iw_test.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512 };

typedef struct {
    oplog_head head;
    const char *path;
    const unsigned char *data;
} operation;

typedef struct {
    unsigned char *data;
    size_t size;
} content;

/* What became of one file. */
typedef struct file {
    uint64_t inode;
    content durable;
    const operation **pending;
    size_t n_pending;
    struct file *next;
} file;

typedef struct {
    const char *path;
    file *file; /* NULL: a folder */
} name;

typedef struct {
    name *items;
    size_t n;
} names;

struct disk {
    char *bytes;
    char *root;
    operation *operations;
    size_t n;
};

/* The disk at one moment. */
typedef struct {
    const disk *disk;
    uint64_t *seed;
    file *files; /* the newest first: inode numbers are used again */
    names durable;
    const operation **pending; /* on names */
    file **created;            /* of pending, else NULL */
    size_t n_pending;
} moment;

static void *
must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

disk *
disk_load(const char *log, const char *root)
{
    int fd = open(log, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0)
        return NULL;
    disk *self = must(calloc(1, sizeof *self));
    (void)fstat(fd, &info);
    size_t size = (size_t)info.st_size;
    self->bytes = must(malloc(size + 1));
    self->root = must(strdup(root));
    bool good = read(fd, self->bytes, size) == (ssize_t)size;
    (void)close(fd);
    for (size_t at = 0; good && at < size; self->n++) {
        if (self->n % 1024 == 0)
            self->operations =
                must(realloc(self->operations, (self->n + 1024) * sizeof *self->operations));
        operation *op = &self->operations[self->n];
        good = size - at >= sizeof op->head;
        if (!good)
            break;
        memcpy(&op->head, self->bytes + at, sizeof op->head);
        op->path = self->bytes + at + sizeof op->head;
        op->data = (const unsigned char *)op->path + op->head.path_size;
        at += sizeof op->head + op->head.path_size + op->head.data_size;
        good = at <= size;
    }
    if (!good)
        disk_destroy(&self);
    return self;
}

void
disk_destroy(disk **self)
{
    if (!*self)
        return;
    free((*self)->bytes);
    free((*self)->root);
    free((*self)->operations);
    free(*self);
    *self = NULL;
}

size_t
disk_size(const disk *self)
{
    return self->n;
}

oplog_op
disk_op(const disk *self, size_t i)
{
    return (oplog_op)self->operations[i].head.op;
}

uint64_t
disk_promised(const disk *self, size_t cut, oplog_op kind, const char *run)
{
    uint64_t most = 0;
    for (size_t i = 0; i < cut; i++) {
        const operation *op = &self->operations[i];
        if (op->head.op != (uint32_t)kind || strcmp(op->path, run) != 0)
            continue;
        uint64_t at = kind == OP_FILED ? 1 : op->head.at;
        most = at > most ? at : most;
    }
    return most;
}

bool
disk_names_first(const disk *self, const char *run)
{
    for (size_t i = 0; i < self->n; i++) {
        const operation *ack = &self->operations[i];
        if (ack->head.op != OP_ACK || ack->head.at == 0 || strcmp(ack->path, run) != 0)
            continue;
        size_t before = i;
        bool synced = false;
        while (before-- > 0 && !synced) {
            const operation *op = &self->operations[before];
            synced = op->head.op == OP_SYNC_FOLDER && op->head.process == ack->head.process &&
                     strstr(op->path, run);
        }
        if (!synced)
            return false;
    }
    return true;
}

static bool
chance(moment *self)
{
    return iw_test_uniform(self->seed) < 0.5;
}

static size_t
below(moment *self, size_t n)
{
    return n == 0 ? 0 : (size_t)(iw_test_uniform(self->seed) * (double)n);
}

static void
resize(content *to, size_t size)
{
    if (size > to->size) {
        to->data = must(realloc(to->data, size));
        memset(to->data + to->size, 0, size - to->size);
    }
    to->size = size;
}

/* Bytes from..to (offsets in the file) of a write. */
static void
put(content *to, const operation *op, uint64_t from, uint64_t end)
{
    if (from >= end)
        return;
    if (end > to->size)
        resize(to, (size_t)end);
    memcpy(to->data + from, op->data + (from - op->head.at), (size_t)(end - from));
}

static void
apply(content *to, const operation *op)
{
    if (op->head.op == OP_TRUNCATE)
        resize(to, (size_t)op->head.at);
    else
        put(to, op, op->head.at, op->head.at + op->head.data_size);
}

static void
apply_sectors(moment *self, content *to, const operation *op, bool whole_size)
{
    uint64_t end = op->head.at + op->head.data_size;
    if (op->head.op == OP_TRUNCATE) {
        if (chance(self))
            apply(to, op);
        return;
    }
    if (whole_size && end > to->size)
        resize(to, (size_t)end);
    for (uint64_t at = op->head.at; at < end;) {
        uint64_t next = (at / SECTOR + 1) * SECTOR;
        next = next < end ? next : end;
        if (chance(self))
            put(to, op, at, next);
        at = next;
    }
}

static void
apply_torn(moment *self, content *to, const operation *op, bool at_sector)
{
    if (op->head.op == OP_TRUNCATE)
        return;
    uint64_t end = op->head.at + below(self, op->head.data_size);
    if (at_sector)
        end = end / SECTOR * SECTOR;
    put(to, op, op->head.at, end);
}

/* Of what is pending some reaches the disk. */
static void
choose(moment *self, const file *of, content *to)
{
    enum { NOTHING, ALL, TORN_AT_BYTE, TORN_AT_SECTOR, SECTORS, SECTORS_IN_SIZE, WRITES, KINDS };
    size_t kind = below(self, KINDS);
    size_t whole = below(self, of->n_pending + 1);
    for (size_t i = 0; i < of->n_pending; i++) {
        const operation *op = of->pending[i];
        bool torn = kind == TORN_AT_BYTE || kind == TORN_AT_SECTOR;
        if (kind == ALL || (torn && i < whole) || (kind == WRITES && chance(self)))
            apply(to, op);
        else if (torn && i == whole)
            apply_torn(self, to, op, kind == TORN_AT_SECTOR);
        else if (kind == SECTORS || kind == SECTORS_IN_SIZE)
            apply_sectors(self, to, op, kind == SECTORS_IN_SIZE);
    }
}

static file *
file_of(moment *self, uint64_t inode)
{
    for (file *at = self->files; at; at = at->next)
        if (at->inode == inode)
            return at;
    fail_msg("the log speaks of inode %llu before it was created", (unsigned long long)inode);
    return NULL;
}

static void
set_name(names *self, const char *path, file *of, bool there)
{
    size_t i = 0;
    while (i < self->n && strcmp(self->items[i].path, path) != 0)
        i++;
    if (!there) {
        if (i < self->n)
            self->items[i] = self->items[--self->n];
        return;
    }
    if (i == self->n) {
        self->items = must(realloc(self->items, (self->n + 1) * sizeof *self->items));
        self->n++;
    }
    self->items[i] = (name){path, of};
}

static const name *
find_name(const names *self, const char *path, size_t size)
{
    for (size_t i = 0; i < self->n; i++)
        if (strlen(self->items[i].path) == size && memcmp(self->items[i].path, path, size) == 0)
            return &self->items[i];
    return NULL;
}

static void
apply_name(names *to, const operation *op, file *created)
{
    if (op->head.op == OP_CREATE || op->head.op == OP_MKDIR) {
        set_name(to, op->path, created, true);
    } else if (op->head.op == OP_RENAME) {
        const name *from = find_name(to, op->path, strlen(op->path));
        file *of = from ? from->file : NULL;
        if (!from)
            return;
        set_name(to, op->path, NULL, false);
        set_name(to, (const char *)op->data, of, true);
    } else {
        set_name(to, op->path, NULL, false);
    }
}

static size_t
parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static void
sync_folder(moment *self, const char *folder)
{
    size_t kept = 0;
    size_t size = strlen(folder);
    while (size > 1 && folder[size - 1] == '/')
        size--;
    for (size_t i = 0; i < self->n_pending; i++) {
        const operation *op = self->pending[i];
        if (parent(op->path) == size && memcmp(op->path, folder, size) == 0) {
            apply_name(&self->durable, op, self->created[i]);
        } else {
            self->pending[kept] = op;
            self->created[kept++] = self->created[i];
        }
    }
    self->n_pending = kept;
}

static void
add_name(moment *self, const operation *op)
{
    file *created = NULL;
    if (op->head.op == OP_CREATE) {
        created = must(calloc(1, sizeof *created));
        created->inode = op->head.file;
        created->next = self->files;
        self->files = created;
    }
    self->pending = must(realloc(self->pending, (self->n_pending + 1) * sizeof(operation *)));
    self->created = must(realloc(self->created, (self->n_pending + 1) * sizeof(file *)));
    self->pending[self->n_pending] = op;
    self->created[self->n_pending++] = created;
}

static void
take(moment *self, const operation *op)
{
    file *of;
    switch ((oplog_op)op->head.op) {
    case OP_CREATE:
    case OP_MKDIR:
    case OP_RMDIR:
    case OP_UNLINK:
    case OP_RENAME:
        add_name(self, op);
        break;
    case OP_WRITE:
    case OP_TRUNCATE:
        of = file_of(self, op->head.file);
        of->pending = must(realloc(of->pending, (of->n_pending + 1) * sizeof(operation *)));
        of->pending[of->n_pending++] = op;
        break;
    case OP_SYNC:
        of = file_of(self, op->head.file);
        for (size_t i = 0; i < of->n_pending; i++)
            apply(&of->durable, of->pending[i]);
        of->n_pending = 0;
        break;
    case OP_SYNC_FAILED:
        of = file_of(self, op->head.file);
        choose(self, of, &of->durable);
        of->n_pending = 0;
        break;
    case OP_SYNC_FOLDER:
        sync_folder(self, op->path);
        break;
    case OP_ACK:
    case OP_FILED:
    case OP_CHECKPOINT:
        break;
    }
}

static int
shorter(const void *a, const void *b)
{
    size_t x = strlen(((const name *)a)->path);
    size_t y = strlen(((const name *)b)->path);
    return (x > y) - (x < y);
}

/* One name of the folder that is made; what has lost its folder is lost. */
static bool
make(moment *self, const name *of, const char *to)
{
    char path[1024];
    size_t up = parent(of->path);
    const char *root = self->disk->root;
    if (up != strlen(root) && !find_name(&self->durable, of->path, up))
        return true;
    (void)snprintf(path, sizeof path, "%s%s", to, of->path + strlen(root));
    if (!of->file)
        return mkdir(path, 0700) == 0;
    content bytes = {0};
    resize(&bytes, of->file->durable.size);
    if (bytes.size > 0)
        memcpy(bytes.data, of->file->durable.data, bytes.size);
    choose(self, of->file, &bytes);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0;
    if (good && bytes.size > 0)
        good = write(fd, bytes.data, bytes.size) == (ssize_t)bytes.size;
    if (fd >= 0)
        (void)close(fd);
    free(bytes.data);
    return good;
}

static void
destroy(moment *self)
{
    while (self->files) {
        file *gone = self->files;
        self->files = gone->next;
        free(gone->durable.data);
        free(gone->pending);
        free(gone);
    }
    free(self->durable.items);
    free(self->pending);
    free(self->created);
}

bool
disk_make(const disk *self, size_t cut,
          uint64_t *seed, /* NOLINT(readability-non-const-parameter): it goes on */
          const char *to)
{
    moment at = {.disk = self, .seed = seed};
    for (size_t i = 0; i < cut; i++)
        take(&at, &self->operations[i]);
    bool in_order = chance(&at);
    size_t up_to = below(&at, at.n_pending + 1);
    for (size_t i = 0; i < at.n_pending; i++)
        if (in_order ? i < up_to : chance(&at))
            apply_name(&at.durable, at.pending[i], at.created[i]);
    if (at.durable.n > 0)
        qsort(at.durable.items, at.durable.n, sizeof *at.durable.items, shorter);
    bool good = mkdir(to, 0700) == 0;
    for (size_t i = 0; good && i < at.durable.n; i++)
        good = make(&at, &at.durable.items[i], to);
    destroy(&at);
    return good;
}
