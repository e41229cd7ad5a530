/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * recorder.c - loaded into a program by LD_PRELOAD: writes down what it does to the watched folder
 * (oplog.h), and what the daemon promises to adapters meanwhile.
 *
 * A call and its entry are one step for all threads and programs, so that the log is an order in
 * which the calls could have been made one after the other.  What a database keeps in shared memory
 * (-shm) means nothing after a power cut and is passed over.
 */
#include "oplog.h"

#include "wire.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zmq.h>

#define PUBLIC __attribute__((visibility("default")))
/* The next definition of a function: the real one. */
#define REAL(name) ((__typeof__(&(name)))(uintptr_t)dlsym(RTLD_NEXT, #name))

enum { MAX_FD = 4096, MAX_PEERS = 64 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char root[512];
static int log_fd = -1;
static oplog_control *control;
static char *paths[MAX_FD]; /* of watched descriptors */

static void
start(void)
{
    const char *folder = getenv("IONWATCH_POWER_ROOT");
    const char *path = getenv("IONWATCH_POWER_LOG");
    const char *shared = getenv("IONWATCH_POWER_CONTROL");
    if (!folder || !path)
        return;
    (void)snprintf(root, sizeof root, "%s/", folder);
    log_fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    int fd = shared ? REAL(open)(shared, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    control = map == MAP_FAILED ? NULL : map;
    (void)REAL(close)(fd);
}

static bool
is_watched(const char *path)
{
    (void)pthread_once(&once, start);
    size_t size = strlen(path);
    size_t room = strlen(root);
    bool below = log_fd >= 0 && strncmp(path, root, room) == 0;
    bool itself = log_fd >= 0 && size + 1 == room && strncmp(path, root, size) == 0;
    if (!below && !itself)
        return false;
    return size < 4 || strcmp(path + size - 4, "-shm") != 0;
}

static bool
is_watched_fd(int fd)
{
    return fd >= 0 && fd < MAX_FD && paths[fd];
}

static void
begin(void)
{
    (void)pthread_mutex_lock(&lock);
    (void)flock(log_fd, LOCK_EX);
}

static void
end(void)
{
    (void)flock(log_fd, LOCK_UN);
    (void)pthread_mutex_unlock(&lock);
}

/* Between begin and end. */
static void
entry(oplog_op op, const char *path, uint64_t file, uint64_t at, const void *data, size_t size)
{
    int kept = errno;
    oplog_head head = {.op = op,
                       .path_size = (uint32_t)strlen(path) + 1,
                       .data_size = (uint32_t)size,
                       .process = (uint32_t)getpid(),
                       .file = file,
                       .at = at};
    struct iovec parts[3] = {{&head, sizeof head},
                             {(void *)(uintptr_t)path, head.path_size},
                             {(void *)(uintptr_t)data, size}};
    if (writev(log_fd, parts, 3) != (ssize_t)(sizeof head + head.path_size + size))
        abort(); /* a log with holes proves nothing */
    errno = kept;
}

static uint64_t
inode(int fd)
{
    struct stat info;
    return fstat(fd, &info) == 0 ? (uint64_t)info.st_ino : 0;
}

/* True when the call is to fail with *error, an oplog_control's field. */
static bool
must_fail(atomic_int *error)
{
    static atomic_int calls;
    int number = control ? atomic_load(error) : 0;
    if (number == 0 || atomic_fetch_add(&calls, 1) % atomic_load(&control->every) != 0)
        return false;
    (void)atomic_fetch_add(&control->failed, 1);
    errno = number;
    return true;
}

PUBLIC void
oplog_mark(oplog_op op, const char *run, uint64_t at)
{
    (void)pthread_once(&once, start);
    if (log_fd < 0)
        return;
    begin();
    entry(op, run, 0, at, NULL, 0);
    end();
}

static int
open_watched(const char *path, int flags, mode_t mode)
{
    begin();
    struct stat info;
    bool was = stat(path, &info) == 0;
    int fd = REAL(open64)(path, flags, mode);
    if (fd >= 0 && fd < MAX_FD) {
        paths[fd] = strdup(path);
        if (!was)
            entry(OP_CREATE, path, inode(fd), 0, NULL, 0);
        else if ((flags & O_TRUNC) != 0)
            entry(OP_TRUNCATE, path, inode(fd), 0, NULL, 0);
    }
    end();
    return fd;
}

static mode_t
mode_of(int flags, va_list more)
{
    return (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0;
}

/* The C library's names of parameters are reserved. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
#define OPEN(name)                                                                                 \
    PUBLIC int name(const char *path, int flags, ...)                                              \
    {                                                                                              \
        va_list more;                                                                              \
        va_start(more, flags);                                                                     \
        mode_t mode = mode_of(flags, more);                                                        \
        va_end(more);                                                                              \
        return is_watched(path) ? open_watched(path, flags, mode) : REAL(name)(path, flags, mode); \
    }

OPEN(open)
OPEN(open64)

PUBLIC int
close(int fd)
{
    if (is_watched_fd(fd)) {
        begin();
        free(paths[fd]);
        paths[fd] = NULL;
        end();
    }
    return REAL(close)(fd);
}

static ssize_t
write_watched(int fd, const void *data, size_t size, off64_t at)
{
    if (control && must_fail(&control->write_error))
        return -1;
    begin();
    ssize_t n = REAL(pwrite64)(fd, data, size, at);
    if (n > 0)
        entry(OP_WRITE, paths[fd], inode(fd), (uint64_t)at, data, (size_t)n);
    end();
    return n;
}

PUBLIC ssize_t
write(int fd, const void *data, size_t size)
{
    if (!is_watched_fd(fd))
        return REAL(write)(fd, data, size);
    ssize_t n = write_watched(fd, data, size, lseek64(fd, 0, SEEK_CUR));
    if (n > 0)
        (void)lseek64(fd, n, SEEK_CUR);
    return n;
}

PUBLIC ssize_t
pwrite(int fd, const void *data, size_t size, off_t at)
{
    return is_watched_fd(fd) ? write_watched(fd, data, size, at) : REAL(pwrite)(fd, data, size, at);
}

PUBLIC ssize_t
pwrite64(int fd, const void *data, size_t size, off64_t at)
{
    return is_watched_fd(fd) ? write_watched(fd, data, size, at)
                             : REAL(pwrite64)(fd, data, size, at);
}

static int
ftruncate_watched(int fd, off64_t size)
{
    begin();
    int result = REAL(ftruncate64)(fd, size);
    if (result == 0)
        entry(OP_TRUNCATE, paths[fd], inode(fd), (uint64_t)size, NULL, 0);
    end();
    return result;
}

PUBLIC int
ftruncate(int fd, off_t size)
{
    return is_watched_fd(fd) ? ftruncate_watched(fd, size) : REAL(ftruncate)(fd, size);
}

PUBLIC int
ftruncate64(int fd, off64_t size)
{
    return is_watched_fd(fd) ? ftruncate_watched(fd, size) : REAL(ftruncate64)(fd, size);
}

PUBLIC int
truncate(const char *path, off_t size)
{
    if (!is_watched(path))
        return REAL(truncate)(path, size);
    struct stat info;
    begin();
    int result = REAL(truncate)(path, size);
    if (result == 0 && stat(path, &info) == 0)
        entry(OP_TRUNCATE, path, (uint64_t)info.st_ino, (uint64_t)size, NULL, 0);
    end();
    return result;
}

static int
sync_watched(int fd, int (*real)(int))
{
    struct stat info;
    char real_path[PATH_MAX];
    bool folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode) && realpath(paths[fd], real_path);
    begin();
    bool fails = !folder && control && must_fail(&control->sync_error);
    int result = fails ? -1 : real(fd);
    if (result == 0)
        entry(folder ? OP_SYNC_FOLDER : OP_SYNC, folder ? real_path : paths[fd],
              (uint64_t)info.st_ino, 0, NULL, 0);
    else if (!folder)
        entry(OP_SYNC_FAILED, paths[fd], (uint64_t)info.st_ino, 0, NULL, 0);
    end();
    return result;
}

PUBLIC int
fsync(int fd)
{
    return is_watched_fd(fd) ? sync_watched(fd, REAL(fsync)) : REAL(fsync)(fd);
}

PUBLIC int
fdatasync(int fd)
{
    return is_watched_fd(fd) ? sync_watched(fd, REAL(fdatasync)) : REAL(fdatasync)(fd);
}

PUBLIC int
rename(const char *from, const char *to)
{
    if (!is_watched(from))
        return REAL(rename)(from, to);
    begin();
    int result = REAL(rename)(from, to);
    if (result == 0)
        entry(OP_RENAME, from, 0, 0, to, strlen(to) + 1);
    end();
    return result;
}

static int
on_name(oplog_op op, const char *path, int (*real)(const char *))
{
    if (!is_watched(path))
        return real(path);
    begin();
    int result = real(path);
    if (result == 0)
        entry(op, path, 0, 0, NULL, 0);
    end();
    return result;
}

PUBLIC int
unlink(const char *path)
{
    return on_name(OP_UNLINK, path, REAL(unlink));
}

PUBLIC int
rmdir(const char *path)
{
    return on_name(OP_RMDIR, path, REAL(rmdir));
}

PUBLIC int
mkdir(const char *path, mode_t mode)
{
    if (!is_watched(path))
        return REAL(mkdir)(path, mode);
    begin();
    int result = REAL(mkdir)(path, mode);
    if (result == 0)
        entry(OP_MKDIR, path, 0, 0, NULL, 0);
    end();
    return result;
}

/* Promises.  A ROUTER's messages are two parts: who, and what. */

static struct {
    char who[256];
    size_t size;
    char run[IW_ID_LENGTH + 1];
} peers[MAX_PEERS]; /* under the lock */

/* False for a stranger. */
static bool
run_of(const void *who, size_t size, char run[IW_ID_LENGTH + 1])
{
    bool found = false;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < MAX_PEERS && !found; i++) {
        found = peers[i].size == size && memcmp(peers[i].who, who, size) == 0;
        if (found)
            memcpy(run, peers[i].run, sizeof peers[i].run);
    }
    (void)pthread_mutex_unlock(&lock);
    return found;
}

static void
remember(const void *who, size_t size, const char *run)
{
    static size_t next;
    (void)pthread_mutex_lock(&lock);
    size_t at = next++ % MAX_PEERS;
    memcpy(peers[at].who, who, size);
    peers[at].size = size;
    (void)snprintf(peers[at].run, sizeof peers[at].run, "%s", run);
    (void)pthread_mutex_unlock(&lock);
}

static void
note_hello(const void *who, size_t size, zmq_msg_t *message)
{
    iw_message hello;
    iw_run_info run;
    iw_run_info_init(&run);
    iw_message_init(&hello, IW_MSG_HELLO);
    hello.run = &run;
    if (iw_wire_decode(zmq_msg_data(message), zmq_msg_size(message), &hello, NULL) == IW_OK &&
        hello.type == IW_MSG_HELLO && size < sizeof peers[0].who)
        remember(who, size, run.id);
    iw_run_info_fini(&run);
}

static _Thread_local char who[256]; /* whose message comes next, perhaps */
static _Thread_local int who_size;

PUBLIC int
zmq_recv(void *socket, void *data, size_t room, int flags)
{
    int size = REAL(zmq_recv)(socket, data, room, flags);
    who_size = size > 0 && (size_t)size <= room && (size_t)size < sizeof who ? size : 0;
    memcpy(who, data, (size_t)who_size);
    return size;
}

PUBLIC int
zmq_msg_recv(zmq_msg_t *message, void *socket, int flags)
{
    int size = REAL(zmq_msg_recv)(message, socket, flags);
    if (size > 0 && who_size > 0)
        note_hello(who, (size_t)who_size, message);
    who_size = 0;
    return size;
}

static void
note_promise(const char *run, const void *data, size_t size)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_PING);
    if (iw_wire_decode(data, size, &message, NULL) != IW_OK)
        return;
    if (message.type == IW_MSG_ACK)
        oplog_mark(OP_ACK, run, message.seq);
    else if (message.type == IW_MSG_WELCOME && message.seq > 0)
        oplog_mark(OP_ACK, run, message.seq - 1);
    else if (message.type == IW_MSG_FILED)
        oplog_mark(OP_FILED, run, 0);
}

PUBLIC int
zmq_send(void *socket, const void *data, size_t size, int flags)
{
    static _Thread_local char run[IW_ID_LENGTH + 1];
    static _Thread_local bool known;
    if ((flags & ZMQ_SNDMORE) != 0)
        known = size > 0 && run_of(data, size, run);
    else if (known)
        note_promise(run, data, size);
    if ((flags & ZMQ_SNDMORE) == 0)
        known = false;
    return REAL(zmq_send)(socket, data, size, flags);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
