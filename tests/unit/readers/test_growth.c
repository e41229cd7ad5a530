/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Real output of VASP that grows under the reader: whatever is there of it, frames come whole,
 * once, in order.  With an argument: cut at every byte, also where the test takes strides. */
#include "adapters/bytes.h"
#include "reader_test.h"

enum { MOST_BYTES = 1 << 21 };

/* Bytes from one look to the next: up to the first frame, from there up to the third, and behind
 * it.  A head is read anew at each look, so long ones take long. */
typedef struct {
    const char *sample, *name;
    size_t frames, stride[3];
} growing;

static const growing files[] = {
    {"vasprun.md.xml.gz", "vasprun.xml", 10, {1, 1, 509}},
    {"vasprun.ml_md.xml.gz", "vasprun.xml", 100, {23, 3, 4093}},
    {"OUTCAR.npt.gz", "OUTCAR", 10, {31, 1, 1021}},
    {"OUTCAR.nvt.gz", "OUTCAR", 10, {509, 7, 1021}},
    {"OUTCAR.wh_aimd.gz", "OUTCAR", 3, {1021, 13, 1021}},
    {"XDATCAR.MD.gz", "XDATCAR", 5, {1, 1, 1}},
    {"XDATCAR_4", "XDATCAR", 4, {1, 1, 1}},
    {"XDATCAR_5", "XDATCAR", 4, {1, 1, 1}},
    {"XDATCAR_6", "XDATCAR", 4, {1, 1, 1}},
    {"XDATCAR_monatomic.gz", "XDATCAR", 10, {1, 1, 1}},
    {"XDATCAR_traj_combine_test_1.gz", "XDATCAR", 100, {1, 1, 251}},
    {"XDATCAR_traj_combine_test_full.gz", "XDATCAR", 200, {1, 1, 251}},
};

static bool every_byte;

static size_t
stride_at(const growing *file, size_t frames)
{
    return every_byte ? 1 : file->stride[frames == 0 ? 0 : frames < 3 ? 1 : 2];
}

static char *
unpack(const char *sample, size_t *size)
{
    char path[5000];
    iw_error err = {0};
    size_t got = 0;
    (void)snprintf(path, sizeof path, "%s/vasp_samples/%s", iw_shared_data(), sample);
    iw_bytes *bytes = iw_bytes_open(path, &err);
    char *data = malloc(MOST_BYTES);
    assert_non_null(bytes);
    assert_non_null(data);
    *size = 0;
    do {
        assert_ok(iw_bytes_read(bytes, data + *size, MOST_BYTES - *size, &got, &err), err);
        *size += got;
    } while (got > 0);
    assert_true(*size < MOST_BYTES);
    iw_bytes_close(&bytes);
    return data;
}

static iw_reader_options
options_for(const growing *file, bool follow)
{
    iw_reader_options options;
    iw_reader_options_init(&options);
    options.follow = follow;
    if (strcmp(file->name, "XDATCAR") == 0)
        options.dt_fs = 1.0; /* there is no INCAR */
    return options;
}

static void
follow_it(const growing *file, const char *data, size_t size, const trajectory *whole)
{
    const iw_reader_options options = options_for(file, true);
    const char *path = write_text(file->name, "");
    trajectory grown = {0};
    iw_reader *reader = NULL;
    for (size_t at = 0, step; at < size; at += step) {
        step = stride_at(file, grown.n);
        step = step < size - at ? step : size - at;
        write_bytes(file->name, data + at, step, "ab");
        size_t before = grown.n;
        if (!reader)
            reader = iw_reader_open(&path, 1, &options, &grown.err);
        if (reader)
            read_on(&grown, reader);
        iw_status status = reader ? grown.status : grown.err.code;
        if (status != IW_AGAIN)
            fail_msg("%s, byte %zu: %s", file->sample, at + step, grown.err.text);
        for (size_t f = before; f < grown.n; f++)
            assert_same_frame(&grown.frame[f], f < whole->n ? &whole->frame[f] : NULL);
    }
    assert_int_equal(grown.n, file->frames);
    iw_reader_close(&reader);
    free_trajectory(&grown);
}

static void
cut_it(const growing *file, const char *data, size_t size, const trajectory *whole)
{
    const iw_reader_options options = options_for(file, false);
    size_t before = 0;
    /* All that is there is read at each cut: these are fewer. */
    for (size_t cut = 0; cut < size; cut += 1 + size / (every_byte ? 2000 : 60)) {
        trajectory part = read_file(write_bytes(file->name, data, cut, "wb"), &options);
        if (part.status != IW_END && (before > 0 || part.n > 0))
            fail_msg("%s cut at byte %zu: %s", file->sample, cut, part.err.text);
        assert_true(part.n >= before && part.n <= file->frames);
        before = part.n;
        for (size_t f = 0; f < part.n; f++)
            assert_same_frame(&part.frame[f], &whole->frame[f]);
        free_trajectory(&part);
    }
}

static void
output_of_vasp_that_grows_or_is_cut_gives_whole_frames_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        const growing *file = &files[i];
        const iw_reader_options options = options_for(file, false);
        size_t size;
        char *data = unpack(file->sample, &size);
        trajectory whole = read_file(write_bytes(file->name, data, size, "wb"), &options);
        assert_read(whole, file->frames);
        follow_it(file, data, size, &whole);
        cut_it(file, data, size, &whole);
        free_trajectory(&whole);
        free(data);
        clear_test_folder();
    }
}

int
main(int argc, char **argv)
{
    (void)argv;
    every_byte = argc > 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(output_of_vasp_that_grows_or_is_cut_gives_whole_frames_once),
    };
    return iw_shared_data() ? cmocka_run_group_tests(tests, make_test_folder, remove_test_folder)
                            : 77;
}
