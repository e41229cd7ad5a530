/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key files, and which keys a client takes for which endpoint. */
#include "iw_test.h"

#include "curve.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

/* Of ZeroMQ RFC 32 and zmq_curve_keypair(3): a pair that belongs together. */
#define PUBLIC "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"
#define SECRET "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs"

static char folder[64];

static int
make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/iw-key-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)setenv("XDG_CONFIG_HOME", folder, 1);
    (void)unsetenv("IONWATCH_KEY");
    (void)unsetenv("IONWATCH_SERVER_KEY");
    return 0;
}

static int
remove_folder(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void
in_folder(char path[128], const char *name)
{
    (void)snprintf(path, 128, "%s/%s", folder, name);
}

static void
key_file_is_private_and_never_replaced_unasked(void **state)
{
    (void)state;
    char path[128], key[IW_KEY_LENGTH + 1];
    struct stat info;
    iw_error err;
    in_folder(path, "key");
    assert_int_equal(iw_key_read_secret(path, key, &err), IW_NOT_FOUND);
    assert_ok(iw_key_write(path, "a remark", SECRET, 0600, false, &err), err);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(iw_key_write(path, "other", PUBLIC, 0600, false, &err), IW_EXISTS);
    assert_ok(iw_key_read_secret(path, key, &err), err);
    assert_string_equal(key, SECRET);
    assert_ok(iw_key_write(path, "other", PUBLIC, 0600, true, &err), err);
    assert_ok(iw_key_read_secret(path, key, &err), err);
    assert_string_equal(key, PUBLIC);
}

static void
secret_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    char path[128], key[IW_KEY_LENGTH + 1];
    iw_error err;
    static const mode_t modes[] = {0640, 0604, 0644, 0666, 0620};
    in_folder(path, "key");
    assert_ok(iw_key_write(path, "a remark", SECRET, 0600, false, &err), err);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        assert_int_equal(chmod(path, modes[i]), 0);
        assert_int_equal(iw_key_read_secret(path, key, &err), IW_REFUSED);
        assert_non_null(strstr(err.text, "chmod 600"));
        assert_string_equal(key, "");
        assert_ok(iw_key_read_public(path, key, &err), err);
    }
}

static void
file_that_holds_no_one_key_is_refused(void **state)
{
    (void)state;
    char path[128], key[IW_KEY_LENGTH + 1];
    static const char *const wrong[] = {
        "",           "# nothing\n",           "short\n",
        PUBLIC "x\n", PUBLIC "\n" SECRET "\n", PUBLIC " " SECRET "\n"};
    iw_error err;
    in_folder(path, "wrong");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(wrong[i], file) >= 0 && fclose(file) == 0);
        assert_int_equal(iw_key_read_public(path, key, &err), IW_INVALID);
        assert_string_equal(key, "");
    }
}

static void
generated_pairs_belong_together_and_differ(void **state)
{
    (void)state;
    iw_curve_pair a, b;
    iw_error err;
    char derived[IW_KEY_LENGTH + 1];
    assert_ok(iw_curve_generate(&a, &err), err);
    assert_ok(iw_curve_generate(&b, &err), err);
    assert_string_not_equal(a.secret, b.secret);
    assert_true(iw_key_is_valid(a.public, IW_KEY_LENGTH) && *a.public != '#');
    assert_int_equal(zmq_curve_public(derived, a.secret), 0);
    assert_string_equal(derived, a.public);
    char path[128];
    in_folder(path, "key");
    assert_ok(iw_key_write(path, "a remark", SECRET, 0600, false, &err), err);
    assert_ok(iw_curve_load(path, &a, &err), err);
    assert_string_equal(a.public, PUBLIC);
}

/* Which mechanism a socket for this endpoint has. */
static int
mechanism(void *context, const char *endpoint, iw_status wanted)
{
    iw_curve_client client = {0};
    iw_error err = {.text = ""};
    int kind = -1, none = 0;
    size_t size = sizeof kind;
    void *socket = zmq_socket(context, ZMQ_DEALER);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    if (iw_curve_client_apply(socket, endpoint, &client, &err) != wanted)
        fail_msg("%s: %s", endpoint, err.text);
    assert_null(strstr(err.text, SECRET));
    (void)zmq_getsockopt(socket, ZMQ_MECHANISM, &kind, &size);
    assert_int_equal(client.guarded, kind == ZMQ_CURVE);
    if (client.guarded)
        assert_string_equal(client.public, PUBLIC);
    (void)zmq_close(socket);
    return kind;
}

static void
client_takes_keys_where_they_are_meant(void **state)
{
    (void)state;
    char path[128], server[128];
    iw_error err;
    void *context = zmq_ctx_new();
    assert_int_equal(mechanism(context, "tcp://head:5555", IW_OK), ZMQ_NULL);
    in_folder(path, "ionwatch");
    assert_int_equal(mkdir(path, 0700), 0);
    in_folder(path, "ionwatch/key");
    in_folder(server, "ionwatch/server.pub");
    assert_ok(iw_key_write(path, "a remark", SECRET, 0600, false, &err), err);
    /* a key, but not the daemon's */
    assert_int_equal(mechanism(context, "tcp://head:5555", IW_NOT_FOUND), ZMQ_NULL);
    assert_ok(iw_key_write(server, "a remark", PUBLIC, 0644, false, &err), err);
    assert_int_equal(mechanism(context, "tcp://head:5555", IW_OK), ZMQ_CURVE);
    assert_int_equal(mechanism(context, "tcp://127.0.0.1:5555", IW_OK), ZMQ_NULL);
    assert_int_equal(mechanism(context, "ipc:///tmp/x", IW_OK), ZMQ_NULL);
    (void)setenv("IONWATCH_KEY", path, 1);
    (void)setenv("IONWATCH_SERVER_KEY", PUBLIC, 1);
    assert_int_equal(mechanism(context, "tcp://127.0.0.1:5555", IW_OK), ZMQ_CURVE);
    assert_int_equal(mechanism(context, "ipc:///tmp/x", IW_OK), ZMQ_NULL);
    (void)setenv("IONWATCH_KEY", "", 1);
    assert_int_equal(mechanism(context, "tcp://head:5555", IW_OK), ZMQ_NULL);
    (void)setenv("IONWATCH_KEY", "/nowhere/key", 1);
    assert_int_equal(mechanism(context, "tcp://head:5555", IW_NOT_FOUND), ZMQ_NULL);
    (void)unsetenv("IONWATCH_KEY");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(mechanism(context, "tcp://head:5555", IW_REFUSED), ZMQ_NULL);
    (void)zmq_ctx_term(context);
}

/* Three in a row mean no, but not from a daemon that has let the client in before: it was killed.
 */
static void
handshakes_that_are_cut_refuse_only_who_was_never_let_in(void **state)
{
    (void)state;
    iw_error err;
    iw_curve_client stranger = {.guarded = false}, known = {.let_in = true};
    for (int i = 1; i <= 10; i++) {
        iw_status status = iw_curve_explain(&stranger, "ipc://daemon",
                                            ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 0, &err);
        assert_int_equal(status, i < 3 ? IW_IO : IW_REFUSED);
        status =
            iw_curve_explain(&known, "ipc://daemon", ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL, 0, &err);
        assert_int_equal(status, IW_IO);
    }
    assert_int_equal(
        iw_curve_explain(&known, "tcp://head:5555", ZMQ_EVENT_HANDSHAKE_FAILED_AUTH, 400, &err),
        IW_REFUSED); /* a key that was taken out */
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(key_file_is_private_and_never_replaced_unasked),
        CASE(secret_key_that_others_can_read_is_refused),
        CASE(file_that_holds_no_one_key_is_refused),
        CASE(generated_pairs_belong_together_and_differ),
        CASE(client_takes_keys_where_they_are_meant),
        CASE(handshakes_that_are_cut_refuse_only_who_was_never_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
