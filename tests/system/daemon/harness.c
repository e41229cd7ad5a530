/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "harness.h"

#include "process.h"
#include "publish/json.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* What is waited for takes so much longer: IONWATCH_SLOWNESS, for daemons in valgrind. */
static double
slowness(void)
{
    const char *set = getenv("IONWATCH_SLOWNESS");
    return set ? strtod(set, NULL) : 1;
}

void
pause_ms(long ms)
{
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

static void *
dealer(void *context, const char *endpoint)
{
    void *socket = zmq_socket(context, ZMQ_DEALER);
    int none = 0;
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_connect(socket, endpoint), 0);
    return socket;
}

int
harness_begin(void **state)
{
    harness *self = calloc(1, sizeof *self);
    assert_non_null(self);
    (void)snprintf(self->folder, sizeof self->folder, "/tmp/iw-daemon-XXXXXX");
    assert_non_null(mkdtemp(self->folder));
    (void)snprintf(self->endpoint, sizeof self->endpoint, "ipc://%s/socket", self->folder);
    (void)snprintf(self->data, sizeof self->data, "%s/data", self->folder);
    (void)snprintf(self->log, sizeof self->log, "%s/log", self->folder);
    self->context = zmq_ctx_new();
    *state = self;
    return 0;
}

static int
remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int
harness_end(void **state)
{
    harness *self = *state;
    if (self->pid > 0) {
        (void)kill(self->pid, SIGKILL);
        (void)waitpid(self->pid, NULL, 0);
    }
    if (self->reader)
        (void)zmq_close(self->reader);
    for (size_t i = 0; i < 16; i++)
        if (self->peers[i])
            (void)zmq_close(self->peers[i]);
    (void)zmq_ctx_term(self->context);
    (void)nftw(self->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(self);
    return 0;
}

enum { MAX_WORDS = 64 };

/* The words of an environment variable; they stay in the buffer. */
static size_t
add_words(const char *variable, char *buffer, size_t size, const char *argv[MAX_WORDS], size_t n)
{
    const char *set = getenv(variable);
    char *rest = NULL;
    (void)snprintf(buffer, size, "%s", set ? set : "");
    for (char *word = strtok_r(buffer, " ", &rest); word && n + 1 < MAX_WORDS;
         word = strtok_r(NULL, " ", &rest))
        argv[n++] = word;
    return n;
}

void
harness_launch(harness *self, const char *const *options, unsigned long file_limit)
{
    const char *build = getenv("IONWATCH_BUILD");
    char program[4096], wrap[1024], more[1024];
    (void)snprintf(program, sizeof program, "%s/ionwatchd", build ? build : IONWATCH_BUILD_DIR);
    const char *argv[MAX_WORDS + 16] = {NULL};
    size_t n = add_words("IONWATCH_WRAP", wrap, sizeof wrap, argv, 0);
    const char *own[] = {
        program, "--listen",          self->endpoint, "--data",         self->data, "--workers",
        "2",     "--publish-every-s", "0.05",         "--min-free-mib", "0",        "--http",
        "off"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        argv[n++] = own[i];
    for (; options && *options && n + 1 < MAX_WORDS; options++)
        argv[n++] = *options;
    (void)add_words("IONWATCH_DAEMON_OPTIONS", more, sizeof more, argv, n);
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid > 0)
        return;
    for (const char *const *set = self->environment; set && set[0]; set += 2)
        (void)setenv(set[0], set[1], 1);
    int log = open(self->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    (void)dup2(log, STDERR_FILENO);
    if (file_limit > 0) {
        struct rlimit limit = {file_limit, RLIM_INFINITY};
        (void)setrlimit(RLIMIT_FSIZE, &limit);
    }
    (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int
harness_fail(harness *self, const char *const *options)
{
    harness_launch(self, options, 0);
    int status = 0;
    (void)waitpid(self->pid, &status, 0);
    self->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
harness_start(harness *self, const char *const *options, unsigned long file_limit)
{
    harness_launch(self, options, file_limit);
    if (self->reader)
        (void)zmq_close(self->reader);
    self->reader = dealer(self->context, self->endpoint);
    iw_message answer;
    json_t *status = harness_ask(self, "status", "", false, &answer);
    if (!status)
        fail_msg("the daemon does not answer: see %s", self->log);
    json_decref(status);
}

void
harness_kill(harness *self, int number)
{
    int status = 0;
    (void)kill(self->pid, number);
    (void)waitpid(self->pid, &status, 0);
    self->pid = 0;
    if (number == SIGTERM) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

long
harness_resident_kib(const harness *self)
{
    return (long)process_number(self->pid, "status", "VmRSS:");
}

static bool
is_in_log(const harness *self, const char *text)
{
    FILE *file = fopen(self->log, "r");
    char line[2048];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file))
        found = strstr(line, text) != NULL;
    if (file)
        (void)fclose(file);
    return found;
}

bool
harness_log_has(const harness *self, const char *text)
{
    bool found = is_in_log(self, text);
    if (!found)
        print_message("\"%s\" is not in %s\n", text, self->log);
    return found;
}

void
harness_wait_log(const harness *self, const char *text)
{
    double until = now_s() + 20 * slowness();
    while (now_s() < until && !is_in_log(self, text))
        pause_ms(20);
    assert_true(harness_log_has(self, text));
}

static void
send_message(void *socket, const iw_message *message)
{
    iw_buffer bytes = {0};
    iw_error err;
    assert_ok(iw_wire_encode(message, &bytes, &err), err);
    assert_true(zmq_send(socket, bytes.data, bytes.size, 0) >= 0);
    iw_buffer_fini(&bytes);
}

json_t *
harness_ask(harness *self, const char *verb, const char *arg, bool flag, iw_message *answer)
{
    iw_message ask;
    iw_message_init(&ask, IW_MSG_ASK);
    (void)snprintf(ask.verb, sizeof ask.verb, "%s", verb);
    (void)snprintf(ask.arg, sizeof ask.arg, "%s", arg);
    ask.flag = flag;
    send_message(self->reader, &ask);
    int patience = (int)(30000 * slowness());
    (void)zmq_setsockopt(self->reader, ZMQ_RCVTIMEO, &patience, sizeof patience);
    zmq_msg_t bytes;
    (void)zmq_msg_init(&bytes);
    json_t *json = NULL;
    iw_message_init(answer, IW_MSG_ANSWER);
    answer->status = IW_TIMEOUT;
    if (zmq_msg_recv(&bytes, self->reader, 0) >= 0) {
        iw_error err;
        assert_ok(iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), answer, &err), err);
        if (answer->status == IW_OK)
            json = json_loadb(answer->json, answer->json_size, JSON_DECODE_ANY, NULL);
        answer->json = NULL;
    }
    (void)zmq_msg_close(&bytes);
    return json;
}

json_t *
harness_show(harness *self, const char *id, uint64_t frames)
{
    double until = now_s() + 20;
    iw_message answer = {0};
    json_int_t seen = -1;
    while (now_s() < until) {
        json_t *record = harness_ask(self, "show", id, true, &answer);
        seen = json_integer_value(json_object_get(json_object_get(record, "run"), "frames"));
        if (seen == (json_int_t)frames)
            return record;
        json_decref(record);
        pause_ms(20);
    }
    fail_msg("run %s has %lld frames, not %llu: %s", id, (long long)seen,
             (unsigned long long)frames, answer.text);
    return NULL;
}

void
harness_state(harness *self, const char *id, char state[64])
{
    iw_message answer;
    json_t *list = harness_ask(self, "list", "", true, &answer);
    size_t i;
    json_t *run;
    state[0] = '\0';
    json_array_foreach(list, i, run)
    {
        if (strcmp(json_string_value(json_object_get(run, "id")), id) == 0)
            (void)snprintf(state, 64, "%s", json_string_value(json_object_get(run, "state")));
    }
    json_decref(list);
}

void
harness_wait_state(harness *self, const char *id, const char *wanted)
{
    char state[64] = "";
    for (double until = now_s() + 20 * slowness(); now_s() < until; pause_ms(20)) {
        harness_state(self, id, state);
        if (strcmp(state, wanted) == 0)
            return;
    }
    fail_msg("run %s is \"%s\", not \"%s\"", id, state, wanted);
}

void
synthetic_run(iw_run_info *run, size_t n)
{
    iw_error err;
    const char *species[1024];
    assert_true(n <= 1024);
    for (size_t i = 0; i < n; i++)
        species[i] = i % 2 ? "S" : "Li";
    iw_run_info_init(run);
    assert_ok(iw_uuid_new(run->id, &err), err);
    assert_ok(iw_run_info_set_atoms(run, n, species, &err), err);
    run->name = strdup("synthetic");
    run->code = strdup("test");
    run->timestep_fs = 10;
    run->temperature_K = 600;
    run->wrapped = true;
}

/* Each frame can be made alone: the walk is a sum of waves with incommensurate periods. */
void
synthetic_frame(const iw_run_info *run, uint64_t seq, iw_frame *frame)
{
    frame->seq = seq;
    frame->step = (int64_t)seq;
    frame->time_fs = 10.0 * (double)seq;
    frame->has_cell = true;
    frame->has_velocities = false;
    frame->potential_energy_eV = frame->kinetic_energy_eV = frame->temperature_K = (double)NAN;
    for (size_t k = 0; k < 9; k++)
        frame->cell_A[k] = k % 4 == 0 ? 12.0 : 0.0;
    for (size_t i = 0; i < 3 * run->n_atoms; i++) {
        double phase = 1.7 * (double)i;
        double t = (double)seq;
        double x = (double)(i % 12) + 3 * sin(0.011 * t + phase) + 0.3 * sin(0.37 * t + 2 * phase) +
                   0.05 * sin(1.9 * t + 3 * phase);
        frame->pos_A[i] = x - 12 * floor(x / 12);
    }
}

json_t *
synthetic_record(const iw_run_info *run, uint64_t n, const char *state)
{
    iw_error err;
    iw_engine_options options;
    iw_engine_options_init(&options);
    iw_engine *engine = iw_engine_new(run, &options, &err);
    iw_frame frame;
    assert_non_null(engine);
    assert_ok(iw_frame_init(&frame, run->n_atoms, &err), err);
    for (uint64_t seq = 1; seq <= n; seq++) {
        synthetic_frame(run, seq, &frame);
        assert_ok(iw_engine_push(engine, &frame, &err), err);
    }
    iw_snapshot *snapshot = iw_engine_snapshot(engine, state, &err);
    assert_non_null(snapshot);
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_SERIES);
    iw_snapshot_unref(&snapshot);
    iw_frame_fini(&frame);
    iw_engine_destroy(&engine);
    return json;
}

static void
assert_same_number(const json_t *actual, const json_t *expected, const char *what)
{
    if (!json_is_number(expected)) {
        if (json_is_number(actual))
            fail_msg("%s is a number, none is expected", what);
        return;
    }
    double a = json_number_value(actual);
    double e = json_number_value(expected);
    if (!json_is_number(actual) || fabs(a - e) > 1e-12 * fabs(e))
        fail_msg("%s = %.17g, expected %.17g", what, a, e);
}

void
assert_same_physics(const json_t *actual, const json_t *expected)
{
    json_t *groups = json_object_get(expected, "groups");
    const char *name;
    json_t *group;
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(actual, "run"), "frames")),
        json_integer_value(json_object_get(json_object_get(expected, "run"), "frames")));
    assert_true(json_object_size(groups) >= 3);
    json_object_foreach(groups, name, group)
    {
        json_t *other = json_object_get(json_object_get(actual, "groups"), name);
        assert_non_null(other);
        assert_same_number(json_object_get(other, "D_einstein_cm2_s"),
                           json_object_get(group, "D_einstein_cm2_s"), name);
        assert_same_number(json_object_get(json_object_get(other, "D_cm2_s"), "value"),
                           json_object_get(json_object_get(group, "D_cm2_s"), "value"), name);
        json_t *mine = json_object_get(json_object_get(other, "msd"), "msd_A2");
        json_t *theirs = json_object_get(json_object_get(group, "msd"), "msd_A2");
        assert_true(json_array_size(theirs) > 10);
        assert_int_equal(json_array_size(mine), json_array_size(theirs));
        for (size_t i = 0; i < json_array_size(theirs); i++)
            assert_same_number(json_array_get(mine, i), json_array_get(theirs, i), name);
    }
    if (!json_equal(json_object_get(actual, "history"), json_object_get(expected, "history")))
        fail_msg("the history is another one");
}

bool
has_event(const json_t *record, const char *id)
{
    size_t i;
    json_t *event;
    json_array_foreach(json_object_get(record, "events"), i, event)
    {
        const char *name = json_string_value(json_object_get(event, "id"));
        if (!name)
            name = json_string_value(json_object_get(event, "kind"));
        if (name && strcmp(name, id) == 0)
            return true;
    }
    return false;
}

void *
peer_open(harness *self)
{
    for (size_t i = 0; i < 16; i++)
        if (!self->peers[i])
            return self->peers[i] = dealer(self->context, self->endpoint);
    fail_msg("too many peers");
    return NULL;
}

void
peer_close(harness *self, void **peer)
{
    for (size_t i = 0; i < 16; i++)
        if (self->peers[i] == *peer)
            self->peers[i] = NULL;
    (void)zmq_close(*peer);
    *peer = NULL;
}

void
peer_hello(void *peer, iw_run_info *run, int version, const char *adapter)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_HELLO);
    message.version = version;
    message.run = run;
    memcpy(message.run_id, run->id, sizeof run->id);
    (void)snprintf(message.adapter, sizeof message.adapter, "%s", adapter);
    send_message(peer, &message);
}

void
peer_frame(void *peer, const iw_frame *frame)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_FRAME);
    iw_frame_view_of(frame, &message.frame);
    send_message(peer, &message);
}

void
peer_bye(void *peer, uint64_t seq, const char *why)
{
    iw_message message;
    iw_message_init(&message, IW_MSG_BYE);
    message.seq = seq;
    (void)snprintf(message.text, sizeof message.text, "%s", why);
    send_message(peer, &message);
}

void
peer_expect(void *peer, iw_msg_type type, iw_message *message)
{
    int patience = 10000;
    (void)zmq_setsockopt(peer, ZMQ_RCVTIMEO, &patience, sizeof patience);
    for (;;) {
        zmq_msg_t bytes;
        iw_error err;
        (void)zmq_msg_init(&bytes);
        if (zmq_msg_recv(&bytes, peer, 0) < 0)
            fail_msg("no message of type %d came", (int)type);
        iw_message_init(message, IW_MSG_PING);
        assert_ok(iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), message, &err), err);
        (void)zmq_msg_close(&bytes);
        if (message->type == type)
            return;
        if (message->type == IW_MSG_REFUSED)
            fail_msg("refused: %s", message->text);
    }
}

void
peer_expect_ack(void *peer, uint64_t seq)
{
    iw_message message;
    do
        peer_expect(peer, IW_MSG_ACK, &message);
    while (message.seq < seq);
}
