/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/protocol.md against the code: its tables hold every field, and its bytes are ours. */
#include "iw_test.h"

#include "framelog.h"
#include "wire_field.h"

#include <unistd.h>

static char *page;

static int
read_page(void **state)
{
    (void)state;
    FILE *file = fopen(IONWATCH_SOURCE_DIR "/docs/protocol.md", "r");
    if (!file)
        return -1;
    page = calloc(1, 1 << 20);
    size_t size = page ? fread(page, 1, (1 << 20) - 1, file) : 0;
    (void)fclose(file);
    return size > 0 ? 0 : -1;
}

static int
free_page(void **state)
{
    (void)state;
    free(page);
    return 0;
}

/* The bytes of the block "```hex NAME" in the page. */
static void
hex_block(const char *name, iw_buffer *out)
{
    char head[40];
    iw_error err;
    (void)snprintf(head, sizeof head, "```hex %s\n", name);
    const char *at = strstr(page, head);
    if (!at) {
        print_error("no block '%s'", head);
        fail();
        return;
    }
    at += strlen(head);
    iw_buffer_clear(out);
    while (*at != '`') {
        char *end;
        unsigned char byte = (unsigned char)strtoul(at, &end, 16);
        assert_ptr_equal(end, at + 2);
        assert_ok(iw_buffer_append(out, &byte, 1, &err), err);
        at = end + strspn(end, " \n");
    }
}

static void
every_message_on_the_page_is_what_the_code_writes(void **state)
{
    (void)state;
    iw_buffer shown = {0};
    iw_buffer written = {0};
    iw_run_info run;
    iw_error err;
    iw_run_info_init(&run);
    for (int type = IW_MSG_HELLO; type <= IW_MSG_ANSWER; type++) {
        iw_message message;
        hex_block(iw_msg_type_name((uint64_t)type), &shown);
        iw_message_init(&message, IW_MSG_PING);
        message.run = &run;
        assert_ok(iw_wire_decode(shown.data, shown.size, &message, &err), err);
        assert_int_equal(message.type, type);
        iw_buffer_clear(&written);
        assert_ok(iw_wire_encode(&message, &written, &err), err);
        assert_int_equal(written.size, shown.size);
        assert_memory_equal(written.data, shown.data, shown.size);
    }
    iw_run_info_fini(&run);
    iw_buffer_fini(&shown);
    iw_buffer_fini(&written);
}

static void
the_values_on_the_page_are_in_the_bytes(void **state)
{
    (void)state;
    iw_buffer shown = {0};
    iw_run_info run;
    iw_message message;
    iw_error err;
    float x[6];
    iw_run_info_init(&run);
    hex_block("HELLO", &shown);
    iw_message_init(&message, IW_MSG_PING);
    message.run = &run;
    assert_ok(iw_wire_decode(shown.data, shown.size, &message, &err), err);
    assert_int_equal(run.n_atoms, 2);
    assert_string_equal(run.species[0], "Li");
    assert_string_equal(run.species[1], "Cl");
    assert_close(run.timestep_fs, 2.0, 0, 0);
    assert_close(run.temperature_K, 600.0, 0, 0);
    assert_int_equal(run.stride, 5);
    hex_block("FRAME", &shown);
    assert_ok(iw_wire_decode(shown.data, shown.size, &message, &err), err);
    assert_int_equal(message.frame.step, 5);
    assert_close(message.frame.time_fs, 10.0, 0, 0);
    assert_close(message.frame.cell_A[4], 6.0, 0, 0);
    assert_true(message.frame.pos_is_f32);
    memcpy(x, message.frame.pos, sizeof x);
    assert_close((double)x[0], 0.5, 0, 0);
    iw_run_info_fini(&run);
    iw_buffer_fini(&shown);
}

static void
every_field_of_the_code_is_on_the_page(void **state)
{
    (void)state;
    static const char *const arrays[] = {"pos_A_f32", "pos_A_f64", "vel_A_fs_f32", "vel_A_fs_f64",
                                         "kind",      "mass_amu",  "charge_e"};
    for (size_t i = 0; i < iw_wire_n_fields; i++) {
        char text[80];
        (void)snprintf(text, sizeof text, "\n### %s\n", iw_msg_type_name(iw_wire_fields[i].type));
        const char *section = strstr(page, text);
        assert_non_null(section);
        const char *end = strstr(section, "```");
        (void)snprintf(text, sizeof text, "\n| `%s` |", iw_wire_fields[i].key);
        const char *row = strstr(section, text);
        if (!row || row > end) {
            print_error("section %s has no row for '%s'\n",
                        iw_msg_type_name(iw_wire_fields[i].type), iw_wire_fields[i].key);
            fail();
        }
    }
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        assert_non_null(strstr(page, arrays[i]));
}

static void
the_log_on_the_page_is_one_that_the_code_reads(void **state)
{
    (void)state;
    char path[] = "/tmp/ionwatch-test-XXXXXX";
    iw_buffer shown = {0};
    iw_framelog_record record;
    iw_message message;
    iw_error err;
    int fd = mkstemp(path);
    hex_block("framelog", &shown);
    assert_int_equal(write(fd, shown.data, shown.size), shown.size);
    (void)close(fd);
    iw_framelog_reader *reader = iw_framelog_reader_open(path, &err);
    assert_non_null(reader);
    assert_ok(iw_framelog_next(reader, &record, &err), err);
    assert_int_equal(record.kind, IW_MSG_ACK);
    iw_message_init(&message, IW_MSG_PING);
    assert_ok(iw_wire_decode(record.data, record.size, &message, &err), err);
    assert_int_equal(message.seq, 1);
    assert_int_equal(iw_framelog_next(reader, &record, &err), IW_END);
    iw_framelog_reader_close(&reader);
    (void)unlink(path);
    iw_buffer_fini(&shown);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_on_the_page_is_what_the_code_writes),
        cmocka_unit_test(the_values_on_the_page_are_in_the_bytes),
        cmocka_unit_test(every_field_of_the_code_is_on_the_page),
        cmocka_unit_test(the_log_on_the_page_is_one_that_the_code_reads),
    };
    return cmocka_run_group_tests(tests, read_page, free_page);
}
