/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_reader.c - any bytes as a trajectory of the format FUZZ_FORMAT.  For CP2K a form feed parts
 * the bytes into the four files of a run. */
#include "adapters/reader.h"
#include "fuzz_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static void
read_all(const char *path, bool follow)
{
    iw_error err = {0};
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.format = FUZZ_FORMAT;
    options.dt_fs = 1.0;
    options.follow = follow;
    options.masses = "X=1";
    iw_reader *reader = iw_reader_open(&path, 1, &options, &err);
    if (!reader)
        return;
    iw_frame frame;
    if (iw_frame_init(&frame, iw_reader_run(reader)->n_atoms, &err) == IW_OK) {
        while (iw_reader_next(reader, &frame, &err) == IW_OK)
            ;
        (void)iw_reader_rewind(reader, &err);
        (void)iw_reader_next(reader, &frame, &err);
        while (iw_reader_note(reader))
            ;
        iw_frame_fini(&frame);
    }
    iw_reader_close(&reader);
}

static void
put(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

static void
read_cp2k(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"w-pos-1.xyz", "w-vel-1.xyz", "w-1.cell", "w-1.ener"};
    char folder[] = "/dev/shm/ionwatch-fuzz-XXXXXX", path[4][64];
    if (!mkdtemp(folder))
        abort();
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *part = size ? memchr(data, '\f', size) : NULL;
        size_t length = part && i < 3 ? (size_t)(part - data) : size;
        (void)snprintf(path[i], sizeof path[i], "%s/%s", folder, names[i]);
        put(path[i], data, length);
        size_t used = length < size ? length + 1 : length;
        data += used;
        size -= used;
    }
    read_all(path[0], false);
    read_all(path[0], true);
    for (size_t i = 0; i < 4; i++)
        (void)unlink(path[i]);
    (void)rmdir(folder);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (strcmp(FUZZ_FORMAT, "cp2k") == 0) {
        read_cp2k(data, size);
        return 0;
    }
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_all(path, false);
    read_all(path, true);
    (void)close(fd);
    return 0;
}
