/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "iw_test.h"

#include "buffer.h"
#include "wire.h"

#include <sys/stat.h>
#include <unistd.h>

static void
species_are_numbered_in_order_of_appearance(void **state)
{
    (void)state;
    const char *const names[] = {"Li", "P", "Li", "S", "P"};
    const uint16_t kinds[] = {0, 1, 0, 2, 1};
    iw_run_info run;
    iw_error err;
    iw_run_info_init(&run);
    assert_ok(iw_run_info_set_atoms(&run, 5, names, &err), err);
    assert_int_equal(run.n_species, 3);
    assert_string_equal(run.species[2], "S");
    assert_memory_equal(run.kind, kinds, sizeof kinds);
    assert_close(run.mass_amu[0], 6.94, 0, 0);
    iw_run_info_fini(&run);
}

static void
species_names_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const char *const empty[] = {"Li", ""};
    const char *const lengthy[] = {"a name of sixteen"};
    iw_run_info run;
    iw_error err;
    iw_run_info_init(&run);
    assert_int_equal(iw_run_info_set_atoms(&run, 2, empty, &err), IW_INVALID);
    assert_string_equal(err.text, "atom 1 has no species name");
    assert_int_equal(iw_run_info_set_atoms(&run, 1, lengthy, &err), IW_INVALID);
    assert_int_equal(iw_run_info_set_atoms(&run, 0, empty, &err), IW_INVALID);
    static const char *const odd[] = {"\xe9", "X\x1b[2J", "X\302\2332J", "X\n", "\x7f"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        assert_int_equal(iw_run_info_set_atoms(&run, 1, &odd[i], &err), IW_INVALID);
    assert_string_equal(err.text,
                        "atom 0: its species name is not UTF-8 or has control characters");
    static const char *const good[] = {"Li+", "\xc3\x85", "\xc2\xa0", "O_w 1"};
    assert_ok(iw_run_info_set_atoms(&run, 4, good, &err), err);
    iw_run_info_fini(&run);
}

static void
the_257th_species_is_refused(void **state)
{
    (void)state;
    char text[257][8];
    const char *names[257];
    iw_run_info run;
    iw_error err;
    for (int i = 0; i < 257; i++) {
        (void)snprintf(text[i], sizeof text[i], "t%d", i);
        names[i] = text[i];
    }
    iw_run_info_init(&run);
    assert_ok(iw_run_info_set_atoms(&run, 256, names, &err), err);
    assert_int_equal(run.n_species, 256);
    assert_string_equal(run.species[255], "t255");
    assert_int_equal(iw_run_info_set_atoms(&run, 257, names, &err), IW_INVALID);
    iw_run_info_fini(&run);
}

static void
a_copied_run_owns_everything(void **state)
{
    (void)state;
    const char *const names[] = {"Li", "Cl"};
    iw_run_info a;
    iw_run_info b;
    iw_error err;
    iw_run_info_init(&a);
    iw_run_info_init(&b);
    assert_ok(iw_run_info_set_atoms(&a, 2, names, &err), err);
    assert_ok(iw_run_info_set_metadata(&a, "queue", "long", &err), err);
    assert_ok(iw_run_info_set_metadata(&a, "user", "ada", &err), err);
    assert_ok(iw_run_info_set_metadata(&a, "queue", "short", &err), err);
    assert_ok(iw_run_info_copy(&b, &a, &err), err);
    iw_run_info_fini(&a);
    assert_int_equal(b.n_metadata, 2);
    assert_string_equal(iw_run_info_metadata(&b, "queue"), "short");
    assert_null(iw_run_info_metadata(&b, "account"));
    assert_string_equal(b.species[1], "Cl");
    assert_close(b.mass_amu[1], 35.45, 0, 0);
    iw_run_info_fini(&b);
}

static void
elements_from_hydrogen_to_oganesson_have_masses(void **state)
{
    (void)state;
    assert_close(iw_element_mass("H"), 1.0080, 0, 0);
    assert_close(iw_element_mass("Ge"), 72.630, 0, 0);
    assert_close(iw_element_mass("U"), 238.03, 0, 0);
    assert_close(iw_element_mass("Og"), 294, 0, 0);
    assert_true(isnan(iw_element_mass("li")));
    assert_true(isnan(iw_element_mass("Xx")));
    assert_true(isnan(iw_element_mass("")));
    assert_true(isnan(iw_element_mass(NULL)));
}

static void
new_ids_are_valid_and_differ(void **state)
{
    (void)state;
    char a[IW_ID_LENGTH + 1];
    char b[IW_ID_LENGTH + 1];
    iw_error err;
    assert_ok(iw_uuid_new(a, &err), err);
    assert_ok(iw_uuid_new(b, &err), err);
    assert_true(iw_uuid_valid(a));
    assert_int_equal(a[14], '4');
    assert_string_not_equal(a, b);
    assert_false(iw_uuid_valid("7F3C0000-0000-4000-8000-000000000000"));
    assert_false(iw_uuid_valid("7f3c0000-0000-4000-8000-00000000000"));
    assert_false(iw_uuid_valid("7f3c0000-0000-4000-8000-0000000000000"));
    assert_false(iw_uuid_valid(NULL));
}

static void
a_buffer_keeps_its_memory_when_cleared(void **state)
{
    (void)state;
    iw_buffer buffer = {0};
    iw_error err;
    char big[1000] = {1};
    assert_ok(iw_buffer_append(&buffer, big, sizeof big, &err), err);
    assert_ok(iw_buffer_append(&buffer, "xy", 2, &err), err);
    assert_int_equal(buffer.size, 1002);
    assert_memory_equal(buffer.data + 1000, "xy", 2);
    iw_buffer_clear(&buffer);
    assert_true(buffer.capacity >= 1002);
    assert_int_equal(iw_buffer_append(&buffer, big, SIZE_MAX - 1, &err), IW_NO_MEMORY);
    assert_int_equal(buffer.size, 0);
    iw_buffer_fini(&buffer);
}

static void
the_default_endpoint_follows_the_environment(void **state)
{
    (void)state;
    char text[200];
    char folder[] = "/tmp/ionwatch-test-XXXXXX";
    char expected[200];
    iw_error err;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("IONWATCH_ENDPOINT", "tcp://host:1", 1), 0);
    assert_ok(iw_default_endpoint(text, sizeof text, &err), err);
    assert_string_equal(text, "tcp://host:1");
    assert_int_equal(iw_default_endpoint(text, 4, &err), IW_INVALID);
    (void)unsetenv("IONWATCH_ENDPOINT");
    assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    assert_ok(iw_default_endpoint(text, sizeof text, &err), err);
    (void)snprintf(expected, sizeof expected, "ipc://%s/ionwatch.sock", folder);
    assert_string_equal(text, expected);
    (void)unsetenv("XDG_RUNTIME_DIR");
    assert_ok(iw_default_endpoint(text, sizeof text, &err), err);
    (void)snprintf(expected, sizeof expected, "/tmp/ionwatch-%u", (unsigned)geteuid());
    struct stat info;
    assert_int_equal(stat(expected, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
    (void)rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(species_are_numbered_in_order_of_appearance),
        cmocka_unit_test(species_names_that_do_not_fit_are_refused),
        cmocka_unit_test(the_257th_species_is_refused),
        cmocka_unit_test(a_copied_run_owns_everything),
        cmocka_unit_test(elements_from_hydrogen_to_oganesson_have_masses),
        cmocka_unit_test(new_ids_are_valid_and_differ),
        cmocka_unit_test(a_buffer_keeps_its_memory_when_cleared),
        cmocka_unit_test(the_default_endpoint_follows_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
