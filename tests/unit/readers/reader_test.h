/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_READER_TEST_H
#define IW_READER_TEST_H
/* reader_test.h - files in a folder of their own, and whole trajectories in memory. */
#include "adapters/reader.h"
#include "iw_test.h"

#include <ftw.h>
#include <unistd.h>

enum { READER_TEST_NOTES = 4096 };

/* Everything a reader gave. */
typedef struct {
    iw_run_info run;
    size_t n;
    iw_frame *frame;               /* [n] */
    iw_status status;              /* how it ended */
    iw_error err;                  /* of open or of the end */
    char notes[READER_TEST_NOTES]; /* one a line */
} trajectory;

static char test_folder[64];

static int
make_test_folder(void **state)
{
    (void)state;
    /* Thousands of small files: in memory, where there is such a place. */
    (void)snprintf(test_folder, sizeof test_folder, "%s/ionwatch-test-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    return mkdtemp(test_folder) ? 0 : -1;
}

static int
remove_one(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info;
    (void)type;
    return where->level == 0 ? 0 : remove(path);
}

static inline void
clear_test_folder(void)
{
    (void)nftw(test_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int
remove_test_folder(void **state)
{
    (void)state;
    clear_test_folder();
    return rmdir(test_folder);
}

/* The path of a name in the test's folder; four are valid at a time. */
static inline const char *
test_path(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", test_folder, name);
    return path;
}

/* A file of our own trajectories, tests/data/... */
static inline const char *
data_path(const char *name)
{
    static char paths[4][1024];
    static int next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/tests/data/%s", IONWATCH_SOURCE_DIR, name);
    return path;
}

static inline const char *
write_bytes(const char *name, const void *data, size_t size, const char *mode)
{
    const char *path = test_path(name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline const char *
write_text(const char *name, const char *text)
{
    return write_bytes(name, text, strlen(text), "wb");
}

static inline void
keep_notes(trajectory *out, iw_reader *reader)
{
    for (const char *note; (note = iw_reader_note(reader));) {
        size_t used = strlen(out->notes);
        (void)snprintf(out->notes + used, sizeof out->notes - used, "%s\n", note);
    }
}

/* Reads frames until there are no more, or none yet. */
static inline void
read_on(trajectory *out, iw_reader *reader)
{
    size_t capacity = out->n;
    for (;;) {
        if (out->n == capacity) {
            capacity = 2 * capacity + 4;
            out->frame = realloc(out->frame, capacity * sizeof *out->frame);
            assert_non_null(out->frame);
        }
        iw_frame *frame = &out->frame[out->n];
        assert_ok(iw_frame_init(frame, iw_reader_run(reader)->n_atoms, &out->err), out->err);
        out->status = iw_reader_next(reader, frame, &out->err);
        if (out->status != IW_OK) {
            iw_frame_fini(frame);
            break;
        }
        out->n++;
    }
    keep_notes(out, reader);
}

static inline trajectory
read_pieces(const char *const *paths, size_t n_paths, const iw_reader_options *options)
{
    trajectory out = {0};
    iw_reader_options defaults;
    iw_reader_options_init(&defaults);
    iw_run_info_init(&out.run);
    iw_reader *reader = iw_reader_open(paths, n_paths, options ? options : &defaults, &out.err);
    out.status = out.err.code;
    if (!reader)
        return out;
    assert_ok(iw_run_info_copy(&out.run, iw_reader_run(reader), &out.err), out.err);
    read_on(&out, reader);
    iw_reader_close(&reader);
    return out;
}

static inline trajectory
read_file(const char *path, const iw_reader_options *options)
{
    return read_pieces(&path, 1, options);
}

static inline void
free_trajectory(trajectory *self)
{
    for (size_t i = 0; i < self->n; i++)
        iw_frame_fini(&self->frame[i]);
    free(self->frame);
    iw_run_info_fini(&self->run);
    memset(self, 0, sizeof *self);
}

/* Read to the end without an error. */
#define assert_read(t, frames)                                                                     \
    do {                                                                                           \
        if ((t).status != IW_END) {                                                                \
            print_error("%s\n", (t).err.text);                                                     \
            fail();                                                                                \
        }                                                                                          \
        assert_int_equal((t).n, (frames));                                                         \
    } while (0)

/* Refused with code, in words that contain each of the parts, a NULL at their end. */
static inline void
assert_refused(const trajectory *t, iw_status code, const char *const *parts)
{
    if (t->status != code)
        print_error("status %d, not %d: %s\n", t->status, code, t->err.text);
    assert_int_equal(t->status, code);
    for (; *parts; parts++) {
        if (!strstr(t->err.text, *parts))
            print_error("'%s' is not in: %s\n", *parts, t->err.text);
        assert_non_null(strstr(t->err.text, *parts));
    }
}
#define REFUSED(t, code, ...)                                                                      \
    do {                                                                                           \
        const char *const parts_[] = {__VA_ARGS__, NULL};                                          \
        assert_refused(&(t), (code), parts_);                                                      \
        free_trajectory(&(t));                                                                     \
    } while (0)

static inline void
assert_noted(const trajectory *t, const char *part)
{
    if (!strstr(t->notes, part))
        print_error("'%s' is not in the notes:\n%s", part, t->notes);
    assert_non_null(strstr(t->notes, part));
}

static inline void
assert_same_frame(const iw_frame *a, const iw_frame *b)
{
    if (!a || !b) {
        fail_msg("a frame is missing");
        return;
    }
    assert_int_equal(a->n_atoms, b->n_atoms);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->has_cell, b->has_cell);
    assert_int_equal(a->has_velocities, b->has_velocities);
    assert_memory_equal(&a->time_fs, &b->time_fs, sizeof a->time_fs);
    assert_memory_equal(a->pos_A, b->pos_A, 3 * a->n_atoms * sizeof(double));
    if (a->has_velocities)
        assert_memory_equal(a->vel_A_fs, b->vel_A_fs, 3 * a->n_atoms * sizeof(double));
    if (a->has_cell)
        assert_memory_equal(a->cell_A, b->cell_A, sizeof a->cell_A);
}

/* Each of the files grows byte by byte, the others being whole: the frames of the first of them are
 * the same, and never an error.  stop_file: what it is called, or NULL. */
static inline void
assert_grows(const char *const *names, const char *const *texts, size_t n_files,
             const char *stop_file)
{
    for (size_t f = 0; f < n_files; f++)
        write_text(names[f], texts[f]);
    char path[256];
    const char *paths = path;
    (void)snprintf(path, sizeof path, "%s", test_path(names[0]));
    iw_reader_options options;
    iw_reader_options_init(&options);
    trajectory whole = read_file(path, &options);
    assert_int_equal(whole.status, IW_END);
    options.follow = true;
    for (size_t f = 0; f < n_files; f++) {
        iw_reader *reader = NULL;
        trajectory t = {0};
        write_text(names[f], "");
        for (size_t i = 0; texts[f][i]; i++) {
            (void)write_bytes(names[f], texts[f] + i, 1, "ab");
            if (!reader)
                reader = iw_reader_open(&paths, 1, &options, &t.err);
            if (reader)
                read_on(&t, reader);
            if ((reader ? t.status : t.err.code) != IW_AGAIN)
                fail_msg("%s byte %zu: %s", names[f], i, t.err.text);
        }
        assert_int_equal(t.n, whole.n);
        for (size_t i = 0; i < t.n; i++) {
            assert_same_frame(&t.frame[i], &whole.frame[i]);
            assert_memory_equal(&t.frame[i].potential_energy_eV,
                                &whole.frame[i].potential_energy_eV, sizeof(double));
        }
        if (stop_file)
            assert_string_equal(iw_reader_stop_file(reader), test_path(stop_file));
        iw_reader_close(&reader);
        free_trajectory(&t);
    }
    free_trajectory(&whole);
}

static inline void
assert_triple(const double *actual, double x, double y, double z, double rtol)
{
    assert_close(actual[0], x, rtol, 1e-300);
    assert_close(actual[1], y, rtol, 1e-300);
    assert_close(actual[2], z, rtol, 1e-300);
}

#endif
