/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client library and the program ionwatch at a door that asks for keys. */
#include "guarded.h"

#include "../daemon/md.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void
use_key(const guarded *g, person who, const char *server)
{
    char path[128];
    iw_error err;
    (void)snprintf(path, sizeof path, "%s/key", g->daemon->folder);
    assert_ok(iw_key_write(path, "of a test", g->pairs[who].secret, 0600, true, &err), err);
    (void)setenv("IONWATCH_KEY", path, 1);
    (void)setenv("IONWATCH_SERVER_KEY", server, 1);
}

static int
forget_keys(void **state)
{
    (void)unsetenv("IONWATCH_KEY");
    (void)unsetenv("IONWATCH_SERVER_KEY");
    return harness_end(state);
}

/* The library talks to this door instead of the harness's own. */
static void
open_at(md *self, const guarded *g, const char *endpoint)
{
    harness door = *g->daemon;
    (void)snprintf(door.endpoint, sizeof door.endpoint, "%s", endpoint);
    md_open(self, &door, 8, NULL, NULL);
}

/* Flushes until the handle says so: words of a handshake may take some tries. */
static void
expect_words(md *self, const char *words)
{
    for (int tries = 0; tries < 100; tries++) {
        ionwatch_status status = ionwatch_flush(self->handle, 100);
        assert_true(status == IONWATCH_TIMEOUT || status == IONWATCH_REFUSED);
        if (strstr(ionwatch_error(self->handle), words))
            return;
    }
    fail_msg("\"%s\" is not in \"%s\"", words, ionwatch_error(self->handle));
}

static ionwatch_status
send_one(md *self, uint64_t seq)
{
    ionwatch_frame frame;
    synthetic_frame(&self->run, seq, &self->frame);
    ionwatch_frame_init(&frame);
    frame.step = (int64_t)seq;
    frame.time = self->frame.time_fs;
    frame.cell = self->frame.cell_A;
    frame.pos_f64 = self->frame.pos_A;
    return ionwatch_send(self->handle, &frame);
}

static void
assert_arrived(const guarded *g, md *self, uint64_t n)
{
    if (ionwatch_flush(self->handle, 20000) != IONWATCH_OK)
        fail_msg("%s", ionwatch_error(self->handle));
    json_t *record = harness_show(g->daemon, self->run.id, n);
    json_t *expected = synthetic_record(&self->run, n, "running");
    assert_same_physics(record, expected);
    json_decref(record);
    json_decref(expected);
}

static void
library_streams_with_its_key(void **state)
{
    guarded g;
    md m;
    guarded_begin(&g, *state);
    guarded_allow(&g, (const char *[PEOPLE]){"stream", NULL, NULL, NULL});
    guarded_start(&g);
    use_key(&g, ANNA, g.server);
    open_at(&m, &g, g.tcp);
    md_send(&m, 1, 300);
    assert_arrived(&g, &m, 300);
    assert_string_equal(ionwatch_error(m.handle), "");
    md_close(&m);
}

/* Frames are kept, the run goes on, the handle says why; once the key is authorised all arrive. */
static void
frames_wait_until_the_key_is_authorised(void **state)
{
    guarded g;
    md m;
    guarded_begin(&g, *state);
    guarded_allow(&g, (const char *[PEOPLE]){NULL, "stream", NULL, NULL});
    guarded_start(&g);
    use_key(&g, ANNA, g.server);
    open_at(&m, &g, g.tcp);
    uint64_t sent = 0;
    ionwatch_status status = IONWATCH_OK;
    for (; sent < 300; pause_ms(5)) {
        status = send_one(&m, ++sent);
        assert_true(status == IONWATCH_OK || status == IONWATCH_REFUSED);
    }
    assert_int_equal(status, IONWATCH_REFUSED);
    assert_non_null(strstr(ionwatch_error(m.handle), "does not let this key in"));
    assert_non_null(strstr(ionwatch_error(m.handle), g.pairs[ANNA].public));
    assert_null(strstr(ionwatch_error(m.handle), g.pairs[ANNA].secret));
    guarded_allow(&g, (const char *[PEOPLE]){"stream", NULL, NULL, NULL});
    for (int tries = 0; tries < 300 && status != IONWATCH_OK; tries++) {
        pause_ms(50); /* it asks again by itself, at most a minute apart; here sooner */
        status = ionwatch_flush(m.handle, 0);
    }
    assert_arrived(&g, &m, 300);
    md_close(&m);
}

static void
handle_says_what_is_wrong_with_keys(void **state)
{
    guarded g;
    md m;
    guarded_begin(&g, *state);
    guarded_allow(&g, (const char *[PEOPLE]){"stream", NULL, NULL, NULL});
    guarded_start(&g);
    use_key(&g, ANNA, g.pairs[BOB].public);
    open_at(&m, &g, g.tcp); /* a daemon with another key: perhaps not ours */
    (void)send_one(&m, 1);
    expect_words(&m, "is IONWATCH_SERVER_KEY");
    ionwatch_close(&m.handle, 0);
    iw_frame_fini(&m.frame);
    iw_run_info_fini(&m.run);
    use_key(&g, ANNA, g.server);
    const char *key = getenv("IONWATCH_KEY");
    assert_int_equal(key ? chmod(key, 0644) : -1, 0);
    open_at(&m, &g, g.tcp);
    (void)send_one(&m, 1);
    assert_int_equal(ionwatch_flush(m.handle, 1500), IONWATCH_REFUSED);
    assert_non_null(strstr(ionwatch_error(m.handle), "chmod 600"));
    assert_int_equal(key ? chmod(key, 0600) : -1, 0); /* mended while the run goes */
    ionwatch_status status = IONWATCH_REFUSED;
    for (int tries = 0; tries < 200 && status != IONWATCH_OK; tries++, pause_ms(50))
        status = ionwatch_flush(m.handle, 0);
    json_decref(harness_show(g.daemon, m.run.id, 1));
    md_close(&m);
    (void)unsetenv("IONWATCH_KEY");
    open_at(&m, &g, g.tcp);
    (void)send_one(&m, 1);
    expect_words(&m, "wants a key");
    md_close(&m);
}

/* Runs `ionwatch WORDS`: its exit code, and what it printed together. */
static int
run_program(const char *words, char *said, size_t size)
{
    char command[1024];
    const char *build = getenv("IONWATCH_BUILD");
    (void)snprintf(command, sizeof command, "%s/ionwatch %s 2>&1",
                   build ? build : IONWATCH_BUILD_DIR, words);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t used = fread(said, 1, size - 1, pipe);
    said[used] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
program_makes_keys_and_uses_them(void **state)
{
    guarded g;
    char said[4096], words[512], line[256], path[256];
    struct stat info;
    guarded_begin(&g, *state);
    (void)snprintf(words, sizeof words, "keygen anna --roles read --out %s/deep/er",
                   g.daemon->folder);
    assert_int_equal(run_program(words, said, sizeof said), 0);
    const char *found = strstr(said, " read anna\n");
    assert_true(found && found - said >= IW_KEY_LENGTH);
    (void)snprintf(line, sizeof line, "%.*s read anna\n", IW_KEY_LENGTH, found - IW_KEY_LENGTH);
    guarded_write(&g, line);
    (void)snprintf(path, sizeof path, "%s/deep/er/key", g.daemon->folder);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(run_program(words, said, sizeof said), 1); /* never twice */
    assert_non_null(strstr(said, "--force replaces it"));
    (void)snprintf(words, sizeof words, "keygen anna --show --out %s/deep/er", g.daemon->folder);
    assert_int_equal(run_program(words, said, sizeof said), 0);
    assert_non_null(strstr(said, " stream,read anna\n"));
    assert_int_equal(run_program("keygen 'an na'", said, sizeof said), 1);
    assert_int_equal(run_program("keygen --roles write", said, sizeof said), 1);
    guarded_start(&g);
    (void)snprintf(words, sizeof words, "keygen --server --show --out %s", g.daemon->data);
    assert_int_equal(run_program(words, said, sizeof said), 0);
    assert_non_null(strstr(said, g.server));
    (void)setenv("IONWATCH_KEY", path, 1);
    (void)setenv("IONWATCH_SERVER_KEY", g.server, 1);
    (void)snprintf(words, sizeof words, "ls --json --endpoint %s", g.tcp);
    assert_int_equal(run_program(words, said, sizeof said), 0);
    assert_string_equal(said, "[]\n");
    (void)snprintf(words, sizeof words, "stop x --endpoint %s", g.tcp);
    assert_int_equal(run_program(words, said, sizeof said), 1);
    assert_non_null(strstr(said, "lacks the role control"));
    (void)setenv("IONWATCH_KEY", "", 1);
    (void)snprintf(words, sizeof words, "ls --endpoint %s", g.tcp);
    assert_int_equal(run_program(words, said, sizeof said), 1);
    assert_non_null(strstr(said, "wants a key"));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, harness_begin, forget_keys)
    const struct CMUnitTest tests[] = {
        CASE(library_streams_with_its_key),
        CASE(frames_wait_until_the_key_is_authorised),
        CASE(handle_says_what_is_wrong_with_keys),
        CASE(program_makes_keys_and_uses_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
