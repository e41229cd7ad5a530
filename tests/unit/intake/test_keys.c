/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The authorised-keys file, and how often a refusal is logged. */
#include "iw_test.h"

#include "intake/keys.h"
#include "intake/notices.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANNA "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define BOB  "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"

static iw_status
parse(iw_keys *keys, const char *text, iw_error *err)
{
    return iw_keys_parse(keys, "file", text, strlen(text), err);
}

static void
keys_are_found_with_roles_and_names(void **state)
{
    (void)state;
    iw_keys keys = {0};
    iw_error err;
    assert_ok(parse(&keys,
                    "# who may come in\n\n  " BOB "\tread  bob@lab\r\n" ANNA
                    " stream,read,control anna",
                    &err),
              err);
    assert_int_equal(keys.n, 2);
    const iw_authorised *anna = iw_keys_find(&keys, ANNA);
    const iw_authorised *bob = iw_keys_find(&keys, BOB);
    assert_non_null(anna);
    assert_non_null(bob);
    assert_string_equal(anna->name, "anna");
    assert_int_equal(anna->roles, IW_ROLE_STREAM | IW_ROLE_READ | IW_ROLE_CONTROL);
    assert_string_equal(bob->name, "bob@lab");
    assert_int_equal(bob->roles, IW_ROLE_READ);
    assert_null(iw_keys_find(&keys, "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf8"));
    assert_null(iw_keys_find(&keys, "rq:rM>"));
    assert_null(iw_keys_find(&keys, ""));
    iw_keys_fini(&keys);
}

static void
one_person_may_have_two_keys(void **state)
{
    (void)state;
    iw_keys keys = {0};
    iw_error err;
    assert_ok(parse(&keys, ANNA " read anna\n" BOB " stream anna\n", &err), err);
    assert_string_equal(iw_keys_find(&keys, ANNA)->name, iw_keys_find(&keys, BOB)->name);
    iw_keys_fini(&keys);
}

static void
file_without_keys_lets_nobody_in(void **state)
{
    (void)state;
    iw_keys keys = {0};
    iw_error err;
    assert_ok(parse(&keys, "", &err), err);
    assert_ok(parse(&keys, "# " ANNA " read anna\n#\n", &err), err);
    assert_int_equal(keys.n, 0);
    assert_null(iw_keys_find(&keys, ANNA));
    iw_keys_fini(&keys);
}

static void
wrong_line_is_refused_with_its_number_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"# one\nhello read bob\n", "file:2: \"PUBLIC-KEY ROLES NAME\""},
        {ANNA " read anna\n" BOB "x read bob\n", "file:2: \"PUBLIC-KEY ROLES NAME\""},
        {"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]y\"7 read bob", "of 40 characters of Z85"},
        {ANNA " write anna\n", "file:1: \"write\" is no role"},
        {ANNA " read,,stream anna\n", "\"\" is no role"},
        {ANNA " read, anna\n", "\"\" is no role"},
        {ANNA " READ anna\n", "\"READ\" is no role"},
        {ANNA "\n", "\"\" is no role"},
        {ANNA " read\n", "a name of 1 to 63"},
        {ANNA " read an\x1bna\n", "a name of 1 to 63"},
        {ANNA " read "
              "0123456789012345678901234567890123456789012345678901234567890123\n",
         "a name of 1 to 63"},
        {ANNA " read anna too\n", "file:1: nothing may follow the name"},
        {ANNA " read anna\n" ANNA " read bob\n", "is there twice"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        iw_keys keys = {0};
        iw_error err;
        assert_int_equal(parse(&keys, wrong[i].text, &err), IW_INVALID);
        assert_non_null(strstr(err.text, wrong[i].says));
        assert_null(keys.items);
    }
}

static void
zero_byte_is_no_end_of_the_file(void **state)
{
    (void)state;
    static const char text[] = ANNA " read anna\n\0\nmore";
    iw_keys keys = {0};
    iw_error err;
    assert_int_equal(iw_keys_parse(&keys, "file", text, sizeof text - 1, &err), IW_INVALID);
}

static void
too_many_keys_are_refused(void **state)
{
    (void)state;
    char *text = malloc((IW_KEYS_MOST + 1) * 64);
    size_t used = 0;
    iw_keys keys = {0};
    iw_error err;
    assert_non_null(text);
    for (int i = 0; i <= IW_KEYS_MOST; i++)
        used += (size_t)sprintf(text + used, "%040d read n%d\n", i, i);
    assert_int_equal(iw_keys_parse(&keys, "file", text, used, &err), IW_INVALID);
    assert_non_null(strstr(err.text, "at most 4096 keys"));
    free(text);
}

static void
write_file(const char *path, mode_t mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_true(write(file, ANNA " read anna\n", strlen(ANNA) + 11) > 0);
    assert_int_equal(fchmod(file, mode), 0);
    (void)close(file);
}

static void
file_that_others_can_write_is_refused(void **state)
{
    (void)state;
    char path[] = "/tmp/iw-keys-XXXXXX";
    iw_keys keys = {0};
    iw_error err;
    int file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
    static const mode_t open_to_others[] = {0620, 0602, 0666};
    for (size_t i = 0; i < 3; i++) {
        write_file(path, open_to_others[i]);
        assert_int_equal(iw_keys_load(&keys, path, &err), IW_REFUSED);
        assert_non_null(strstr(err.text, "chmod 600"));
    }
    write_file(path, 0644); /* public keys are no secret */
    assert_ok(iw_keys_load(&keys, path, &err), err);
    assert_int_equal(keys.n, 1);
    iw_keys_fini(&keys);
    (void)unlink(path);
    assert_int_equal(iw_keys_load(&keys, path, &err), IW_NOT_FOUND);
    assert_int_equal(iw_keys_load(&keys, "/dev/null", &err), IW_INVALID);
    assert_int_equal(iw_keys_load(&keys, "/tmp", &err), IW_INVALID);
}

static void
same_refusal_is_logged_once_in_ten_minutes(void **state)
{
    (void)state;
    static iw_notices notices;
    uint64_t silent = 9;
    memset(&notices, 0, sizeof notices);
    assert_true(iw_notice(&notices, "10.0.0.1", "key", 0, &silent));
    assert_int_equal(silent, 0);
    for (int i = 0; i < 100; i++)
        assert_false(iw_notice(&notices, "10.0.0.1", "key", i, &silent));
    assert_true(iw_notice(&notices, "10.0.0.1", "role", 100, &silent));
    assert_int_equal(silent, 100);
    assert_true(iw_notice(&notices, "10.0.0.2", "key", 101, &silent));
    assert_true(iw_notice(&notices, "10.0.0.1", "key", 601, &silent));
    assert_int_equal(silent, 0);
}

static void
many_strangers_do_not_fill_the_log(void **state)
{
    (void)state;
    static iw_notices notices;
    uint64_t silent, lines = 0, unsaid = 0;
    memset(&notices, 0, sizeof notices);
    for (int i = 0; i < 60000; i++) { /* a thousand a second, for a minute */
        char who[32];
        (void)snprintf(who, sizeof who, "10.0.%d.%d", i / 256, i % 256);
        if (iw_notice(&notices, who, "key", i / 1000.0, &silent)) {
            lines++;
            unsaid += silent;
        }
    }
    assert_int_equal(lines, IW_NOTICES_A_MINUTE);
    assert_true(iw_notice(&notices, "after", "key", 61, &silent));
    assert_int_equal(lines + unsaid + silent, 60000);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_with_roles_and_names),
        cmocka_unit_test(one_person_may_have_two_keys),
        cmocka_unit_test(file_without_keys_lets_nobody_in),
        cmocka_unit_test(wrong_line_is_refused_with_its_number_and_changes_nothing),
        cmocka_unit_test(zero_byte_is_no_end_of_the_file),
        cmocka_unit_test(too_many_keys_are_refused),
        cmocka_unit_test(file_that_others_can_write_is_refused),
        cmocka_unit_test(same_refusal_is_logged_once_in_ten_minutes),
        cmocka_unit_test(many_strangers_do_not_fill_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
