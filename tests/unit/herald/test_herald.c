/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The herald's thread: what it tells, how often, and what it leaves out. */
#include "iw_test.h"

#include "herald/environment.h"
#include "herald/herald.h"
#include "herald/notice.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static char folder[64];

static int
make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/ionwatch-herald-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int
remove_folder(void **state)
{
    char command[100];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

typedef struct {
    void *context, *to, *front;
    size_t worked, failed, left_out; /* as the front door hears */
    iw_herald *herald;
    pthread_t thread;
} stage;

/* The command writes one line for each event that it is told. */
static void
begin(stage *self, const char *script, const char *kinds, double pause_s, unsigned at_once)
{
    iw_error err;
    char command[200], path[100];
    (void)snprintf(path, sizeof path, "%s/tell", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "%s", script) > 0);
    (void)fclose(file);
    (void)snprintf(command, sizeof command, "sh %s/tell %s/told.txt", folder, folder);
    iw_herald_options options = {.data = folder,
                                 .command = command,
                                 .kinds = kinds,
                                 .endpoint = "ipc:///here",
                                 .timeout_s = 20,
                                 .pause_s = pause_s,
                                 .at_once = at_once};
    *self = (stage){.context = zmq_ctx_new()};
    self->front = iw_mailbox_bind(self->context, "front", &err);
    assert_non_null(self->front);
    self->herald = iw_herald_new(self->context, &options, &err);
    if (!self->herald)
        fail_msg("%s", err.text);
    self->to = iw_mailbox_connect(self->context, "herald", &err);
    assert_non_null(self->to);
    assert_int_equal(pthread_create(&self->thread, NULL, iw_herald_run, self->herald), 0);
}

static void
end(stage *self)
{
    iw_mail *quit = iw_mail_new(IW_MAIL_QUIT, 0);
    assert_true(iw_mail_send(self->to, &quit));
    (void)pthread_join(self->thread, NULL);
    for (iw_mail *mail; (mail = iw_mail_receive(self->front, false)); iw_mail_destroy(&mail)) {
        assert_int_equal(mail->kind, IW_MAIL_TOLD);
        assert_int_equal(mail->status == IW_OK, mail->text[0] == '\0');
        *(mail->status == IW_OK      ? &self->worked
          : mail->status == IW_AGAIN ? &self->left_out
                                     : &self->failed) += 1;
    }
    iw_herald_destroy(&self->herald);
    iw_mailbox_close(&self->to);
    iw_mailbox_close(&self->front);
    (void)zmq_ctx_term(self->context);
}

static void
tell(stage *self, int run, iw_event_kind kind, uint64_t number, const char *text)
{
    iw_run_info info;
    iw_run_info_init(&info);
    (void)snprintf(info.id, sizeof info.id, "%08u-0000-4000-8000-000000000000",
                   (unsigned)run % 100000000);
    char path[120];
    (void)snprintf(path, sizeof path, "mkdir -p %s/runs/%s", folder, info.id);
    if (run == 1)
        assert_int_equal(system(path), 0);
    info.name = (char[]){"LGPS"};
    iw_notice notice = {
        .kind = kind, .number = number, .run = &info, .text = text, .time_ps = 1.5, .frame = 3};
    iw_notice_send(self->to, &notice);
}

/* Lines of told.txt that hold a word. */
static size_t
count_told(const char *word)
{
    char path[100], line[1000];
    size_t n = 0;
    (void)snprintf(path, sizeof path, "%s/told.txt", folder);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        n += strstr(line, word) != NULL;
    if (file)
        (void)fclose(file);
    return n;
}

/* False after a minute. */
static bool
told(const char *word, size_t n)
{
    struct timespec pause = {.tv_nsec = 10000000};
    for (int i = 0; i < 6000 && count_told(word) < n; i++)
        (void)nanosleep(&pause, NULL);
    return count_told(word) == n;
}

static const char record[] =
    "printf '%s\\n' "
    "\"$IONWATCH_EVENT|$IONWATCH_SEVERITY|$IONWATCH_RUN|$IONWATCH_NAME|$IONWATCH_TIME_PS|"
    "$IONWATCH_FRAME|$IONWATCH_D_CM2_S|$IONWATCH_ENDPOINT|$IONWATCH_TEXT|$(cat)\" >> \"$1\"\n";

static void
an_event_comes_as_variables_and_as_json(void **state)
{
    (void)state;
    stage self;
    begin(&self, record, "all", 0, 1);
    tell(&self, 1, IW_EVENT_converged, 1, "D is known to 20 %");
    assert_true(
        told("converged|note|00000001-0000-4000-8000-000000000000|LGPS|1.5|3||ipc:///here|D "
             "is known to 20 %|{\"event\":\"converged\",\"severity\":\"note\",\"text\":\"D is "
             "known to 20 %\"",
             1));
    end(&self);
}

static void
the_same_event_is_told_once_also_after_a_restart(void **state)
{
    (void)state;
    for (int life = 0; life < 3; life++) {
        stage self;
        begin(&self, record, "converged,gap", 0, 2);
        tell(&self, 1, IW_EVENT_converged, 1, "once");
        tell(&self, 1, IW_EVENT_converged, 1, "once");
        tell(&self, 1, IW_EVENT_restart, 1, "not asked for");
        tell(&self, 1, IW_EVENT_gap, 5, "older");
        tell(&self, 1, IW_EVENT_gap, 4, "once");
        end(&self);
    }
    assert_int_equal(count_told("converged|"), 1);
    assert_int_equal(count_told("gap|"), 1);
    assert_int_equal(count_told("restart|"), 0);
}

static void
one_kind_of_one_run_rests_between_two_notices(void **state)
{
    (void)state;
    stage self;
    begin(&self, record, "all", 3600, 2);
    for (uint64_t n = 1; n <= 20; n++)
        tell(&self, 1, IW_EVENT_stalled, n, "again");
    tell(&self, 1, IW_EVENT_gap, 1, "of another kind");
    tell(&self, 2, IW_EVENT_stalled, 1, "of another run");
    end(&self);
    assert_int_equal(count_told("stalled|"), 2);
    assert_int_equal(count_told("gap|"), 1);
}

/* What the notices say of notices that were left out. */
static uint64_t
sum_left_out(void)
{
    char path[100], line[1000];
    uint64_t sum = 0;
    (void)snprintf(path, sizeof path, "%s/told.txt", folder);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        char *end = strstr(line, " notices were left out"), *at = end;
        while (at && at > line && at[-1] != '|')
            at--;
        sum += at ? strtoull(at, NULL, 10) : 0;
    }
    if (file)
        (void)fclose(file);
    return sum;
}

/* What nobody waits for: the sender is done long before the first command is. */
static void
a_thousand_at_once_are_told_as_far_as_there_is_room(void **state)
{
    (void)state;
    stage self;
    begin(&self, record, "all", 0, 4);
    for (int run = 1; run <= 1000; run++)
        tell(&self, run, IW_EVENT_stalled, 1, "all at once");
    uint64_t later = 0; /* until there is room again */
    struct timespec pause = {.tv_nsec = 20000000};
    for (int i = 0; i < 3000 && count_told("gap|") == 0; i++) {
        tell(&self, 7, IW_EVENT_gap, ++later, "later");
        (void)nanosleep(&pause, NULL);
    }
    end(&self);
    size_t n = count_told("stalled|"), gaps = count_told("gap|");
    assert_true(n >= IW_HERALD_WAITING && n < 1000);
    assert_true(gaps >= 1);
    assert_int_equal(self.left_out, 1000 + later - n - gaps);
    assert_int_equal(sum_left_out(), self.left_out);
    assert_int_equal(self.worked, n + gaps + count_told("left_out|"));
    assert_int_equal(self.failed, 0);
}

static void
the_front_door_hears_which_commands_fail(void **state)
{
    (void)state;
    stage self;
    begin(&self, "test \"$IONWATCH_EVENT\" = gap\n", "all", 0, 1);
    tell(&self, 1, IW_EVENT_gap, 1, "good");
    tell(&self, 1, IW_EVENT_converged, 1, "bad");
    tell(&self, 2, IW_EVENT_converged, 1, "bad");
    end(&self);
    assert_int_equal(self.worked, 1);
    assert_int_equal(self.failed, 2);
    assert_int_equal(self.left_out, 0);
}

static void
no_more_run_side_by_side_than_allowed(void **state)
{
    (void)state;
    stage self;
    begin(&self,
          "mkdir \"$1.$$\"; ls -d \"$1\".* | wc -l >> \"$1.n\"; sleep 0.1; rmdir \"$1.$$\"; echo x "
          ">> \"$1\"\n",
          "all", 0, 3);
    for (int run = 1; run <= 12; run++)
        tell(&self, run, IW_EVENT_gap, 1, "");
    assert_true(told("x", 12));
    end(&self);
    char path[100], line[32];
    long most = 0, lines = 0;
    (void)snprintf(path, sizeof path, "%s/told.txt.n", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); lines++) {
        long n = strtol(line, NULL, 10) - 1; /* told.txt.n itself */
        most = n > most ? n : most;
    }
    (void)fclose(file);
    assert_int_equal(lines, 12);
    assert_true(most >= 1 && most <= 3);
}

/* A text that would be a second line of a mail's head, an option, a command. */
static void
hostile_text_stays_data(void **state)
{
    (void)state;
    stage self;
    begin(&self, record, "all", 0, 1);
    tell(&self, 1, IW_EVENT_gap, 1, "a\nBcc: x@y\r\n\033[2J$(touch gotcha)`id`; rm -rf / '\"\\");
    assert_true(told("gap|", 1));
    assert_int_equal(count_told("|a Bcc: x@y   [2J$(touch gotcha)`id`; rm -rf / '\"\\|"), 1);
    assert_int_equal(count_told("a\\nBcc: x@y\\r\\n\\u001B[2J$(touch"), 1);
    end(&self);
    assert_int_equal(access("gotcha", F_OK), -1);
}

static void
variables_replace_those_that_were_there(void **state)
{
    (void)state;
    (void)setenv("IONWATCH_TEXT", "old", 1);
    (void)setenv("IONWATCH_TEXTURE", "mine", 1);
    json_t *json =
        json_pack("{s:s, s:f, s:i, s:n}", "text", "new", "D_cm2_s", 1.25e-5, "frame", 7, "time_ps");
    char **lines = iw_environment_new(json);
    assert_non_null(lines);
    static const char *const wanted[] = {"IONWATCH_TEXT=new", "IONWATCH_D_CM2_S=1.25e-05",
                                         "IONWATCH_FRAME=7",
                                         "IONWATCH_TIME_PS=", "IONWATCH_TEXTURE=mine"};
    for (size_t w = 0; w < 5; w++) {
        size_t n = 0;
        for (char **at = lines; *at; at++)
            n += strcmp(*at, wanted[w]) == 0;
        assert_int_equal(n, 1);
    }
    for (char **at = lines; *at; at++)
        assert_string_not_equal(*at, "IONWATCH_TEXT=old");
    iw_environment_free(&lines);
    assert_null(lines);
    json_decref(json);
}

/* The end of the daemon waits some seconds for a command, not for ever. */
static void
the_end_does_not_wait_for_a_command_that_hangs(void **state)
{
    (void)state;
    stage self;
    struct timespec begun, ended;
    begin(&self, "echo started >> \"$1\"; sleep 600\n", "all", 0, 1);
    tell(&self, 1, IW_EVENT_gap, 1, "");
    assert_true(told("started", 1));
    (void)clock_gettime(CLOCK_MONOTONIC, &begun);
    end(&self);
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    assert_true(ended.tv_sec - begun.tv_sec < 19); /* on_event_timeout_s would be 20 */
}

static void
a_command_or_kinds_that_cannot_be_are_refused(void **state)
{
    (void)state;
    iw_error err;
    void *context = zmq_ctx_new();
    iw_herald_options options = {
        .data = folder, .command = "x 'y", .kinds = "all", .endpoint = "", .at_once = 1};
    assert_null(iw_herald_new(context, &options, &err));
    assert_int_equal(err.code, IW_INVALID);
    options.command = "";
    assert_null(iw_herald_new(context, &options, &err));
    assert_non_null(strstr(err.text, "names no command"));
    options.command = "x";
    options.kinds = "gapp";
    assert_null(iw_herald_new(context, &options, &err));
    assert_non_null(strstr(err.text, "\"gap\""));
    (void)zmq_ctx_term(context);
}

static void
a_test_says_how_the_command_went(void **state)
{
    (void)state;
    iw_error err;
    char text[200] = "";
    iw_herald_options options = {.data = folder,
                                 .command = "sh -c '[ \"$IONWATCH_EVENT\" = test ] || exit 9'",
                                 .kinds = "all",
                                 .endpoint = "",
                                 .timeout_s = 20,
                                 .at_once = 1};
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_non_null(out);
    assert_ok(iw_herald_test(&options, out, &err), err);
    (void)fclose(out);
    assert_non_null(strstr(text, "sh: exit code 0"));
    options.command = "sh -c 'echo out of paper; exit 4'";
    assert_int_equal(iw_herald_test(&options, stdout, &err), IW_IO);
    assert_string_equal(err.text, "exit code 4: out of paper");
    options.command = "no-such-program-here";
    assert_int_equal(iw_herald_test(&options, stdout, &err), IW_NOT_FOUND);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(an_event_comes_as_variables_and_as_json),
        CASE(the_same_event_is_told_once_also_after_a_restart),
        CASE(one_kind_of_one_run_rests_between_two_notices),
        CASE(a_thousand_at_once_are_told_as_far_as_there_is_room),
        CASE(the_front_door_hears_which_commands_fail),
        CASE(no_more_run_side_by_side_than_allowed),
        CASE(hostile_text_stays_data),
        CASE(variables_replace_those_that_were_there),
        CASE(the_end_does_not_wait_for_a_command_that_hangs),
        CASE(a_command_or_kinds_that_cannot_be_are_refused),
        CASE(a_test_says_how_the_command_went),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
