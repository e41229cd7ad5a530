/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "wire_field.h"

static const char run_id[] = "7f3c1a52-90ab-4cde-8f01-23456789abcd";

/* Five atoms of three species, with everything that a run can have. */
static void
make_run(iw_run_info *run)
{
    const char *const names[] = {"Li", "P", "Li", "S", "P"};
    iw_error err;
    iw_run_info_init(run);
    assert_ok(iw_run_info_set_atoms(run, 5, names, &err), err);
    (void)snprintf(run->id, sizeof run->id, "%s", run_id);
    run->name = strdup("li3ps4 at 600 K");
    run->code = strdup("lammps");
    run->code_version = strdup("29 Sep 2021");
    run->charge_e = calloc(5, sizeof *run->charge_e);
    run->charge_e[3] = -2.0;
    run->timestep_fs = 1.5;
    run->stride = 4;
    run->temperature_K = 600.0;
    run->wrapped = true;
    assert_ok(iw_run_info_set_metadata(run, "potential", "na\xc3\xafve", &err), err);
}

static void
make_frame(iw_frame *frame, size_t n_atoms)
{
    iw_error err;
    uint64_t seed = 7;
    assert_ok(iw_frame_init(frame, n_atoms, &err), err);
    frame->seq = 12;
    frame->step = -3;
    frame->time_fs = 4.5;
    frame->has_cell = true;
    frame->has_velocities = true;
    frame->potential_energy_eV = -17.25;
    frame->temperature_K = 601.0;
    for (int i = 0; i < 9; i++)
        frame->cell_A[i] = i % 4 == 0 ? 10.0 : 0.25 * i;
    for (size_t i = 0; i < 3 * n_atoms; i++) {
        frame->pos_A[i] = iw_test_normal(&seed);
        frame->vel_A_fs[i] = iw_test_normal(&seed);
    }
}

static void
encode(const iw_message *m, iw_buffer *out)
{
    iw_error err;
    iw_buffer_clear(out);
    assert_ok(iw_wire_encode(m, out, &err), err);
}

/* Messages of every type, for tests that go through all of them. */
static iw_status
encode_sample(iw_msg_type type, iw_run_info *run, iw_frame *frame, iw_buffer *out)
{
    iw_message m;
    iw_error err;
    iw_message_init(&m, type);
    memcpy(m.run_id, run_id, sizeof run_id);
    memcpy(m.adapter, run_id, sizeof run_id);
    m.run = run;
    iw_frame_view_of(frame, &m.frame);
    m.seq = 300;
    (void)snprintf(m.text, sizeof m.text, "D is known to 5 %%");
    m.stop = true;
    m.stride = 10;
    m.status = IW_EXISTS;
    (void)snprintf(m.verb, sizeof m.verb, "show");
    (void)snprintf(m.arg, sizeof m.arg, "my run");
    m.flag = true;
    m.json = "{\"a\":1}";
    m.json_size = 7;
    iw_buffer_clear(out);
    return iw_wire_encode(&m, out, &err);
}

static void
every_message_comes_back_as_it_was(void **state)
{
    (void)state;
    iw_run_info run;
    iw_run_info back;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_error err;
    make_run(&run);
    make_frame(&frame, 5);
    iw_run_info_init(&back);
    for (int type = IW_MSG_HELLO; type <= IW_MSG_ANSWER; type++) {
        iw_message m;
        assert_int_equal(encode_sample((iw_msg_type)type, &run, &frame, &bytes), IW_OK);
        iw_message_init(&m, IW_MSG_PING);
        m.run = &back;
        assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
        assert_int_equal(m.type, type);
        bool seq = type == IW_MSG_WELCOME || type == IW_MSG_ACK || type == IW_MSG_BYE;
        assert_int_equal(m.seq, seq ? 300 : 0);
        if (type == IW_MSG_CONTROL) {
            assert_true(m.stop);
            assert_int_equal(m.stride, 10);
        }
        bool text = type == IW_MSG_CONTROL || type == IW_MSG_BYE || type == IW_MSG_FILED ||
                    type == IW_MSG_REFUSED || type == IW_MSG_ANSWER;
        assert_string_equal(m.text, text ? "D is known to 5 %" : "");
        if (type == IW_MSG_REFUSED || type == IW_MSG_ANSWER)
            assert_int_equal(m.status, IW_EXISTS);
        if (type == IW_MSG_ASK) {
            assert_string_equal(m.verb, "show");
            assert_string_equal(m.arg, "my run");
            assert_true(m.flag);
        }
        if (type == IW_MSG_ANSWER) {
            assert_int_equal(m.json_size, 7);
            assert_memory_equal(m.json, "{\"a\":1}", 7);
        }
        if (type == IW_MSG_HELLO) {
            assert_string_equal(m.run_id, run_id);
            assert_string_equal(m.adapter, run_id);
        }
    }
    iw_run_info_fini(&run);
    iw_run_info_fini(&back);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

static void
hello_carries_the_whole_run(void **state)
{
    (void)state;
    iw_run_info run;
    iw_run_info back;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    make_run(&run);
    make_frame(&frame, 5);
    iw_run_info_init(&back);
    assert_int_equal(encode_sample(IW_MSG_HELLO, &run, &frame, &bytes), IW_OK);
    iw_message_init(&m, IW_MSG_HELLO);
    m.run = &back;
    assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
    assert_string_equal(back.id, run_id);
    assert_string_equal(back.name, run.name);
    assert_string_equal(back.code, run.code);
    assert_string_equal(back.code_version, run.code_version);
    assert_int_equal(back.n_atoms, 5);
    assert_int_equal(back.n_species, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(back.species[i], run.species[i]);
    assert_memory_equal(back.kind, run.kind, 5 * sizeof *run.kind);
    assert_memory_equal(back.mass_amu, run.mass_amu, 5 * sizeof *run.mass_amu);
    assert_memory_equal(back.charge_e, run.charge_e, 5 * sizeof *run.charge_e);
    assert_close(back.timestep_fs, 1.5, 0, 0);
    assert_close(back.temperature_K, 600.0, 0, 0);
    assert_int_equal(back.stride, 4);
    assert_true(back.wrapped);
    assert_string_equal(iw_run_info_metadata(&back, "potential"), "na\xc3\xafve");
    m.run = NULL;
    assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
    iw_run_info_fini(&run);
    iw_run_info_fini(&back);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

static void
a_frame_keeps_every_bit(void **state)
{
    (void)state;
    iw_frame frame;
    iw_frame back;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    make_frame(&frame, 7);
    assert_ok(iw_frame_init(&back, 7, &err), err);
    iw_message_init(&m, IW_MSG_FRAME);
    iw_frame_view_of(&frame, &m.frame);
    encode(&m, &bytes);
    iw_message_init(&m, IW_MSG_PING);
    assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
    assert_ok(iw_frame_view_load(&m.frame, &back, &err), err);
    assert_int_equal(back.seq, 12);
    assert_int_equal(back.step, -3);
    assert_close(back.time_fs, 4.5, 0, 0);
    assert_memory_equal(back.cell_A, frame.cell_A, sizeof frame.cell_A);
    assert_memory_equal(back.pos_A, frame.pos_A, 21 * sizeof(double));
    assert_memory_equal(back.vel_A_fs, frame.vel_A_fs, 21 * sizeof(double));
    assert_close(back.potential_energy_eV, -17.25, 0, 0);
    assert_true(isnan(back.kinetic_energy_eV));
    assert_close(back.temperature_K, 601.0, 0, 0);
    iw_frame_fini(&back);
    assert_ok(iw_frame_init(&back, 6, &err), err);
    assert_int_equal(iw_frame_view_load(&m.frame, &back, &err), IW_INVALID);
    iw_frame_fini(&frame);
    iw_frame_fini(&back);
    iw_buffer_fini(&bytes);
}

static void
a_frame_of_floats_stays_one(void **state)
{
    (void)state;
    const float pos[6] = {1.5F, -2.25F, 3.0F, 0.1F, 0.2F, 0.3F};
    iw_frame back;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    iw_message_init(&m, IW_MSG_FRAME);
    m.frame.seq = 1;
    m.frame.n_atoms = 2;
    m.frame.pos_is_f32 = true;
    m.frame.pos = pos;
    encode(&m, &bytes);
    assert_true(bytes.size < 24 + 80);
    iw_message_init(&m, IW_MSG_PING);
    assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
    assert_true(m.frame.pos_is_f32);
    assert_false(m.frame.has_velocities);
    assert_false(m.frame.has_cell);
    assert_ok(iw_frame_init(&back, 2, &err), err);
    assert_ok(iw_frame_view_load(&m.frame, &back, &err), err);
    for (int i = 0; i < 6; i++)
        assert_close(back.pos_A[i], (double)pos[i], 0, 0);
    iw_frame_fini(&back);
    iw_buffer_fini(&bytes);
}

static void
a_frame_gets_another_number_in_place(void **state)
{
    (void)state;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    make_frame(&frame, 2);
    iw_message_init(&m, IW_MSG_FRAME);
    iw_frame_view_of(&frame, &m.frame);
    encode(&m, &bytes);
    assert_ok(iw_wire_set_seq(bytes.data, bytes.size, 0x0102030405060708ULL, &err), err);
    assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
    assert_true(m.frame.seq == 0x0102030405060708ULL);
    assert_int_equal(iw_wire_set_seq(bytes.data, 19, 1, &err), IW_PROTOCOL);
    iw_message_init(&m, IW_MSG_PING);
    encode(&m, &bytes);
    assert_int_equal(iw_wire_set_seq(bytes.data, bytes.size, 1, &err), IW_PROTOCOL);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

static void
a_number_beyond_any_run_is_refused(void **state)
{
    (void)state;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    make_frame(&frame, 2);
    iw_message_init(&m, IW_MSG_FRAME);
    iw_frame_view_of(&frame, &m.frame);
    encode(&m, &bytes);
    assert_ok(iw_wire_set_seq(bytes.data, bytes.size, IW_SEQ_MAX, &err), err);
    assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
    assert_ok(iw_wire_set_seq(bytes.data, bytes.size, IW_SEQ_MAX + 1, &err), err);
    assert_int_equal(iw_wire_decode(bytes.data, bytes.size, &m, &err), IW_PROTOCOL);
    assert_non_null(strstr(err.text, "beyond any run"));
    iw_message_init(&m, IW_MSG_FRAME);
    iw_frame_view_of(&frame, &m.frame);
    m.frame.step = INT64_MIN;
    encode(&m, &bytes);
    assert_int_equal(iw_wire_decode(bytes.data, bytes.size, &m, &err), IW_PROTOCOL);
    assert_non_null(strstr(err.text, "'step'"));
    iw_message_init(&m, IW_MSG_WELCOME);
    m.seq = UINT64_MAX;
    encode(&m, &bytes);
    assert_int_equal(iw_wire_decode(bytes.data, bytes.size, &m, &err), IW_PROTOCOL);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

static void
metadata_without_end_are_refused(void **state)
{
    (void)state;
    iw_run_info run, back;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    char key[16];
    make_run(&run);
    iw_run_info_init(&back);
    iw_message_init(&m, IW_MSG_HELLO);
    memcpy(m.run_id, run_id, sizeof run_id);
    m.run = &run;
    while (run.n_metadata <= IW_MAX_METADATA) {
        encode(&m, &bytes);
        m.run = &back;
        assert_ok(iw_wire_decode(bytes.data, bytes.size, &m, &err), err);
        m.run = &run;
        size_t more = run.n_metadata < 2 ? IW_MAX_METADATA : IW_MAX_METADATA + 1;
        while (run.n_metadata < more) {
            (void)snprintf(key, sizeof key, "key %zu", run.n_metadata);
            assert_ok(iw_run_info_set_metadata(&run, key, "", &err), err);
        }
    }
    encode(&m, &bytes);
    m.run = &back;
    assert_int_equal(iw_wire_decode(bytes.data, bytes.size, &m, &err), IW_PROTOCOL);
    assert_non_null(strstr(err.text, "1001 pairs of metadata"));
    iw_run_info_fini(&run);
    iw_run_info_fini(&back);
    iw_buffer_fini(&bytes);
}

/* Bytes are copied to a block of their exact size, so that a sanitizer sees a read beyond it. */
static iw_status
decode_exact(const unsigned char *data, size_t size, iw_run_info *run, iw_error *err)
{
    unsigned char *copy = malloc(size ? size : 1);
    iw_message m;
    assert_non_null(copy);
    memcpy(copy, data, size);
    iw_message_init(&m, IW_MSG_PING);
    m.run = run;
    iw_status status = iw_wire_decode(copy, size, &m, err);
    free(copy);
    return status;
}

static void
every_truncation_is_refused(void **state)
{
    (void)state;
    iw_run_info run;
    iw_run_info back;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_error err;
    make_run(&run);
    make_frame(&frame, 5);
    iw_run_info_init(&back);
    for (int type = IW_MSG_HELLO; type <= IW_MSG_ANSWER; type++) {
        assert_int_equal(encode_sample((iw_msg_type)type, &run, &frame, &bytes), IW_OK);
        for (size_t size = 0; size < bytes.size; size++)
            assert_int_equal(decode_exact(bytes.data, size, &back, &err), IW_PROTOCOL);
        assert_ok(iw_buffer_append(&bytes, "\xc0", 1, &err), err);
        assert_int_equal(decode_exact(bytes.data, bytes.size, &back, &err), IW_PROTOCOL);
    }
    iw_run_info_fini(&run);
    iw_run_info_fini(&back);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

/* Whatever a byte is changed to, decoding ends with a status and stays in its bytes. */
static void
no_changed_byte_does_harm(void **state)
{
    (void)state;
    const unsigned char values[] = {0x00, 0x7f, 0x81, 0x9f, 0xbf, 0xc0, 0xc1, 0xc6, 0xc9,
                                    0xcb, 0xcf, 0xd3, 0xd8, 0xdb, 0xdd, 0xdf, 0xff};
    iw_run_info run;
    iw_run_info back;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_error err;
    make_run(&run);
    make_frame(&frame, 5);
    iw_run_info_init(&back);
    for (int type = IW_MSG_HELLO; type <= IW_MSG_ANSWER; type++) {
        assert_int_equal(encode_sample((iw_msg_type)type, &run, &frame, &bytes), IW_OK);
        for (size_t at = 0; at < bytes.size; at++) {
            unsigned char old = bytes.data[at];
            for (size_t k = 0; k < sizeof values; k++) {
                bytes.data[at] = values[k];
                iw_status status = decode_exact(bytes.data, bytes.size, &back, &err);
                assert_true(status == IW_OK || status == IW_PROTOCOL || status == IW_UNSUPPORTED);
            }
            bytes.data[at] = old;
        }
    }
    iw_run_info_fini(&run);
    iw_run_info_fini(&back);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

static void
decode_refuses_a_count_beyond_the_buffer(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[12];
        size_t size;
    } bombs[] = {
        {{0xdf, 0xff, 0xff, 0xff, 0xff}, 5},                     /* map of 2^32 - 1 */
        {{0xdd, 0xff, 0xff, 0xff, 0xff}, 5},                     /* array */
        {{0x81, 0xa1, 'x', 0xdd, 0x7f, 0xff, 0xff, 0xff}, 8},    /* array in a map */
        {{0x81, 0xa1, 'x', 0xc6, 0x7f, 0xff, 0xff, 0xff}, 8},    /* bytes */
        {{0x81, 0xdb, 0x7f, 0xff, 0xff, 0xff}, 6},               /* text as key */
        {{0x81, 0xa1, 'x', 0xc9, 0xff, 0xff, 0xff, 0xff, 1}, 9}, /* extension */
        {{0x82, 0xa1, 'x', 0xc0}, 4},
    };
    iw_error err;
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++)
        assert_int_equal(decode_exact(bombs[i].bytes, bombs[i].size, NULL, &err), IW_PROTOCOL);
}

static void
decode_refuses_deep_nesting(void **state)
{
    (void)state;
    unsigned char bytes[20] = {0x82, 0xa4, 't', 'y', 'p', 'e', IW_MSG_PING, 0xa1, 'x'};
    iw_error err;
    memset(bytes + 9, 0x91, 8); /* seven arrays are values of x's array: allowed */
    bytes[16] = 0x01;
    assert_ok(decode_exact(bytes, 17, NULL, &err), err);
    memset(bytes + 9, 0x91, 10);
    bytes[18] = 0x01;
    assert_int_equal(decode_exact(bytes, 19, NULL, &err), IW_PROTOCOL);
    assert_non_null(strstr(err.text, "nested deeper"));
}

static void
unknown_keys_are_skipped(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x84, 0xa1, 'z',  0x92, 0x01,       0x81, 0xa1, 'q', 0xc3, 0xa4,
                                   't',  'y',  'p',  'e',  IW_MSG_ACK, 0xa3, 's',  'e', 'q',  0x2a,
                                   0xa1, 'e',  0xd6, 0x05, 1,          2,    3,    4};
    iw_message m;
    iw_error err;
    iw_message_init(&m, IW_MSG_PING);
    assert_ok(iw_wire_decode(bytes, sizeof bytes, &m, &err), err);
    assert_int_equal(m.type, IW_MSG_ACK);
    assert_int_equal(m.seq, 42);
}

static void
another_version_is_unsupported_not_broken(void **state)
{
    (void)state;
    /* A HELLO of version 2 whose other fields this version would refuse. */
    const unsigned char bytes[] = {0x83, 0xa6, 'r', 'u', 'n', '_', 'i',          'd',
                                   0x05, 0xa4, 't', 'y', 'p', 'e', IW_MSG_HELLO, 0xa7,
                                   'v',  'e',  'r', 's', 'i', 'o', 'n',          0x02};
    iw_message m;
    iw_error err;
    iw_message_init(&m, IW_MSG_PING);
    assert_int_equal(iw_wire_decode(bytes, sizeof bytes, &m, &err), IW_UNSUPPORTED);
    assert_int_equal(m.type, IW_MSG_HELLO);
    assert_int_equal(m.version, 2);
    assert_string_equal(err.text, "HELLO speaks protocol version 2, this is version 1");
}

static void
text_that_is_not_utf8_is_refused_and_never_sent(void **state)
{
    (void)state;
    const unsigned char bytes[] = {0x83, 0xa4, 't', 'y', 'p', 'e', IW_MSG_BYE, 0xa3, 's',  'e', 'q',
                                   0x01, 0xa6, 'r', 'e', 'a', 's', 'o',        'n',  0xa1, 0xe9};
    iw_message m;
    iw_buffer out = {0};
    iw_error err;
    assert_int_equal(decode_exact(bytes, sizeof bytes, NULL, &err), IW_PROTOCOL);
    iw_message_init(&m, IW_MSG_BYE);
    (void)snprintf(m.text, sizeof m.text, "stopp\xe9 \xed\xa0\x80 \xc3\xa9");
    encode(&m, &out);
    assert_ok(iw_wire_decode(out.data, out.size, &m, &err), err);
    assert_string_equal(m.text, "stopp? ??? \xc3\xa9");
    iw_buffer_fini(&out);
}

static void
a_species_that_would_steer_a_terminal_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"X\x1b[2J", "X\xc2\x9b", "X\n"};
    iw_run_info run, back;
    iw_frame frame;
    iw_buffer bytes = {0};
    iw_message m;
    iw_error err;
    make_run(&run);
    make_frame(&frame, 5);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(run.species[1], sizeof run.species[1], "%s", names[i]);
        iw_run_info_init(&back);
        assert_int_equal(encode_sample(IW_MSG_HELLO, &run, &frame, &bytes), IW_OK);
        iw_message_init(&m, IW_MSG_HELLO);
        m.run = &back;
        assert_int_equal(iw_wire_decode(bytes.data, bytes.size, &m, &err), IW_PROTOCOL);
        assert_non_null(strstr(err.text, "the name of species 1 has control characters"));
        iw_run_info_fini(&back);
    }
    iw_run_info_fini(&run);
    iw_frame_fini(&frame);
    iw_buffer_fini(&bytes);
}

static void
what_a_message_lacks_is_named(void **state)
{
    (void)state;
    const unsigned char ack[] = {0x81, 0xa4, 't', 'y', 'p', 'e', IW_MSG_ACK};
    iw_message m;
    iw_buffer out = {0};
    iw_error err;
    assert_int_equal(decode_exact(ack, sizeof ack, NULL, &err), IW_PROTOCOL);
    assert_string_equal(err.text, "ACK has no 'seq'");
    iw_message_init(&m, IW_MSG_HELLO);
    assert_int_equal(iw_wire_encode(&m, &out, &err), IW_INVALID);
    assert_string_equal(err.text, "HELLO lacks 'run_id'");
    memcpy(m.run_id, "not a UUID", 11);
    assert_int_equal(iw_wire_encode(&m, &out, &err), IW_INVALID);
    memcpy(m.run_id, run_id, sizeof run_id);
    assert_int_equal(iw_wire_encode(&m, &out, &err), IW_INVALID);
    iw_message_init(&m, IW_MSG_FRAME);
    assert_int_equal(iw_wire_encode(&m, &out, &err), IW_INVALID);
    m.type = (iw_msg_type)99;
    assert_int_equal(iw_wire_encode(&m, &out, &err), IW_INVALID);
    assert_int_equal(out.size, 0);
    iw_buffer_fini(&out);
}

static void
a_frame_that_is_not_finite_is_named_by_atom(void **state)
{
    (void)state;
    iw_frame frame;
    iw_frame_view view;
    iw_error err;
    make_frame(&frame, 9);
    iw_frame_view_of(&frame, &view);
    assert_ok(iw_frame_view_check(&view, &err), err);
    frame.pos_A[3 * 7 + 1] = (double)INFINITY;
    assert_int_equal(iw_frame_view_check(&view, &err), IW_INVALID);
    assert_string_equal(err.text, "position of atom 7 is not finite: y is inf");
    frame.pos_A[3 * 7 + 1] = 1.7976931348623157e308;
    assert_ok(iw_frame_view_check(&view, &err), err);
    frame.vel_A_fs[2] = (double)NAN;
    assert_int_equal(iw_frame_view_check(&view, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "velocity of atom 0"));
    frame.vel_A_fs[2] = 0.0;
    for (int i = 0; i < 3; i++)
        view.cell_A[6 + i] = view.cell_A[i] + view.cell_A[3 + i];
    assert_int_equal(iw_frame_view_check(&view, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "cell is singular"));
    view.cell_A[4] = (double)NAN;
    assert_int_equal(iw_frame_view_check(&view, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "cell vector b"));
    iw_frame_fini(&frame);
}

static void
a_float_that_is_not_finite_is_named_by_atom(void **state)
{
    (void)state;
    float pos[30] = {0};
    iw_frame_view view = {.n_atoms = 10, .pos_is_f32 = true, .pos = pos};
    iw_error err;
    pos[29] = 3.4028234e38F;
    assert_ok(iw_frame_view_check(&view, &err), err);
    pos[29] = -INFINITY;
    assert_int_equal(iw_frame_view_check(&view, &err), IW_INVALID);
    assert_string_equal(err.text, "position of atom 9 is not finite: z is -inf");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_comes_back_as_it_was),
        cmocka_unit_test(hello_carries_the_whole_run),
        cmocka_unit_test(a_frame_keeps_every_bit),
        cmocka_unit_test(a_frame_of_floats_stays_one),
        cmocka_unit_test(a_frame_gets_another_number_in_place),
        cmocka_unit_test(a_number_beyond_any_run_is_refused),
        cmocka_unit_test(metadata_without_end_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(no_changed_byte_does_harm),
        cmocka_unit_test(decode_refuses_a_count_beyond_the_buffer),
        cmocka_unit_test(decode_refuses_deep_nesting),
        cmocka_unit_test(unknown_keys_are_skipped),
        cmocka_unit_test(another_version_is_unsupported_not_broken),
        cmocka_unit_test(text_that_is_not_utf8_is_refused_and_never_sent),
        cmocka_unit_test(a_species_that_would_steer_a_terminal_is_refused),
        cmocka_unit_test(what_a_message_lacks_is_named),
        cmocka_unit_test(a_frame_that_is_not_finite_is_named_by_atom),
        cmocka_unit_test(a_float_that_is_not_finite_is_named_by_atom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
