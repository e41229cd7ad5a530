/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FUZZ_FILE_H
#define IW_FUZZ_FILE_H
/* fuzz_file.h - bytes as a file in memory, for functions that take a path. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    int fd;
    char path[40];
} fuzz_file;

static inline void
fuzz_file_open(fuzz_file *self, const uint8_t *data, size_t size)
{
    self->fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (self->fd < 0 || fchmod(self->fd, 0600) != 0 ||
        (size > 0 && write(self->fd, data, size) != (ssize_t)size))
        abort();
    (void)snprintf(self->path, sizeof self->path, "/proc/self/fd/%d", self->fd);
}

static inline void
fuzz_file_close(fuzz_file *self)
{
    (void)close(self->fd);
}

#endif
