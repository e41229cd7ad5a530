/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_traps.c - the traps of bytes that nobody vouches for, each on its own: counts that announce
 * what is not there, nesting, numbers that are not finite, errors that are not heeded.  Allocations
 * are counted, so that "nothing is allocated on the word of a sender" is a number. */
#include "iw_test.h"

#include "adapters/reader.h"
#include "cursor.h"
#include "framelog.h"
#include "framelog_record.h"
#include "wire.h"

#include <sys/mman.h>
#include <unistd.h>

static size_t taken, most; /* since count_from_here; the largest piece */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static void
count(size_t size)
{
    taken += size;
    most = size > most ? size : most;
}

void *
__wrap_malloc(size_t size)
{
    count(size);
    return __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    count(n * size);
    return __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    count(size);
    return __real_realloc(old, size);
}

static void
count_from_here(void)
{
    taken = most = 0;
}

/* Decodes a copy of exactly that size, so that a sanitizer sees a read beyond it. */
static iw_status
decode(const unsigned char *bytes, size_t size, iw_error *err)
{
    iw_run_info run;
    iw_message message;
    unsigned char *copy = __real_malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    iw_run_info_init(&run);
    iw_message_init(&message, IW_MSG_PING);
    message.run = &run;
    iw_status status = iw_wire_decode(copy, size, &message, err);
    iw_run_info_fini(&run);
    free(copy);
    return status;
}

/* {"type": TYPE, "version": 1, KEY: head of a value} */
static size_t
announce(unsigned char *bytes, int type, const char *key, unsigned char head, uint32_t number)
{
    static const unsigned char before[] = {0x83, 0xa4, 't', 'y', 'p', 'e', 0,   0xa7,
                                           'v',  'e',  'r', 's', 'i', 'o', 'n', 1};
    size_t used = sizeof before;
    memcpy(bytes, before, used);
    bytes[6] = (unsigned char)type;
    bytes[used++] = (unsigned char)(0xa0 | strlen(key));
    while (*key)
        bytes[used++] = (unsigned char)*key++;
    bytes[used++] = head;
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes[used++] = (unsigned char)(number >> shift);
    return used;
}

static void
five_bytes_reserve_nothing_wherever_they_stand(void **state)
{
    (void)state;
    static const unsigned char heads[] = {0xdd, 0xdf, 0xc6, 0xdb, 0xc9};
    static const uint32_t numbers[] = {0xffffffff, 0x7fffffff, 0x02000000};
    static const char *const keys[] = {
        "x",         "species",   "kind",         "mass_amu", "charge_e",
        "metadata",  "name",      "run_id",       "adapter",  "cell_A",
        "pos_A_f64", "pos_A_f32", "vel_A_fs_f64", "json",     "vel_A_fs_f32",
        "reason"};
    unsigned char bytes[64];
    iw_error err;
    for (size_t h = 0; h < sizeof heads; h++)
        for (size_t n = 0; n < 3; n++) {
            count_from_here();
            size_t alone = announce(bytes, IW_MSG_HELLO, "", heads[h], numbers[n]) - 5;
            assert_int_equal(decode(bytes + alone, 5, &err), IW_PROTOCOL);
            for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
                for (int type = IW_MSG_HELLO; type <= IW_MSG_ANSWER; type++) {
                    size_t size = announce(bytes, type, keys[k], heads[h], numbers[n]);
                    assert_int_equal(decode(bytes, size, &err), IW_PROTOCOL);
                }
            assert_int_equal(taken, 0);
        }
}

/* Atoms that the arrays do not hold are no reason to make room for them. */
static void
atoms_that_are_announced_reserve_nothing(void **state)
{
    (void)state;
    unsigned char bytes[64];
    iw_error err;
    count_from_here();
    for (int type = IW_MSG_HELLO; type <= IW_MSG_FRAME; type += IW_MSG_FRAME - IW_MSG_HELLO) {
        size_t size = announce(bytes, type, "atoms", 0xce, 0xffffffff);
        assert_int_equal(decode(bytes, size, &err), IW_PROTOCOL);
    }
    assert_int_equal(taken, 0);
}

static void
nesting_without_end_takes_no_stack(void **state)
{
    (void)state;
    enum { DEEP = 1 << 20 };
    static const unsigned char inside[] = {0x91, 0x81};
    unsigned char *bytes = __real_malloc(DEEP + 64);
    iw_error err;
    assert_non_null(bytes);
    for (size_t kind = 0; kind < 2; kind++) {
        size_t used = announce(bytes, IW_MSG_PING, "x", 0, 0) - 5;
        memset(bytes + used, inside[kind], DEEP); /* of a map the key is a map, too */
        assert_int_equal(decode(bytes, used + DEEP, &err), IW_PROTOCOL);
    }
    free(bytes);
}

static int
file_of(const void *data, size_t size, char path[40])
{
    int fd = memfd_create("trap", MFD_CLOEXEC);
    assert_true(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    (void)snprintf(path, 40, "/proc/self/fd/%d", fd);
    return fd;
}

static void
record_of_a_gibibyte_in_a_short_log_reserves_nothing(void **state)
{
    (void)state;
    unsigned char bytes[IW_FRAMELOG_HEADER + IW_FRAMELOG_HEAD + 4];
    char path[40];
    iw_framelog_record record;
    iw_error err;
    memcpy(bytes, iw_framelog_header, IW_FRAMELOG_HEADER);
    iw_framelog_head_fill(bytes + IW_FRAMELOG_HEADER, IW_MSG_FRAME, 1, "abcd", 4);
    for (int i = 0; i < 4; i++) /* the size, little-endian: 2^30 */
        bytes[IW_FRAMELOG_HEADER + i] = i == 3 ? 0x40 : 0;
    for (size_t i = 0; i < 4; i++)
        bytes[sizeof bytes - 4 + i] = (unsigned char)('a' + i);
    int fd = file_of(bytes, sizeof bytes, path);
    count_from_here();
    iw_framelog_reader *reader = iw_framelog_reader_open(path, &err);
    assert_non_null(reader);
    assert_int_equal(iw_framelog_next(reader, &record, &err), IW_AGAIN);
    iw_framelog_reader_close(&reader);
    uint64_t cut = 0;
    iw_framelog_writer *writer = iw_framelog_writer_open(path, &cut, &err);
    assert_non_null(writer);
    assert_int_equal(cut, sizeof bytes - IW_FRAMELOG_HEADER);
    assert_int_equal(iw_framelog_writer_close(&writer, &err), IW_OK);
    assert_true(most < 8 << 20);
    (void)close(fd);
}

/* A thousand million atoms in a file of a few bytes. */
static void
trajectories_that_announce_atoms_reserve_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *format, *text;
    } files[] = {
        {"extxyz", "1000000000\nProperties=species:S:1:pos:R:3\nLi 0 0 0\n"},
        {"xdatcar", "x\n1\n9 0 0\n0 9 0\n0 0 9\nLi\n1000000000\nDirect configuration= 1\n0 0 0\n"},
        {"lammps", "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1000000000\n"
                   "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id element x y z\n"
                   "1 Li 0 0 0\n"},
    };
    iw_reader_options options;
    iw_error err;
    for (size_t i = 0; i < 3; i++) {
        char path[40];
        const char *paths = path;
        int fd = file_of(files[i].text, strlen(files[i].text), path);
        iw_reader_options_init(&options);
        options.format = files[i].format;
        options.dt_fs = 1;
        count_from_here();
        assert_null(iw_reader_open(&paths, 1, &options, &err));
        if (most >= 8 << 20)
            fail_msg("%s: %zu bytes at once", files[i].format, most);
        (void)close(fd);
    }
}

/* Every key that takes a number, and the three that are none, in both widths. */
static void
numbers_that_are_not_finite_stop_at_the_border(void **state)
{
    (void)state;
    static const struct {
        int type;
        const char *key;
    } numbers[] = {{IW_MSG_HELLO, "timestep_fs"},
                   {IW_MSG_HELLO, "temperature_K"},
                   {IW_MSG_FRAME, "time_fs"},
                   {IW_MSG_FRAME, "temperature_K"},
                   {IW_MSG_FRAME, "potential_energy_eV"},
                   {IW_MSG_FRAME, "kinetic_energy_eV"}};
    static const unsigned char values[][9] = {{0xcb, 0x7f, 0xf0}, {0xcb, 0xff, 0xf0},
                                              {0xcb, 0x7f, 0xf8}, {0xca, 0x7f, 0x80},
                                              {0xca, 0xff, 0x80}, {0xca, 0x7f, 0xc0}};
    unsigned char bytes[64];
    iw_error err;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        for (size_t k = 0; k < 6; k++) {
            size_t size = announce(bytes, numbers[i].type, numbers[i].key, 0, 0) - 5;
            size_t width = values[k][0] == 0xcb ? 9 : 5;
            memcpy(bytes + size, values[k], width);
            assert_int_equal(decode(bytes, size + width, &err), IW_PROTOCOL);
            if (!strstr(err.text, "finite"))
                fail_msg("%s: %s", numbers[i].key, err.text);
        }
}

/* After the first failure nothing is read, nothing moves, and the first reason stays. */
static void
error_of_a_cursor_is_sticky(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x01, 0xa1, 'x', 0xc3, 0x05, 0x92, 1, 2};
    iw_cursor c;
    char first[sizeof c.error.text];
    iw_cursor_init(&c, bytes, sizeof bytes);
    assert_int_equal(iw_cursor_integer(&c), 1);
    assert_int_equal(iw_cursor_map(&c), 0); /* it is a text */
    assert_int_equal(c.error.code, IW_PROTOCOL);
    memcpy(first, c.error.text, sizeof first);
    size_t at = c.at;
    assert_null(iw_cursor_text(&c).data);
    assert_null(iw_cursor_raw_text(&c).data);
    assert_null(iw_cursor_bytes(&c).data);
    assert_false(iw_cursor_boolean(&c));
    assert_int_equal(iw_cursor_integer(&c), 0);
    assert_int_equal(iw_cursor_unsigned(&c), 0);
    assert_close(iw_cursor_number(&c), 0, 0, 0);
    assert_int_equal(iw_cursor_array(&c), 0);
    assert_int_equal(iw_cursor_map(&c), 0);
    iw_cursor_skip(&c);
    iw_cursor_fail(&c, "another reason");
    assert_int_equal(c.at, at);
    assert_string_equal(c.error.text, first);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_bytes_reserve_nothing_wherever_they_stand),
        cmocka_unit_test(atoms_that_are_announced_reserve_nothing),
        cmocka_unit_test(nesting_without_end_takes_no_stack),
        cmocka_unit_test(record_of_a_gibibyte_in_a_short_log_reserves_nothing),
        cmocka_unit_test(trajectories_that_announce_atoms_reserve_nothing),
        cmocka_unit_test(numbers_that_are_not_finite_stop_at_the_border),
        cmocka_unit_test(error_of_a_cursor_is_sticky),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
