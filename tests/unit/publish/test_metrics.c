/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /metrics from answers that are written down here, read back by a parser of the test's own. */
#include "iw_test.h"

#include "publish/metrics.h"

static const char status_text[] =
    "{\"version\": \"1.2.3\", \"protocol\": 1, \"uptime_s\": 12.5, \"runs\": 7, \"live\": 2,"
    " \"refused\": 3, \"answers_waiting\": 4096,"
    " \"counted\": {\"frames_received\": 1000, \"frames_acknowledged\": 990, \"frames_analysed\": "
    "800, \"frames_repeated\": 2, \"frames_deferred\": 5, \"frame_bytes_received\": "
    "9007199254740993,"
    " \"journal_bytes_written\": 123456, \"runs_begun\": 3, \"runs_ended\": 1, \"runs_filed\": 1,"
    " \"questions\": 42, \"snapshots\": 10, \"analysis_s\": 0.25, \"snapshot_s\": 0.125},"
    " \"now\": {\"adapters\": 2, \"journal_bytes\": 5000, \"queue_bytes\": 10, "
    "\"queue_limit_bytes\": 268435456, \"disk_free_bytes\": null, \"disk_bytes\": 100, "
    "\"disk_reserve_bytes\": 20, \"database_up\": false},"
    " \"process\": {\"started_unix_s\": 1700000000, \"cpu_s\": 1.5, \"virtual_bytes\": 2, "
    "\"resident_bytes\": 1, \"descriptors\": 50, \"descriptors_limit\": 1024}}";

/* The second has a name that would end a label and begin a line; the third is filed. */
static const char runs_text[] =
    "[{\"id\": \"a-1\", \"name\": \"LGPS 600 K\", \"state\": \"running\", \"live\": true, "
    "\"material\": \"Li10GeP2S12\", \"code\": \"LAMMPS\", \"frames\": 100, \"frames_durable\": 101,"
    " \"atoms\": 50, \"time_ps\": 0.1, \"temperature_K\": 600, \"D_cm2_s\": 1.23e-05, "
    "\"stderr_cm2_s\": 1e-06, \"relative_error\": 0.08130081300813008, \"convergence\": "
    "\"converging\", \"predicted_ps_to_target\": 12, \"target\": 0.2, \"health\": \"warning\", "
    "\"silent_s\": 0.5, \"journal_bytes\": 777},"
    " {\"id\": \"b-2\", \"name\": \"q\\\"uote \\\\ back\\nnew} 1\\nforged 7\", \"state\": "
    "\"waiting for disk\", \"live\": true, \"material\": \"\u00c5ngstr\u00f6m\", \"code\": \"\", "
    "\"frames\": 0, \"time_ps\": null, \"temperature_K\": null, \"D_cm2_s\": null, "
    "\"stderr_cm2_s\": null, \"relative_error\": null, \"convergence\": \"unknown\", "
    "\"predicted_ps_to_target\": null, \"silent_s\": 99, \"journal_bytes\": 0},"
    " {\"id\": \"c-3\", \"name\": \"done\", \"state\": \"running\", \"live\": false, \"frames\": "
    "9}]";

static char *
page(const char *status_json, const char *runs_json, iw_metrics_format format)
{
    json_error_t where;
    iw_buffer out = {0};
    iw_error err;
    json_t *status = json_loads(status_json, 0, &where);
    json_t *runs = json_loads(runs_json, 0, &where);
    assert_non_null(status);
    assert_non_null(runs);
    assert_ok(iw_metrics_write(status, runs, format, &out, &err), err);
    assert_ok(iw_buffer_append(&out, "", 1, &err), err);
    json_decref(status);
    json_decref(runs);
    return (char *)out.data;
}

/* Undoes the escapes of a label; *at ends behind its closing quote. */
static void
read_label(const char **at, char *text, size_t room)
{
    size_t used = 0;
    for (; **at != '"'; (*at)++) {
        char c = **at;
        assert_true(c && c != '\n' && used + 1 < room);
        if (c == '\\') {
            c = *++*at;
            assert_non_null(strchr("\\\"n", c));
            c = c == 'n' ? '\n' : c;
        }
        text[used++] = c;
    }
    text[used] = '\0';
    (*at)++;
}

/* One sample line: name, labels as "a=b;c=d;", value. */
static void
read_sample(const char **at, char *name, char *labels, double *value)
{
    int used = 0;
    labels[0] = '\0';
    assert_int_equal(sscanf(*at, "%79[a-zA-Z0-9_]%n", name, &used), 1);
    *at += used;
    if (**at == '{') {
        do {
            char label[80], text[200];
            ++*at;
            assert_int_equal(sscanf(*at, "%79[a-zA-Z0-9_]=\"%n", label, &used), 1);
            *at += used;
            read_label(at, text, sizeof text);
            size_t n = strlen(labels);
            (void)snprintf(labels + n, 400 - n, "%s=%s;", label, text);
        } while (**at == ',');
        assert_int_equal(*(*at)++, '}');
    }
    assert_int_equal(*(*at)++, ' ');
    char *end;
    *value = strtod(*at, &end);
    assert_ptr_not_equal(end, *at);
    assert_int_equal(*end, '\n');
    *at = end + 1;
}

/* The value of a sample; NAN when there is none.  Counts all on the way. */
static double
find(const char *text, const char *wanted, const char *with, size_t *n)
{
    double found = NAN;
    *n = 0;
    for (const char *at = text; *at;) {
        if (*at == '#') {
            at = strchr(at, '\n') + 1;
            continue;
        }
        char name[80], labels[400];
        double value;
        read_sample(&at, name, labels, &value);
        ++*n;
        if (strcmp(name, wanted) == 0 && strcmp(labels, with) == 0) {
            assert_true(isnan(found)); /* each but once */
            found = value;
        }
    }
    return found;
}

static void
every_value_is_that_of_the_answers(void **state)
{
    (void)state;
    static const struct {
        const char *name, *labels;
        double value;
    } expected[] = {
        {"ionwatch_build_info", "version=1.2.3;protocol=1;", 1},
        {"ionwatch_uptime_seconds", "", 12.5},
        {"ionwatch_frames_received_total", "", 1000},
        {"ionwatch_frames_analysed_total", "", 800},
        {"ionwatch_frame_received_bytes_total", "", 9007199254740993.0},
        {"ionwatch_snapshot_seconds_total", "", 0.125},
        {"ionwatch_runs", "state=running;", 1},
        {"ionwatch_runs", "state=waiting for disk;", 1},
        {"ionwatch_runs", "state=stalled;", 0},
        {"ionwatch_runs_known", "", 7},
        {"ionwatch_database_up", "", 0},
        {"ionwatch_disk_bytes", "", 100},
        {"process_cpu_seconds_total", "", 1.5},
        {"process_max_fds", "", 1024},
        {"ionwatch_run_info", "run=a-1;name=LGPS 600 K;material=Li10GeP2S12;code=LAMMPS;", 1},
        {"ionwatch_run_state", "run=a-1;state=running;", 1},
        {"ionwatch_run_state", "run=a-1;state=stalled;", 0},
        {"ionwatch_run_state", "run=b-2;state=waiting for disk;", 1},
        {"ionwatch_run_convergence", "run=a-1;state=converging;", 1},
        {"ionwatch_run_convergence", "run=b-2;state=converged;", 0},
        {"ionwatch_run_health", "run=a-1;state=warning;", 1},
        {"ionwatch_run_health", "run=a-1;state=broken;", 0},
        {"ionwatch_run_frames", "run=b-2;", 0},
        {"ionwatch_run_frames_durable", "run=a-1;", 101},
        {"ionwatch_run_diffusion_cm2_per_second", "run=a-1;", 1.23e-05},
        {"ionwatch_run_relative_error_ratio", "run=a-1;", 0.08130081300813008},
        {"ionwatch_run_target_ratio", "run=a-1;", 0.2},
        {"ionwatch_run_silent_seconds", "run=b-2;", 99},
        {"ionwatch_run_journal_bytes", "run=a-1;", 777},
    };
    char *text = page(status_text, runs_text, IW_METRICS_TEXT);
    size_t n;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(find(text, expected[i].name, expected[i].labels, &n) == expected[i].value);
    assert_close(find(text, "ionwatch_run_simulated_seconds", "run=a-1;", &n), 1e-13, 1e-15, 0);
    assert_close(find(text, "ionwatch_run_predicted_simulated_seconds", "run=a-1;", &n), 1.2e-11,
                 1e-15, 0);
    free(text);
}

static void
what_is_not_known_is_left_out_and_what_is_filed_too(void **state)
{
    (void)state;
    char *text = page(status_text, runs_text, IW_METRICS_TEXT);
    size_t n;
    assert_true(isnan(find(text, "ionwatch_disk_free_bytes", "", &n)));
    assert_true(isnan(find(text, "ionwatch_run_diffusion_cm2_per_second", "run=b-2;", &n)));
    assert_true(isnan(find(text, "ionwatch_run_health", "run=b-2;state=good;", &n)));
    assert_null(strstr(text, "c-3"));
    free(text);
    text = page("{}", "[]", IW_METRICS_TEXT);
    assert_true(isnan(find(text, "ionwatch_uptime_seconds", "", &n)));
    assert_int_equal(n, 7); /* build_info, and the six states of ionwatch_runs */
    free(text);
}

static void
a_hostile_name_stays_within_its_label(void **state)
{
    (void)state;
    char *text = page(status_text, runs_text, IW_METRICS_TEXT);
    size_t n;
    assert_true(
        find(text, "ionwatch_run_info",
             "run=b-2;name=q\"uote \\ back\nnew} 1\nforged 7;material=\xc3\x85ngstr\xc3\xb6m;"
             "code=;",
             &n) == 1);
    assert_null(strstr(text, "\nforged"));
    assert_non_null(strstr(text, "name=\"q\\\"uote \\\\ back\\nnew} 1\\nforged 7\""));
    free(text);
}

static void
samples_of_a_metric_stand_together_below_its_head(void **state)
{
    (void)state;
    char *text = page(status_text, runs_text, IW_METRICS_TEXT);
    const iw_metric *metric = iw_metrics - 1;
    for (const char *at = text; *at;) {
        if (strncmp(at, "# HELP ", 7) == 0) {
            char head[400];
            metric++;
            assert_non_null(metric->name);
            (void)snprintf(head, sizeof head, "# HELP %s %s\n# TYPE %s %s\n", metric->name,
                           metric->help, metric->name,
                           metric->type == IW_METRIC_COUNTER ? "counter" : "gauge");
            assert_memory_equal(at, head, strlen(head));
            at += strlen(head);
            continue;
        }
        char name[80], labels[400];
        double value;
        read_sample(&at, name, labels, &value);
        assert_string_equal(name, metric->name);
    }
    assert_null(metric[1].name);
    free(text);
}

static void
openmetrics_has_families_without_endings_and_an_end(void **state)
{
    (void)state;
    assert_int_equal(iw_metrics_accepted(NULL), IW_METRICS_TEXT);
    assert_int_equal(iw_metrics_accepted("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
                     IW_METRICS_TEXT);
    assert_int_equal(iw_metrics_accepted("application/openmetrics-text;version=1.0.0,*/*;q=0.1"),
                     IW_METRICS_OPENMETRICS);
    assert_non_null(strstr(iw_metrics_content_type(IW_METRICS_OPENMETRICS), "openmetrics"));
    assert_non_null(strstr(iw_metrics_content_type(IW_METRICS_TEXT), "version=0.0.4"));
    char *text = page(status_text, runs_text, IW_METRICS_OPENMETRICS);
    assert_non_null(strstr(text, "\n# TYPE ionwatch_frames_received counter\n"
                                 "ionwatch_frames_received_total 1000\n"));
    assert_non_null(strstr(text, "# TYPE ionwatch_run info\nionwatch_run_info{"));
    assert_string_equal(text + strlen(text) - 6, "# EOF\n");
    free(text);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* Names, units, and no two rows that say the same. */
static void
the_table_keeps_the_rules(void **state)
{
    (void)state;
    for (const iw_metric *a = iw_metrics; a->name; a++) {
        bool ours = strncmp(a->name, "ionwatch_", 9) == 0;
        assert_true(ours || (strncmp(a->name, "process_", 8) == 0 && !a->run));
        assert_int_equal(ends_with(a->name, "_total"), a->type == IW_METRIC_COUNTER);
        assert_int_equal(ends_with(a->name, "_info"), a->type == IW_METRIC_INFO);
        assert_int_equal(strncmp(a->name, "ionwatch_run_", 13) == 0, a->run);
        if (strcmp(a->unit, "bytes") == 0 || strcmp(a->unit, "seconds") == 0 ||
            strcmp(a->unit, "kelvin") == 0 || strcmp(a->unit, "ratio") == 0)
            assert_true(ends_with(a->name, a->unit) || strstr(a->name, "seconds_total") ||
                        strstr(a->name, "bytes_total"));
        assert_true(strlen(a->help) > 5 && strlen(a->help) < 120);
        assert_null(strpbrk(a->help, "\\\n|"));
        assert_true(a->over > 0);
        assert_int_equal(*a->values != '\0',
                         a->type == IW_METRIC_STATES || a->type == IW_METRIC_COUNTS);
        for (const iw_metric *b = iw_metrics; b < a; b++) {
            assert_string_not_equal(a->name, b->name);
            assert_string_not_equal(a->help, b->help);
        }
    }
}

static void
answers_of_another_kind_are_refused(void **state)
{
    (void)state;
    iw_buffer out = {0};
    iw_error err;
    json_t *object = json_object(), *array = json_array();
    assert_int_equal(iw_metrics_write(array, array, IW_METRICS_TEXT, &out, &err), IW_INVALID);
    assert_int_equal(iw_metrics_write(object, object, IW_METRICS_TEXT, &out, &err), IW_INVALID);
    assert_int_equal(iw_metrics_write(NULL, array, IW_METRICS_TEXT, &out, &err), IW_INVALID);
    assert_int_equal(out.size, 0);
    json_decref(object);
    json_decref(array);
}

/* Keys that are of another type than they should be count as not known. */
static void
values_of_a_wrong_type_are_not_known(void **state)
{
    (void)state;
    char *text = page("{\"version\": 7, \"uptime_s\": \"soon\", \"counted\": [1], \"refused\": {}}",
                      "[3, null, {\"live\": true}, {\"live\": true, \"id\": \"x\", \"state\": 5, "
                      "\"frames\": \"many\"}]",
                      IW_METRICS_TEXT);
    size_t n;
    assert_true(isnan(find(text, "ionwatch_uptime_seconds", "", &n)));
    assert_true(find(text, "ionwatch_build_info", "version=7;protocol=;", &n) == 1);
    assert_true(find(text, "ionwatch_run_info", "run=x;name=;material=;code=;", &n) == 1);
    assert_true(isnan(find(text, "ionwatch_run_frames", "run=x;", &n)));
    assert_int_equal(n, 8);
    free(text);
}

static void
the_page_of_the_documents_is_what_the_daemon_prints(void **state)
{
    (void)state;
    FILE *made = tmpfile();
    FILE *kept = fopen(IONWATCH_SOURCE_DIR "/docs/metrics.md", "r");
    assert_non_null(made);
    assert_non_null(kept);
    iw_metrics_page(made);
    rewind(made);
    for (int c, expected = 0; expected != EOF;) {
        expected = fgetc(made);
        c = fgetc(kept);
        assert_int_equal(c, expected); /* else: ionwatchd --print-metrics > docs/metrics.md */
    }
    (void)fclose(made);
    (void)fclose(kept);
}

/* Prometheus' own judge of names and format, where it is installed. */
static void
promtool_accepts_the_page(void **state)
{
    (void)state;
    if (system("command -v promtool >/dev/null") != 0)
        skip();
    char *text = page(status_text, runs_text, IW_METRICS_TEXT);
    FILE *judge = popen("promtool check metrics", "w");
    assert_non_null(judge);
    assert_int_equal(fputs(text, judge) >= 0, 1);
    assert_int_equal(pclose(judge), 0);
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_that_of_the_answers),
        cmocka_unit_test(what_is_not_known_is_left_out_and_what_is_filed_too),
        cmocka_unit_test(a_hostile_name_stays_within_its_label),
        cmocka_unit_test(samples_of_a_metric_stand_together_below_its_head),
        cmocka_unit_test(openmetrics_has_families_without_endings_and_an_end),
        cmocka_unit_test(the_table_keeps_the_rules),
        cmocka_unit_test(answers_of_another_kind_are_refused),
        cmocka_unit_test(values_of_a_wrong_type_are_not_known),
        cmocka_unit_test(the_page_of_the_documents_is_what_the_daemon_prints),
        cmocka_unit_test(promtool_accepts_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
