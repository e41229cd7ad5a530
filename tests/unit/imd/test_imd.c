/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of IMD version 3 (adapters/imd/imd.c) and their units. */
#include "adapters/imd/imd.h"
#include "adapters/imd/units.h"
#include "iw_test.h"

enum { ATOMS = 3, MOST = 4096 };

/* An engine's bytes, put together one by one. */
typedef struct {
    unsigned char data[MOST];
    size_t n;
    bool big; /* byte order of the bodies */
} wire;

static void
put(wire *self, const void *value, size_t size, bool big)
{
    for (size_t i = 0; i < size; i++) /* tests run on little-endian machines */
        self->data[self->n + i] = ((const unsigned char *)value)[big ? size - 1 - i : i];
    self->n += size;
}

static void
put_header(wire *self, int32_t kind, int32_t count)
{
    put(self, &kind, 4, true);
    put(self, &count, 4, true);
}

static void
put_greeting(wire *self, unsigned flags)
{
    int32_t kind = 4, version = 3;
    put(self, &kind, 4, true);
    put(self, &version, 4, self->big);
    put_header(self, 10, 7);
    for (unsigned i = 0; i < 7; i++)
        self->data[self->n++] = flags >> i & 1U ? 1 : 0;
}

static void
put_floats(wire *self, float first, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float value = first + 0.25F * (float)i;
        put(self, &value, sizeof value, self->big);
    }
}

/* Bits of flags as the session has them: time, energies, box, coordinates, wrapped, ... */
static void
put_frame(wire *self, unsigned flags, int64_t step)
{
    double dt = 0.002, time = 0.002 * (double)step;
    int32_t short_step = (int32_t)step;
    float base = (float)step;
    if (flags & 1U) {
        put_header(self, 12, 1);
        put(self, &dt, 8, self->big);
        put(self, &time, 8, self->big);
        put(self, &step, 8, self->big);
    }
    if (flags & 2U) {
        put_header(self, 1, 1);
        put(self, &short_step, 4, self->big);
        put_floats(self, base + 300.0F, 9);
    }
    static const struct {
        unsigned flag;
        int32_t kind;
        float first;
    } vectors[] = {{8U, 2, 1.0F}, {32U, 14, 2.0F}, {64U, 15, 3.0F}};
    if (flags & 4U) {
        put_header(self, 13, 1);
        put_floats(self, base + 7.0F, 9);
    }
    for (size_t i = 0; i < 3; i++) {
        if (!(flags & vectors[i].flag))
            continue;
        put_header(self, vectors[i].kind, ATOMS);
        put_floats(self, base + vectors[i].first, 3 * (size_t)ATOMS);
    }
}

static void
assert_floats(const float *at, float first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_true(at[i] == first + 0.25F * (float)i);
}

static void
assert_frame(const iw_imd *engine, unsigned flags, int64_t step)
{
    const iw_imd_frame *frame = iw_imd_frame_of(engine);
    float base = (float)step;
    assert_int_equal(frame->step, flags & 3U ? step : 0);
    assert_true(frame->dt == (flags & 1U ? 0.002 : 0.0));
    assert_true(frame->time == (flags & 1U ? 0.002 * (double)step : 0.0));
    assert_true(frame->temperature_K == (flags & 2U ? base + 300.0F : 0.0F));
    assert_true(frame->total_energy == (flags & 2U ? base + 300.25F : 0.0F));
    assert_true(frame->potential_energy == (flags & 2U ? base + 300.5F : 0.0F));
    if (flags & 4U)
        assert_floats(frame->box, base + 7.0F, 9);
    assert_int_equal(frame->positions != NULL, (flags & 8U) != 0);
    assert_int_equal(frame->velocities != NULL, (flags & 32U) != 0);
    if (flags & 8U)
        assert_floats(frame->positions, base + 1.0F, 3 * (size_t)ATOMS);
    if (flags & 32U)
        assert_floats(frame->velocities, base + 2.0F, 3 * (size_t)ATOMS);
}

/* Hands bytes over in pieces of at most `most`; counts frames, which are as put_frame made them. */
static iw_status
feed(iw_imd *engine, const wire *from, size_t most, unsigned flags, int64_t *frames, iw_error *err)
{
    size_t at = 0;
    iw_status status = IW_OK;
    *frames = 0;
    while (at < from->n && status == IW_OK) {
        size_t size;
        iw_imd_event event;
        void *room = iw_imd_room(engine, &size);
        assert_true(size > 0);
        size = size < most ? size : most;
        size = size < from->n - at ? size : from->n - at;
        memcpy(room, from->data + at, size);
        at += size;
        status = iw_imd_took(engine, size, &event, err);
        if (status == IW_OK && event == IW_IMD_FRAMED)
            assert_frame(engine, flags, 10 * ++*frames);
        if (event == IW_IMD_GREETED)
            assert_int_equal(at, 23);
    }
    return status;
}

static void
every_set_of_packets_is_read_in_both_byte_orders_and_any_pieces(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 2, 3, 5, 8, 13, 40, 100, MOST};
    for (unsigned flags = 1; flags < 128; flags++) {
        for (unsigned big = 0; big < 2; big++) {
            wire bytes = {.big = big == 1};
            put_greeting(&bytes, flags);
            for (int64_t i = 1; i <= 4; i++)
                put_frame(&bytes, flags, 10 * i);
            if (!(flags & ~16U)) /* the flag of wrapping alone is a session without frames */
                continue;
            for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
                iw_error err = {0};
                int64_t frames = 0;
                iw_imd *engine = iw_imd_new(ATOMS, &err);
                assert_ok(feed(engine, &bytes, pieces[p], flags, &frames, &err), err);
                assert_int_equal(frames, 4);
                assert_int_equal(iw_imd_is_swapped(engine), big);
                assert_int_equal(iw_imd_frame_bytes(engine), (bytes.n - 23) / 4);
                assert_int_equal(iw_imd_session_of(engine)->wrapped, (flags & 16U) != 0);
                assert_false(iw_imd_within_frame(engine));
                iw_imd_destroy(&engine);
                assert_null(engine);
            }
        }
    }
}

static void
documented_bytes_are_ours(void **state)
{
    (void)state;
    static const unsigned char go[] = {0, 0, 0, 3, 0, 0, 0, 0}, wait[] = {0, 0, 0, 16, 0, 0, 0, 1};
    unsigned char bytes[IW_IMD_HEADER];
    iw_imd_header(bytes, IW_IMD_GO, 0);
    assert_memory_equal(bytes, go, sizeof go);
    iw_imd_header(bytes, IW_IMD_WAIT, 1);
    assert_memory_equal(bytes, wait, sizeof wait);
    static const wire greeting = {
        .data = {0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 7, 1, 0, 1, 1, 0, 1, 0}, .n = 23};
    iw_error err = {0};
    int64_t frames = 0;
    iw_imd *engine = iw_imd_new(ATOMS, &err);
    assert_ok(feed(engine, &greeting, MOST, 0, &frames, &err), err);
    const iw_imd_session *session = iw_imd_session_of(engine);
    assert_true(session->time && session->box && session->coordinates && session->velocities);
    assert_false(session->energies || session->wrapped || session->forces);
    assert_int_equal(iw_imd_frame_bytes(engine), 8 + 24 + 8 + 36 + 2 * (8 + 36));
    iw_imd_destroy(&engine);
}

static void
assert_refused(const wire *bytes, iw_status code, const char *says)
{
    iw_error err = {0};
    int64_t frames = 0;
    iw_imd *engine = iw_imd_new(ATOMS, &err);
    for (size_t piece = 1; piece <= MOST; piece *= 4) {
        iw_imd_destroy(&engine);
        engine = iw_imd_new(ATOMS, &err);
        assert_int_equal(feed(engine, bytes, piece, 127, &frames, &err), code);
        if (!strstr(err.text, says))
            fail_msg("'%s' does not say '%s'", err.text, says);
        iw_imd_event event;
        assert_int_equal(iw_imd_took(engine, 0, &event, &err), code); /* an error stays */
    }
    iw_imd_destroy(&engine);
}

static void
what_cannot_be_is_refused_as_soon_as_its_header_is_there(void **state)
{
    (void)state;
    static const struct {
        int32_t kind, count;
        iw_status code;
        const char *says;
    } headers[] = {
        {2, 4, IW_INVALID, "coordinates of 4 atoms, but the topology has 3"},
        {2, 0, IW_INVALID, "coordinates of 0 atoms"},
        {14, INT32_MAX, IW_INVALID, "velocities of 2147483647 atoms"},
        {15, -1, IW_INVALID, "forces of 4294967295 atoms"},
        {12, 0, IW_PROTOCOL, "time with count 0, not 1"},
        {13, 9, IW_PROTOCOL, "box with count 9"},
        {1, -1, IW_PROTOCOL, "energies with count 4294967295"},
        {4, 3, IW_PROTOCOL, "packet 4 of count 3 within a frame"},
        {-5, 0, IW_PROTOCOL, "within a frame"},
        {17, 1, IW_PROTOCOL, "packet 17"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        wire bytes = {.n = 0};
        put_greeting(&bytes, 127);
        put_header(&bytes, headers[i].kind, headers[i].count);
        assert_refused(&bytes, headers[i].code, headers[i].says);
    }
    wire twice = {.n = 0};
    put_greeting(&twice, 127);
    put_frame(&twice, 4, 10);
    put_frame(&twice, 4, 10);
    assert_refused(&twice, IW_PROTOCOL, "box twice within a frame");
    wire unannounced = {.n = 0};
    put_greeting(&unannounced, 8);
    put_header(&unannounced, 13, 1);
    assert_refused(&unannounced, IW_PROTOCOL, "box, which the engine did not announce");
}

static void
other_versions_and_other_protocols_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        unsigned char bytes[8];
        iw_status code;
        bool engine;
        const char *says;
    } cases[] = {
        {{0, 0, 0, 4, 2, 0, 0, 0}, IW_UNSUPPORTED, true, "version 2"},
        {{0, 0, 0, 4, 0, 0, 0, 2}, IW_UNSUPPORTED, true, "version 2"},
        {{0, 0, 0, 4, 0, 0, 0, 4}, IW_UNSUPPORTED, true, "version 4; this program knows version 3"},
        {{0, 0, 0, 4, 3, 3, 0, 0}, IW_PROTOCOL, false, "no IMD engine"},
        {{4, 0, 0, 0, 3, 0, 0, 0}, IW_PROTOCOL, false, "no IMD engine"},
        {{'H', 'T', 'T', 'P', '/', '1', '.', '1'}, IW_PROTOCOL, false, "right port?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wire bytes = {.n = 8};
        memcpy(bytes.data, cases[i].bytes, 8);
        assert_refused(&bytes, cases[i].code, cases[i].says);
        iw_error err = {0};
        int64_t frames = 0;
        iw_imd *engine = iw_imd_new(ATOMS, &err);
        (void)feed(engine, &bytes, MOST, 0, &frames, &err);
        assert_int_equal(iw_imd_is_engine(engine), cases[i].engine);
        iw_imd_destroy(&engine);
    }
    wire none = {.n = 0};
    put_greeting(&none, 16);
    assert_refused(&none, IW_PROTOCOL, "without anything in them");
}

/* One lithium atom at 600 K: v^2 = 3 k T / m. */
static iw_status
check(const char *style, double dt, double velocity, iw_error *err)
{
    static const char *const species[] = {"Li"};
    iw_run_info run;
    iw_run_info_init(&run);
    assert_ok(iw_run_info_set_atoms(&run, 1, species, err), *err);
    float v[3] = {(float)velocity, 0.0F, 0.0F};
    iw_status status = iw_imd_check_units(&run, style, dt, v, err);
    iw_run_info_fini(&run);
    return status;
}

static void
a_mistaken_unit_style_is_refused_with_those_that_fit(void **state)
{
    (void)state;
    double v_A_fs = sqrt(3.0 * 600.0 * 8.314462618e-7 / 6.94); /* k in amu A^2 / fs^2 */
    iw_error err = {0};
    assert_ok(check("imd", 0.002, 1e3 * v_A_fs, &err), err);
    assert_ok(check("metal", 0.002, 1e3 * v_A_fs, &err), err);
    assert_ok(check("real", 2.0, v_A_fs, &err), err);
    assert_ok(check("electron", 0.5, v_A_fs / 0.529177210903, &err), err);
    assert_ok(check("imd", (double)NAN, 0.0, &err), err); /* it does not say */
    assert_int_equal(check("imd", 2.0, v_A_fs, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "2000 fs in units imd"));
    assert_non_null(strstr(err.text, "--units real (2 fs, 600 K)"));
    assert_null(strstr(err.text, "--units metal"));
    assert_int_equal(check("real", 5e-4, 1e3 * v_A_fs, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "--units imd (0.5 fs, 600 K), --units metal (0.5 fs, 600 K)"));
    assert_int_equal(check("imd", 2e-15, 1e5 * v_A_fs, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "--units si (2 fs, 600 K)"));
    assert_int_equal(check("imd", -1.0, v_A_fs, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "which units does the engine count in"));
    assert_int_equal(check("parsec", 1.0, v_A_fs, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "--units parsec"));
}

static void
more_atoms_than_there_can_be_are_no_memory(void **state)
{
    (void)state;
    iw_error err = {0};
    assert_null(iw_imd_new(SIZE_MAX / 2, &err));
    assert_int_equal(err.code, IW_NO_MEMORY);
    iw_imd *none = NULL;
    iw_imd_destroy(&none);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set_of_packets_is_read_in_both_byte_orders_and_any_pieces),
        cmocka_unit_test(documented_bytes_are_ours),
        cmocka_unit_test(what_cannot_be_is_refused_as_soon_as_its_header_is_there),
        cmocka_unit_test(other_versions_and_other_protocols_are_told_apart),
        cmocka_unit_test(a_mistaken_unit_style_is_refused_with_those_that_fit),
        cmocka_unit_test(more_atoms_than_there_can_be_are_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
