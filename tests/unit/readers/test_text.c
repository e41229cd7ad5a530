/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of plain, packed and growing files (adapters/bytes.c, adapters/text.c). */
#include "adapters/text.h"
#include "reader_test.h"

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

enum { LINES = 20000, PACKED = 1 << 20 };
#define JUNK ((size_t)2 * IW_TEXT_LINE_MAX)

static char *
many_lines(size_t *size)
{
    char *text = malloc((size_t)LINES * 32);
    assert_non_null(text);
    *size = 0;
    for (int i = 0; i < LINES; i++)
        *size += (size_t)sprintf(text + *size, "line %d %.6f\n", i, sqrt(i));
    return text;
}

static void
assert_many_lines(const char *path)
{
    iw_error err = {0};
    iw_text *text = iw_text_open(path, false, &err);
    iw_line line;
    char expected[64];
    assert_non_null(text);
    for (int i = 0; i < LINES; i++) {
        iw_text_mark(text);
        assert_ok(iw_text_line(text, &line, &err), err);
        int size = sprintf(expected, "line %d %.6f", i, sqrt(i));
        assert_int_equal(line.end - line.at, size);
        assert_memory_equal(line.at, expected, (size_t)size);
        assert_int_equal(iw_text_line_number(text), i + 1);
    }
    assert_int_equal(iw_text_line(text, &line, &err), IW_END);
    assert_int_equal(iw_bytes_done(iw_text_bytes(text)), iw_bytes_total(iw_text_bytes(text)));
    iw_text_close(&text);
}

static size_t
pack_gz(const char *text, size_t size, unsigned char *out)
{
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)text;
    z.avail_in = (unsigned)size;
    z.next_out = out;
    z.avail_out = PACKED;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t packed = PACKED - z.avail_out;
    (void)deflateEnd(&z);
    return packed;
}

static size_t
pack_xz(const char *text, size_t size, unsigned char *out)
{
    size_t packed = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, size,
                                             out, &packed, PACKED),
                     LZMA_OK);
    return packed;
}

static size_t
pack_zst(const char *text, size_t size, unsigned char *out)
{
    size_t packed = ZSTD_compress(out, PACKED, text, size, 3);
    assert_false(ZSTD_isError(packed));
    return packed;
}

static void
packed_files_are_read_whole_and_in_several_streams(void **state)
{
    (void)state;
    size_t (*const pack[])(const char *, size_t, unsigned char *) = {pack_gz, pack_xz, pack_zst};
    size_t size;
    char *text = many_lines(&size);
    unsigned char *packed = malloc(PACKED);
    assert_non_null(packed);
    assert_many_lines(write_bytes("plain", text, size, "wb"));
    for (int i = 0; i < 3; i++) {
        assert_many_lines(write_bytes("packed", packed, pack[i](text, size, packed), "wb"));
        /* two streams, cut in mid-line */
        write_bytes("twice", packed, pack[i](text, 1001, packed), "wb");
        assert_many_lines(
            write_bytes("twice", packed, pack[i](text + 1001, size - 1001, packed), "ab"));
    }
    free(packed);
    free(text);
}

static void
packed_files_that_are_cut_short_or_damaged_are_named(void **state)
{
    (void)state;
    size_t (*const pack[])(const char *, size_t, unsigned char *) = {pack_gz, pack_xz, pack_zst};
    size_t size;
    char *text = many_lines(&size);
    unsigned char *packed = malloc(PACKED);
    assert_non_null(packed);
    for (int i = 0; i < 6; i++) {
        size_t n = pack[i / 2](text, size, packed);
        if (i % 2)
            memset(packed + n / 2, 0x55, 64);
        const char *path = write_bytes("bad", packed, i % 2 ? n : n - 100, "wb");
        iw_error err = {0};
        iw_text *file = iw_text_open(path, false, &err);
        assert_non_null(file);
        iw_line line;
        iw_status status;
        do {
            iw_text_mark(file);
            status = iw_text_line(file, &line, &err);
        } while (status == IW_OK);
        /* Damage may also give other text, which the format then refuses, before the checksum. */
        if (i % 2 == 0 || status != IW_INVALID) {
            assert_int_equal(status, IW_CORRUPT);
            assert_non_null(strstr(err.text, path));
            assert_non_null(strstr(err.text, i % 2 ? "damaged" : "cut short"));
        }
        iw_text_close(&file);
    }
    free(packed);
    free(text);
}

static void
a_line_is_awaited_until_its_newline_is_there(void **state)
{
    (void)state;
    iw_error err = {0};
    const char *path = write_text("grow", "one\ntw");
    iw_text *text = iw_text_open(path, true, &err);
    iw_line line;
    assert_ok(iw_text_line(text, &line, &err), err);
    assert_int_equal(iw_text_line(text, &line, &err), IW_AGAIN);
    write_bytes("grow", "o", 1, "ab");
    assert_int_equal(iw_text_line(text, &line, &err), IW_AGAIN);
    write_bytes("grow", "\r\n", 2, "ab");
    assert_ok(iw_text_line(text, &line, &err), err);
    assert_int_equal(line.end - line.at, 3);
    assert_memory_equal(line.at, "two", 3);
    assert_int_equal(iw_text_line(text, &line, &err), IW_AGAIN);
    iw_text_close(&text);
}

static void
a_followed_file_that_is_written_anew_is_an_error(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_line line;
    const char *path = write_text("anew", "one\ntwo\n");
    iw_text *text = iw_text_open(path, true, &err);
    assert_ok(iw_text_skip(text, 2, &err), err);
    write_text("anew", "one\n");
    assert_int_equal(iw_text_line(text, &line, &err), IW_CORRUPT);
    assert_non_null(strstr(err.text, "shorter"));
    iw_text_close(&text);

    /* written anew, and already longer than it was; one that only grew is another matter */
    for (int same = 0; same < 2; same++) {
        text = iw_text_open(write_text("anew", "one\ntwo\n"), true, &err);
        assert_ok(iw_text_skip(text, 2, &err), err);
        assert_int_equal(iw_text_line(text, &line, &err), IW_AGAIN);
        write_text("anew", same ? "one\ntwo\nthree\n" : "1\n2\n3\n4\n5\n6\n");
        assert_int_equal(iw_text_line(text, &line, &err), same ? IW_OK : IW_CORRUPT);
        assert_true(same || strstr(err.text, "anew was written anew: what stands before byte 8"));
        iw_text_close(&text);
    }

    path = write_text("anew", "one\n");
    text = iw_text_open(path, true, &err);
    assert_ok(iw_text_skip(text, 1, &err), err);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(iw_text_line(text, &line, &err), IW_AGAIN); /* it may come back */
    write_text("other", "x\n");
    write_text("anew", "three\n");
    assert_int_equal(iw_text_line(text, &line, &err), IW_CORRUPT);
    assert_non_null(strstr(err.text, "replaced"));
    iw_text_close(&text);
}

static void
a_last_line_without_newline_counts_when_it_is_as_long_as_the_one_before(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int lines;
    } cases[] = {
        {"0.125 0.250\n0.500 0.750", 2},
        {"0.125 0.250\n0.500 0.75", 1},
        {"0.125 0.250\n0.500", 1},
        {"only", 1},
        {"Li 0.5 1.25\nLi 0.5 1.2", 1},
        {"1 2\n3 4", 2},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        iw_error err = {0};
        iw_line line;
        iw_text *text = iw_text_open(write_text("end", cases[i].text), false, &err);
        int n = 0;
        while (iw_text_line(text, &line, &err) == IW_OK)
            n++;
        assert_int_equal(n, cases[i].lines);
        iw_text_close(&text);
    }
}

static void
a_frame_larger_than_the_buffer_is_kept_from_its_mark(void **state)
{
    (void)state;
    size_t size;
    char *lines = many_lines(&size);
    FILE *file = fopen(test_path("large"), "wb");
    assert_non_null(file);
    for (int i = 0; i < 4; i++)
        assert_int_equal(fwrite(lines, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    iw_error err = {0};
    iw_text *text = iw_text_open(test_path("large"), false, &err);
    iw_line line;
    assert_ok(iw_text_skip(text, 10, &err), err);
    iw_text_mark(text);
    for (int i = 0; i < 3; i++) {
        assert_ok(iw_text_skip(text, 4 * LINES - 10, &err), err);
        assert_int_equal(iw_text_line(text, &line, &err), IW_END);
        iw_text_back(text);
        assert_ok(iw_text_line(text, &line, &err), err);
        assert_memory_equal(line.at, "line 10 ", 8);
        assert_int_equal(iw_text_line_number(text), 11);
        iw_text_back(text);
    }
    iw_text_close(&text);
    free(lines);
}

static void
what_is_no_text_is_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    iw_line line;
    iw_text *text = iw_text_open(write_bytes("zero", "ab\0cd\n", 6, "wb"), false, &err);
    assert_int_equal(iw_text_line(text, &line, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "line 1"));
    iw_text_close(&text);

    char *junk = malloc(JUNK);
    assert_non_null(junk);
    memset(junk, 'x', JUNK);
    text = iw_text_open(write_bytes("junk", junk, JUNK, "wb"), false, &err);
    free(junk);
    assert_int_equal(iw_text_line(text, &line, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "no end of line"));
    iw_text_close(&text);

    assert_null(iw_text_open(test_folder, false, &err));
    assert_non_null(strstr(err.text, "folder"));
    assert_null(iw_text_open(test_path("absent"), false, &err));
    assert_int_equal(err.code, IW_NOT_FOUND);
    assert_null(iw_text_open(write_text("bz", "BZh91AY"), false, &err));
    assert_int_equal(err.code, IW_UNSUPPORTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_files_are_read_whole_and_in_several_streams),
        cmocka_unit_test(packed_files_that_are_cut_short_or_damaged_are_named),
        cmocka_unit_test(a_line_is_awaited_until_its_newline_is_there),
        cmocka_unit_test(a_followed_file_that_is_written_anew_is_an_error),
        cmocka_unit_test(a_last_line_without_newline_counts_when_it_is_as_long_as_the_one_before),
        cmocka_unit_test(a_frame_larger_than_the_buffer_is_kept_from_its_mark),
        cmocka_unit_test(what_is_no_text_is_refused),
    };
    return cmocka_run_group_tests(tests, make_test_folder, remove_test_folder);
}
