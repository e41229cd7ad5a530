/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "adapters/iwlog/packlog.h"
#include "adapters/reader.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

static char folder[] = "/tmp/ionwatch-test-XXXXXX";
static char plain[64], packed[64], back[64];

static int
make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(plain, sizeof plain, "%s/plain.iwlog", folder);
    (void)snprintf(packed, sizeof packed, "%s/packed.iwpack", folder);
    (void)snprintf(back, sizeof back, "%s/back.iwlog", folder);
    return 0;
}

static int
remove_files(void **state)
{
    (void)state;
    (void)unlink(plain);
    (void)unlink(packed);
    (void)unlink(back);
    return 0;
}

static int
remove_folder(void **state)
{
    (void)remove_files(state);
    return rmdir(folder);
}

static iw_buffer
bytes_of(const char *path)
{
    iw_buffer bytes = {0};
    char chunk[1 << 16];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
        assert_int_equal(iw_buffer_append(&bytes, chunk, n, NULL), IW_OK);
    (void)fclose(file);
    return bytes;
}

static void
write_bytes(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

typedef struct {
    size_t atoms, frames;
    bool f32, velocities;
} shape;

static void
append_message(iw_framelog_writer *log, const iw_message *message, uint64_t seq)
{
    iw_error err;
    iw_buffer bytes = {0};
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    assert_ok(iw_framelog_append(log, message->type, seq, bytes.data, bytes.size, &err), err);
    iw_buffer_fini(&bytes);
}

static void
append_hello(iw_framelog_writer *log, size_t atoms)
{
    iw_error err;
    iw_run_info run;
    const char **names = malloc(atoms * sizeof *names);
    assert_non_null(names);
    for (size_t i = 0; i < atoms; i++)
        names[i] = "Li";
    iw_run_info_init(&run);
    assert_ok(iw_run_info_set_atoms(&run, atoms, names, &err), err);
    assert_ok(iw_uuid_new(run.id, &err), err);
    run.timestep_fs = 2;
    iw_message hello;
    iw_message_init(&hello, IW_MSG_HELLO);
    memcpy(hello.run_id, run.id, sizeof hello.run_id);
    hello.version = IW_PROTOCOL_VERSION;
    hello.run = &run;
    append_message(log, &hello, 0);
    iw_run_info_fini(&run);
    free(names);
}

static void
append_frame(iw_framelog_writer *log, const shape *s, const double *values, float *small,
             uint64_t seq)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    iw_frame_view *frame = &message.frame;
    for (size_t i = 0; i < 6 * s->atoms; i++)
        small[i] = (float)values[i];
    frame->seq = seq;
    frame->step = (int64_t)(20 * seq) - 200; /* its size in the message changes */
    frame->time_fs = (double)seq * 2;
    frame->n_atoms = s->atoms;
    frame->pos_is_f32 = frame->vel_is_f32 = s->f32;
    frame->has_velocities = s->velocities;
    frame->pos = s->f32 ? (const void *)small : values;
    if (s->velocities)
        frame->vel = s->f32 ? (const void *)(small + 3 * s->atoms) : values + 3 * s->atoms;
    append_message(log, &message, seq);
}

/* A journal: HELLO, frames of a random walk, CONTROL, BYE, FILED. */
static void
make_log(const shape *s)
{
    iw_error err;
    uint64_t seed = 7;
    double *values = calloc(6 * s->atoms, sizeof *values);
    float *small = calloc(6 * s->atoms, sizeof *small);
    (void)remove_files(NULL);
    iw_framelog_writer *log = iw_framelog_writer_open(plain, NULL, &err);
    assert_true(values && small && log);
    append_hello(log, s->atoms);
    for (uint64_t seq = 1; seq <= s->frames; seq++) {
        for (size_t i = 0; i < 6 * s->atoms; i++)
            values[i] += iw_test_uniform(&seed) - 0.5;
        append_frame(log, s, values, small, seq);
        if (seq % 10 == 0)
            assert_ok(iw_framelog_sync(log, &err), err); /* the next record is marked */
    }
    iw_message message;
    iw_message_init(&message, IW_MSG_CONTROL);
    message.stop = true;
    (void)snprintf(message.text, sizeof message.text, "D is known");
    append_message(log, &message, 0);
    iw_message_init(&message, IW_MSG_BYE);
    message.seq = s->frames;
    (void)snprintf(message.text, sizeof message.text, "completed");
    append_message(log, &message, s->frames);
    iw_message_init(&message, IW_MSG_FILED);
    (void)snprintf(message.text, sizeof message.text, "42");
    append_message(log, &message, 0);
    assert_ok(iw_framelog_writer_close(&log, &err), err);
    free(values);
    free(small);
}

/* Packs, compares, unpacks; both logs are the same, byte for byte.  Returns the bytes that it
 * takes. */
static size_t
round_trip(void)
{
    iw_error err = {0};
    uint64_t lost = 1;
    (void)unlink(packed);
    (void)unlink(back);
    assert_ok(iw_packlog_pack(plain, packed, NULL, &err), err);
    assert_ok(iw_packlog_verify(plain, packed, NULL, &err), err);
    assert_ok(iw_packlog_unpack(packed, back, NULL, &lost, &err), err);
    assert_int_equal(lost, 0);
    iw_buffer before = bytes_of(plain);
    iw_buffer after = bytes_of(back);
    iw_buffer between = bytes_of(packed);
    assert_int_equal(before.size, after.size);
    assert_memory_equal(before.data, after.data, after.size);
    size_t size = between.size;
    iw_buffer_fini(&before);
    iw_buffer_fini(&after);
    iw_buffer_fini(&between);
    return size;
}

static void
a_journal_comes_back_byte_for_byte(void **state)
{
    (void)state;
    const shape shapes[] = {{5, 60, false, true},  {5, 60, true, true},      {100, 50, false, true},
                            {100, 50, true, true}, {100, 50, false, false},  {100, 50, true, false},
                            {1, 3, false, false},  {2000, 120, false, true}, {100, 0, false, true}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct stat info;
        make_log(&shapes[i]);
        size_t size = round_trip();
        assert_int_equal(stat(plain, &info), 0);
        if (shapes[i].frames >= 50 && shapes[i].atoms >= 100) /* sign, exponent, first digits */
            assert_true((double)size < 0.95 * (double)info.st_size);
    }
}

static void
a_record_longer_than_a_block_comes_back(void **state)
{
    (void)state;
    make_log(&(shape){100000, 3, false, true}); /* 4.8 MB a frame */
    (void)round_trip();
}

static void
any_bytes_come_back_damage_and_torn_tail_included(void **state)
{
    (void)state;
    uint64_t seed = 11;
    make_log(&(shape){50, 200, false, true});
    iw_buffer log = bytes_of(plain);
    for (int round = 0; round < 40; round++) {
        iw_buffer hurt = {0};
        size_t size = log.size - iw_test_random(&seed) % 3000;
        assert_int_equal(iw_buffer_append(&hurt, log.data, size, NULL), IW_OK);
        for (int i = 0; i < round; i++)
            hurt.data[8 + iw_test_random(&seed) % (size - 8)] ^= (unsigned char)(1 + i);
        write_bytes(plain, hurt.data, size);
        (void)round_trip();
        iw_buffer_fini(&hurt);
    }
    write_bytes(plain, log.data, 8); /* a header alone */
    (void)round_trip();
    iw_buffer_fini(&log);
}

static void
a_packed_log_has_the_same_records_at_the_same_places(void **state)
{
    (void)state;
    iw_error err;
    make_log(&(shape){1500, 150, false, true}); /* 10.8 MB: three blocks */
    (void)round_trip();
    iw_framelog_reader *a = iw_packlog_reader_open(plain, &err);
    iw_framelog_reader *b = iw_packlog_reader_open(packed, &err);
    assert_true(a && b);
    assert_int_equal(iw_framelog_file_size(a), iw_framelog_file_size(b));
    for (int turn = 0; turn < 2; turn++) {
        iw_framelog_record one = {0};
        iw_framelog_record two = {0};
        size_t n = 0;
        while (iw_framelog_next(a, &one, &err) == IW_OK) {
            assert_ok(iw_framelog_next(b, &two, &err), err);
            assert_int_equal(one.kind, two.kind);
            assert_int_equal(one.seq, two.seq);
            assert_int_equal(one.offset, two.offset);
            assert_int_equal(one.size, two.size);
            assert_memory_equal(one.data, two.data, one.size);
            n++;
        }
        assert_int_equal(n, 154);
        assert_int_equal(iw_framelog_next(b, &two, &err), IW_END);
        iw_framelog_rewind(a);
        iw_framelog_rewind(b);
    }
    iw_framelog_reader_close(&a);
    iw_framelog_reader_close(&b);
}

/* Frames of a packed log that are there, as a set. */
static size_t
count_frames(bool there[152])
{
    iw_error err;
    size_t n = 0;
    memset(there, 0, 152 * sizeof *there);
    iw_framelog_reader *log = iw_packlog_reader_open(packed, &err);
    if (!log)
        return 0;
    iw_framelog_record record;
    iw_status status = IW_OK;
    while (status == IW_OK || status == IW_CORRUPT) {
        status = iw_framelog_next(log, &record, &err);
        if (status != IW_OK || record.kind != IW_MSG_FRAME)
            continue;
        assert_true(record.seq >= 1 && record.seq <= 150);
        there[record.seq] = true;
        n++;
    }
    assert_true(status == IW_END || status == IW_AGAIN);
    iw_framelog_reader_close(&log);
    return n;
}

static void
a_damaged_block_costs_its_own_records_alone(void **state)
{
    (void)state;
    make_log(&(shape){1500, 150, false, true});
    (void)round_trip();
    iw_buffer good = bytes_of(packed);
    iw_buffer log = bytes_of(plain);
    uint64_t seed = 3;
    bool there[152];
    for (int round = 0; round < 30; round++) {
        iw_error err = {0};
        uint64_t lost = 0;
        iw_buffer hurt = {0};
        size_t at = 8 + iw_test_random(&seed) % (good.size - 8);
        assert_int_equal(iw_buffer_append(&hurt, good.data, good.size, NULL), IW_OK);
        hurt.data[at] ^= 0x10;
        write_bytes(packed, hurt.data, hurt.size);
        iw_buffer_fini(&hurt);
        /* A block has 58 frames of 72 kB; no record lies in two of them. */
        size_t n = count_frames(there);
        assert_in_range(n, 150 - 58, 150 - 30);
        (void)unlink(back);
        assert_ok(iw_packlog_unpack(packed, back, NULL, &lost, &err), err);
        assert_true(lost > 0 && lost <= IW_PACKLOG_BLOCK);
        iw_buffer rest = bytes_of(back);
        assert_int_equal(rest.size, log.size);
        uint64_t differ = 0;
        for (size_t i = 0; i < rest.size; i++)
            differ += rest.data[i] != log.data[i];
        assert_true(differ > 0 && differ <= lost);
        iw_buffer_fini(&rest);
        assert_int_equal(iw_packlog_verify(plain, packed, NULL, &err), IW_CORRUPT);
    }
    iw_buffer_fini(&good);
    iw_buffer_fini(&log);
}

static void
a_packed_log_that_was_cut_gives_what_is_there(void **state)
{
    (void)state;
    make_log(&(shape){1500, 150, false, true});
    (void)round_trip();
    iw_buffer good = bytes_of(packed);
    bool there[152];
    size_t before = 150;
    for (size_t size = good.size; size > 0; size = size > 97003 ? size - 97003 : 0) {
        iw_error err = {0};
        write_bytes(packed, good.data, size);
        size_t n = count_frames(there);
        assert_true(n <= before);
        for (size_t seq = 1; seq <= n; seq++)
            assert_true(there[seq]);
        before = n;
        if (size < good.size)
            assert_int_equal(iw_packlog_verify(plain, packed, NULL, &err), IW_CORRUPT);
    }
    iw_buffer_fini(&good);
}

static void
a_block_that_lies_about_its_sizes_is_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    uint64_t total;
    uint32_t size;
    enum { BYTES = 4000 };
    unsigned char bytes[BYTES];
    uint64_t seed = 5;
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (unsigned char)iw_test_random(&seed);
    iw_packlog_coder *coder = iw_packlog_coder_new(&err);
    assert_non_null(coder);
    const iw_packlog_array arrays[] = {{10, 100, 0}, {900, 100, 0}, {2000, 100, 1}, {3000, 125, 2}};
    const void *payload;
    size_t payload_size;
    assert_ok(
        iw_packlog_encode(coder, bytes, BYTES, BYTES, arrays, 4, &payload, &payload_size, &err),
        err);
    unsigned char *good = malloc(payload_size);
    assert_non_null(good);
    memcpy(good, payload, payload_size);
    unsigned char out[BYTES];
    assert_ok(iw_packlog_decode(coder, good, payload_size, out, &err), err);
    assert_memory_equal(out, bytes, BYTES);

    const struct {
        size_t at;
        uint32_t value;
    } lies[] = {{8, 0},           {8, IW_PACKLOG_BLOCK + 1},
                {8, BYTES + 1},   {8, BYTES - 1},
                {12, UINT32_MAX}, {12, 3},
                {12, 5},          {16, 3}};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        unsigned char *bad = malloc(payload_size);
        assert_non_null(bad);
        memcpy(bad, good, payload_size);
        memcpy(bad + lies[i].at, &lies[i].value, 4);
        assert_int_equal(iw_packlog_decode(coder, bad, payload_size, out, &err), IW_CORRUPT);
        free(bad);
    }
    for (size_t n = 0; n < payload_size; n++) { /* cut short */
        unsigned char *bad = malloc(n + 1);
        assert_non_null(bad);
        memcpy(bad, good, n);
        assert_int_equal(iw_packlog_decode(coder, bad, n, out, &err), IW_CORRUPT);
        free(bad);
    }
    assert_ok(iw_packlog_head(good, payload_size, &total, &size, &err), err);
    assert_int_equal(total, BYTES);
    assert_int_equal(size, BYTES);
    free(good);
    iw_packlog_coder_destroy(&coder);
}

/* Packed with a table that no packer writes. */
static void
arrays_outside_of_their_block_are_refused(void **state)
{
    (void)state;
    iw_error err = {0};
    unsigned char bytes[IW_PACKLOG_BLOCK / 1024] = {0};
    unsigned char out[sizeof bytes];
    const uint32_t n = sizeof bytes;
    const iw_packlog_array tables[][2] = {
        {{0, 100, 0}, {799, 100, 0}},          /* overlap */
        {{1000, 100, 0}, {0, 100, 0}},         /* out of order */
        {{0, 100, 0}, {n - 799, 100, 0}},      /* beyond the end */
        {{0, 100, 0}, {n, 16, 1}},             /* at the end */
        {{0, 100, 0}, {UINT32_MAX, 16, 1}},    /* far away */
        {{0, 100, 0}, {1000, UINT32_MAX, 1}},  /* too long */
        {{0, 100, 0}, {1000, 0x20000000u, 0}}, /* 2^32 bytes */
        {{0, 100, 0}, {1000, 100, 4}},         /* no such lane */
        {{0, 100, 0}, {1000, 15, 0}},          /* too short to be worth it */
    };
    iw_packlog_coder *coder = iw_packlog_coder_new(&err);
    assert_non_null(coder);
    const iw_packlog_array good[] = {{0, 100, 0}, {1000, 100, 0}};
    const void *payload;
    size_t size;
    assert_ok(iw_packlog_encode(coder, bytes, n, n, good, 2, &payload, &size, &err), err);
    assert_ok(iw_packlog_decode(coder, payload, size, out, &err), err);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        unsigned char content[2 * 12 + sizeof bytes] = {0};
        unsigned char lie[2 * sizeof content];
        memcpy(lie, payload, IW_PACKLOG_HEAD);
        memcpy(content, tables[i], sizeof tables[i]);
        size_t used = ZSTD_compress(lie + IW_PACKLOG_HEAD, sizeof lie - IW_PACKLOG_HEAD, content,
                                    sizeof content, 1);
        assert_false(ZSTD_isError(used));
        assert_int_equal(iw_packlog_decode(coder, lie, IW_PACKLOG_HEAD + used, out, &err),
                         IW_CORRUPT);
        assert_non_null(strstr(err.text, "array 1"));
    }
    iw_packlog_coder_destroy(&coder);
}

static bool
at_once(void *self)
{
    return --*(int *)self < 0;
}

static void
packing_stops_when_it_is_told_to(void **state)
{
    (void)state;
    iw_error err = {0};
    uint64_t lost;
    make_log(&(shape){1500, 150, false, true});
    for (int blocks = 0; blocks < 3; blocks++) {
        int left = blocks;
        iw_packlog_watch watch = {at_once, &left};
        (void)unlink(packed);
        assert_int_equal(iw_packlog_pack(plain, packed, &watch, &err), IW_CLOSED);
        (void)unlink(packed);
        assert_ok(iw_packlog_pack(plain, packed, NULL, &err), err);
        left = blocks;
        assert_int_equal(iw_packlog_verify(plain, packed, &watch, &err), IW_CLOSED);
        left = blocks;
        (void)unlink(back);
        assert_int_equal(iw_packlog_unpack(packed, back, &watch, &lost, &err), IW_CLOSED);
    }
}

static void
nothing_is_written_over_and_only_packed_logs_are_unpacked(void **state)
{
    (void)state;
    iw_error err = {0};
    uint64_t lost;
    make_log(&(shape){10, 10, false, true});
    assert_ok(iw_packlog_pack(plain, packed, NULL, &err), err);
    assert_int_equal(iw_packlog_pack(plain, packed, NULL, &err), IW_EXISTS);
    assert_int_equal(iw_packlog_unpack(packed, plain, NULL, &lost, &err), IW_EXISTS);
    assert_int_equal(iw_packlog_unpack(plain, back, NULL, &lost, &err), IW_CORRUPT);
    assert_int_equal(access(back, F_OK), -1);
    (void)unlink(packed);
    assert_int_equal(iw_packlog_unpack(packed, back, NULL, &lost, &err), IW_NOT_FOUND);
}

static void
a_reader_of_trajectories_gives_the_same_frames(void **state)
{
    (void)state;
    iw_error err = {0};
    make_log(&(shape){300, 400, false, true}); /* 5.8 MB */
    assert_ok(iw_packlog_pack(plain, packed, NULL, &err), err);
    iw_reader_options options;
    iw_reader_options_init(&options);
    const char *paths[2] = {plain, packed};
    iw_reader *a = iw_reader_open(&paths[0], 1, &options, &err);
    iw_reader *b = a ? iw_reader_open(&paths[1], 1, &options, &err) : NULL;
    assert_true(a && b);
    assert_string_equal(iw_reader_run(a)->id, iw_reader_run(b)->id);
    iw_frame one, two;
    assert_ok(iw_frame_init(&one, 300, &err), err);
    assert_ok(iw_frame_init(&two, 300, &err), err);
    size_t n = 0;
    for (; iw_reader_next(a, &one, &err) == IW_OK; n++) {
        assert_ok(iw_reader_next(b, &two, &err), err);
        assert_int_equal(one.step, two.step);
        assert_memory_equal(one.pos_A, two.pos_A, 900 * sizeof(double));
        assert_memory_equal(one.vel_A_fs, two.vel_A_fs, 900 * sizeof(double));
    }
    assert_int_equal(n, 400);
    assert_int_equal(iw_reader_next(b, &two, &err), IW_END);
    iw_frame_fini(&one);
    iw_frame_fini(&two);
    iw_reader_close(&a);
    iw_reader_close(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_comes_back_byte_for_byte),
        cmocka_unit_test(a_record_longer_than_a_block_comes_back),
        cmocka_unit_test(any_bytes_come_back_damage_and_torn_tail_included),
        cmocka_unit_test(a_packed_log_has_the_same_records_at_the_same_places),
        cmocka_unit_test(a_damaged_block_costs_its_own_records_alone),
        cmocka_unit_test(a_packed_log_that_was_cut_gives_what_is_there),
        cmocka_unit_test(a_block_that_lies_about_its_sizes_is_refused),
        cmocka_unit_test(arrays_outside_of_their_block_are_refused),
        cmocka_unit_test(packing_stops_when_it_is_told_to),
        cmocka_unit_test(nothing_is_written_over_and_only_packed_logs_are_unpacked),
        cmocka_unit_test(a_reader_of_trajectories_gives_the_same_frames),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
