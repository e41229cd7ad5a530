/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const double GRACE_S = 2; /* from SIGTERM to SIGKILL */

static void
close_if_open(int descriptor)
{
    if (descriptor >= 0)
        (void)close(descriptor);
}

/* The bytes as a file that only we have. */
static int
file_of(const void *bytes, size_t size)
{
    int file = memfd_create("ionwatch-notice", MFD_CLOEXEC);
    if (file >= 0 && (write(file, bytes, size) != (ssize_t)size || lseek(file, 0, SEEK_SET) != 0)) {
        (void)close(file);
        return -1;
    }
    return file;
}

static int
set_up(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int input, int output)
{
    sigset_t none, all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failed = posix_spawn_file_actions_adddup2(files, input, STDIN_FILENO);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(files, output, STDOUT_FILENO);
    failed = failed ? failed : posix_spawn_file_actions_adddup2(files, output, STDERR_FILENO);
    failed = failed ? failed : posix_spawn_file_actions_addclosefrom_np(files, 3);
    failed = failed ? failed : posix_spawnattr_setsigmask(attributes, &none);
    failed = failed ? failed : posix_spawnattr_setsigdefault(attributes, &all);
    return failed
               ? failed
               : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                          POSIX_SPAWN_SETSIGDEF);
}

static int
spawn(pid_t *pid, char *const *argv, char *const *environment, int input, int output)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&files);
    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        failed = set_up(&files, &attributes, input, output);
        if (!failed)
            failed = posix_spawnp(pid, argv[0], &files, &attributes, argv, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}

static iw_status
refuse(const char *program, int failed, iw_error *err)
{
    iw_status status = failed == ENOENT || failed == ENOTDIR   ? IW_NOT_FOUND
                       : failed == EACCES || failed == ENOEXEC ? IW_REFUSED
                                                               : IW_IO;
    return iw_fail(err, status, "cannot run %s: %s", program, strerror(failed));
}

iw_status
iw_child_start(iw_child *self, char *const *argv, char *const *environment, const void *input,
               size_t size, double until_s, iw_error *err)
{
    int ends[2] = {-1, -1};
    *self = (iw_child){.output = -1, .until_s = until_s};
    int file = file_of(input, size);
    int failed = file < 0 || pipe2(ends, O_CLOEXEC) != 0 ? errno : 0;
    if (!failed && fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        failed = errno;
    if (!failed)
        failed = spawn(&self->pid, argv, environment, file, ends[1]);
    close_if_open(file);
    close_if_open(ends[1]);
    if (!failed) {
        self->output = ends[0];
        return IW_OK;
    }
    close_if_open(ends[0]);
    self->pid = 0;
    return refuse(argv[0], failed, err);
}

/* The first line is kept, the rest must not fill the pipe. */
static void
listen_to(iw_child *self)
{
    char bytes[4096];
    ssize_t size = 0;
    while (self->output >= 0 && (size = read(self->output, bytes, sizeof bytes)) > 0)
        for (ssize_t i = 0; i < size && !self->said_all; i++) {
            self->said_all = bytes[i] == '\n' || self->n_said + 1 == sizeof self->said;
            if (!self->said_all)
                self->said[self->n_said++] = bytes[i];
        }
    if (self->output >= 0 && (size == 0 || errno != EAGAIN)) {
        (void)close(self->output);
        self->output = -1;
    }
}

static iw_status
judge(const iw_child *self, int how, iw_error *err)
{
    const char *colon = self->said[0] ? ": " : "";
    if (self->late)
        return iw_fail(err, IW_TIMEOUT, "it took too long and was ended%s%s", colon, self->said);
    if (WIFSIGNALED(how))
        return iw_fail(err, IW_IO, "signal %d ended it%s%s", WTERMSIG(how), colon, self->said);
    if (WEXITSTATUS(how) != 0)
        return iw_fail(err, IW_IO, "exit code %d%s%s", WEXITSTATUS(how), colon, self->said);
    return IW_OK;
}

static bool
has_ended(const iw_child *self)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)self->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == self->pid;
}

bool
iw_child_tend(iw_child *self, double now_s, iw_status *status, iw_error *err)
{
    int how = 0;
    listen_to(self);
    if (!has_ended(self)) {
        if (now_s >= self->until_s) {
            (void)kill(-self->pid, self->late ? SIGKILL : SIGTERM);
            self->late = true;
            self->until_s = now_s + GRACE_S;
        }
        return false;
    }
    if (self->late) /* the others of its group; while it is not waited for, nobody has its number */
        (void)kill(-self->pid, SIGKILL);
    (void)waitpid(self->pid, &how, 0);
    listen_to(self);
    close_if_open(self->output);
    *status = judge(self, how, err);
    *self = (iw_child){.output = -1};
    return true;
}

void
iw_child_kill(iw_child *self)
{
    (void)kill(-self->pid, SIGKILL);
    (void)waitpid(self->pid, NULL, 0);
    close_if_open(self->output);
    *self = (iw_child){.output = -1};
}
