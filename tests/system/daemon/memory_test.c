/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A run that comes to the memory limit of its analysis is thinned, and reads its journal again:
 * what is filed does not depend on a kill -9 before, while or after it does. */
#include "md.h"

#include <signal.h>

enum { ATOMS = 100, STEPS = 4600, LIMIT_FRAME = 4096, PIECE = 20 };

static const char *const options[] = {"--memory-mib", "24", NULL};
static const char *const every_frame[] = {"msd_stride", "1", NULL};

static void
stream(harness *daemon, char id[IW_ID_LENGTH + 1], const uint64_t *kills, size_t n_kills)
{
    md code;
    md_open(&code, daemon, ATOMS, NULL, every_frame);
    memcpy(id, code.run.id, IW_ID_LENGTH + 1);
    for (uint64_t first = 1; first <= STEPS; first += PIECE) {
        md_send(&code, first, first + PIECE - 1);
        for (size_t i = 0; i < n_kills; i++) {
            if (kills[i] < first || kills[i] >= first + PIECE)
                continue;
            pause_ms(20);
            harness_kill(daemon, SIGKILL);
            harness_start(daemon, options, 0);
        }
    }
    assert_int_equal(ionwatch_finish(code.handle, "completed"), IONWATCH_OK);
    md_close(&code);
}

static void
a_thinned_run_is_filed_alike_whenever_the_daemon_is_killed(void **state)
{
    harness *daemon = *state;
    char disturbed[IW_ID_LENGTH + 1], undisturbed[IW_ID_LENGTH + 1];
    static const uint64_t kills[] = {3000, LIMIT_FRAME + 10, LIMIT_FRAME + 300};
    harness_start(daemon, options, 0);
    stream(daemon, disturbed, kills, sizeof kills / sizeof *kills);
    stream(daemon, undisturbed, NULL, 0);
    assert_filed_alike(daemon, disturbed, undisturbed, STEPS);
    iw_message answer;
    json_t *record = harness_ask(daemon, "show", disturbed, true, &answer);
    const json_t *run = json_object_get(record, "run");
    assert_true(has_event(record, "thinned"));
    assert_false(has_event(record, "memory"));
    assert_close(json_number_value(json_object_get(run, "msd_dt_fs")),
                 2.0 * json_number_value(json_object_get(run, "dt_fs")), 1e-12, 0);
    json_decref(record);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_thinned_run_is_filed_alike_whenever_the_daemon_is_killed,
                                        harness_begin, harness_end),
    };
    return cmocka_run_group_tests_name("daemon memory", tests, NULL, NULL);
}
