/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_reader.c - any bytes as a trajectory of the format FUZZ_FORMAT.  Where a run has several
 * files a form feed parts the bytes into them. */
#include "adapters/reader.h"
#include "fuzz_file.h"
#include "fuzz_target.h"

#include <fcntl.h>
#include <string.h>

enum { FILES = 6 };

static const struct {
    const char *format, *names[FILES];
} several[] = {{"cp2k", {"w-pos-1.xyz", "w-vel-1.xyz", "w-1.cell", "w-1.ener", "w.inp", "w.out"}},
               {"pw.x", {"p.out", "p.in"}},
               {"cp.x", {"c.pos", "c.vel", "c.cel", "c.evp", "c.in"}},
               {"xdatcar", {"XDATCAR", "INCAR"}},
               {"ipi", {"w.pos_0.xyz", "w.vel_0.xyz", "w.xml", "w.pos_1.xyz"}}};

static char folder[40], paths[FILES][64];

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
            if (frame.n_atoms != iw_reader_run(reader)->n_atoms)
                abort();
        (void)iw_reader_rewind(reader, &err);
        (void)iw_reader_next(reader, &frame, &err);
        while (iw_reader_note(reader))
            ;
        iw_frame_fini(&frame);
    }
    iw_reader_close(&reader);
}

static void
leave(void)
{
    for (size_t i = 0; i < FILES; i++)
        (void)unlink(paths[i]);
    (void)rmdir(folder);
}

static void
put(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || (size > 0 && write(fd, data, size) != (ssize_t)size) || close(fd) != 0)
        abort();
}

static void
read_several(const char *const names[FILES], const uint8_t *data, size_t size)
{
    if (!folder[0]) {
        (void)snprintf(folder, sizeof folder, "/dev/shm/ionwatch-fuzz-XXXXXX");
        if (!mkdtemp(folder) || atexit(leave) != 0)
            abort();
    }
    for (size_t i = 0; i < FILES && names[i]; i++) {
        const uint8_t *feed = size ? memchr(data, '\f', size) : NULL;
        size_t length = feed && i + 1 < FILES && names[i + 1] ? (size_t)(feed - data) : size;
        (void)snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
        if (i == 0 || length > 0)
            put(paths[i], data, length);
        else
            (void)unlink(paths[i]);
        size_t used = length < size ? length + 1 : length;
        data += used;
        size -= used;
    }
    read_all(paths[0], false);
    read_all(paths[0], true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < sizeof several / sizeof *several; i++)
        if (strcmp(FUZZ_FORMAT, several[i].format) == 0) {
            read_several(several[i].names, data, size);
            return 0;
        }
    fuzz_file file;
    fuzz_file_open(&file, data, size);
    read_all(file.path, false);
    read_all(file.path, true);
    fuzz_file_close(&file);
    return 0;
}
