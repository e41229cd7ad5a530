/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Adapters whose runs begin, end, break off and go on; readers that come, go, or do not listen. */
#include "soak.h"

#include "ionwatch/ionwatch.h"

#include <signal.h>

enum { ATOMS = 24, SHORTEST = 200, LONGEST = 2500, OVERLAP = 20, FLOOD = 500 };

static volatile sig_atomic_t ended;

static void
note_end(int number)
{
    (void)number;
    ended = 1;
}

static void
catch_end(void)
{
    struct sigaction action = {.sa_handler = note_end};
    (void)sigaction(SIGTERM, &action, NULL);
}

static uint64_t
dice(uint64_t *seed, uint64_t sides)
{
    return iw_test_random(seed) % sides;
}

typedef struct {
    iw_run_info info;
    iw_frame frame;
    ionwatch_run run;
    const char *species[ATOMS];
    bool velocities;
    long pace_ms;
} md_code;

static void
begin_md(md_code *self, const char *folder, uint64_t *seed)
{
    iw_error err;
    synthetic_run(&self->info, ATOMS);
    assert_ok(iw_frame_init(&self->frame, ATOMS, &err), err);
    for (size_t i = 0; i < ATOMS; i++)
        self->species[i] = self->info.species[self->info.kind[i]];
    ionwatch_run_init(&self->run);
    self->run.run_id = self->info.id;
    self->run.name = "soak";
    self->run.code = "soak";
    self->run.n_atoms = ATOMS;
    self->run.species = self->species;
    self->run.timestep = self->info.timestep_fs;
    self->run.temperature_K = 600;
    self->run.spool_dir = folder;
    self->velocities = dice(seed, 2) == 0;
    self->pace_ms = 5 + (long)dice(seed, 30);
}

static void
end_md(md_code *self)
{
    iw_frame_fini(&self->frame);
    iw_run_info_fini(&self->info);
}

static void
stream(md_code *self, ionwatch *handle, uint64_t first, uint64_t last)
{
    for (uint64_t step = first; step <= last && !ended; step++) {
        ionwatch_frame out;
        synthetic_frame(&self->info, step, &self->frame);
        ionwatch_frame_init(&out);
        out.step = (int64_t)step;
        out.time = self->frame.time_fs;
        out.cell = self->frame.cell_A;
        out.pos_f64 = self->frame.pos_A;
        for (size_t i = 0; self->velocities && i < 3 * ATOMS; i++)
            self->frame.vel_A_fs[i] = 0.01 * cos(0.37 * (double)step + 1.7 * (double)i);
        out.vel_f64 = self->velocities ? self->frame.vel_A_fs : NULL;
        (void)ionwatch_send(handle, &out);
        pause_ms(self->pace_ms);
    }
}

/* One run from its start to its end, or to where the code is given up. */
static void
live(const char *endpoint, const char *folder, uint64_t *seed)
{
    md_code code;
    begin_md(&code, folder, seed);
    uint64_t step = 0;
    for (bool over = false; !over && !ended;) {
        ionwatch *handle = ionwatch_open(endpoint, &code.run);
        uint64_t last = step + SHORTEST + dice(seed, LONGEST - SHORTEST);
        stream(&code, handle, step + 1, last);
        /* Half of the codes end; the others stop in the middle and go on from a checkpoint. */
        over = dice(seed, 2) == 0;
        if (over)
            (void)ionwatch_finish(handle, "completed");
        step = last - OVERLAP;
        (void)ionwatch_close(&handle, 5000);
        over |= last > LONGEST;
    }
    end_md(&code);
}

int
soak_be_adapter(const char *endpoint, const char *folder, uint64_t seed)
{
    catch_end();
    while (!ended)
        live(endpoint, folder, &seed);
    return 0;
}

static void
ask(void *socket, const char *verb, const char *arg, bool flag)
{
    iw_message message;
    iw_buffer bytes = {0};
    iw_error err;
    iw_message_init(&message, IW_MSG_ASK);
    (void)snprintf(message.verb, sizeof message.verb, "%s", verb);
    (void)snprintf(message.arg, sizeof message.arg, "%s", arg);
    message.flag = flag;
    assert_ok(iw_wire_encode(&message, &bytes, &err), err);
    (void)zmq_send(socket, bytes.data, bytes.size, ZMQ_DONTWAIT);
    iw_buffer_fini(&bytes);
}

static json_t *
answer(void *socket)
{
    zmq_msg_t bytes;
    iw_message message;
    json_t *json = NULL;
    (void)zmq_msg_init(&bytes);
    iw_message_init(&message, IW_MSG_ANSWER);
    if (zmq_msg_recv(&bytes, socket, 0) >= 0 &&
        iw_wire_decode(zmq_msg_data(&bytes), zmq_msg_size(&bytes), &message, NULL) == IW_OK &&
        message.json)
        json = json_loadb(message.json, message.json_size, 0, NULL);
    (void)zmq_msg_close(&bytes);
    return json;
}

static void *
connect_to(void *context, int type, const char *endpoint)
{
    int none = 0;
    int patience = 3000;
    void *socket = zmq_socket(context, type);
    (void)zmq_setsockopt(socket, ZMQ_LINGER, &none, sizeof none);
    (void)zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    if (type == ZMQ_SUB)
        (void)zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
    (void)zmq_connect(socket, endpoint);
    return socket;
}

static void
look_around(void *context, const char *endpoint, uint64_t *seed)
{
    void *socket = connect_to(context, ZMQ_DEALER, endpoint);
    ask(socket, "list", "", true);
    json_t *list = answer(socket);
    for (int i = 0; i < 10 && json_array_size(list) > 0 && !ended; i++) {
        const json_t *run = json_array_get(list, dice(seed, json_array_size(list)));
        ask(socket, "show", json_string_value(json_object_get(run, "id")), dice(seed, 2) == 0);
        json_decref(answer(socket));
        pause_ms((long)dice(seed, 100));
    }
    json_decref(list);
    (void)zmq_close(socket);
}

static void
subscribe(void *context, const char *endpoint, uint64_t *seed)
{
    char pub[200];
    (void)snprintf(pub, sizeof pub, "%s.pub", endpoint);
    void *socket = connect_to(context, ZMQ_SUB, pub);
    bool slow = dice(seed, 3) == 0;
    for (uint64_t left = dice(seed, 100); left > 0 && !ended; left--) {
        char bytes[64];
        if (slow)
            pause_ms(100);
        else
            (void)zmq_recv(socket, bytes, sizeof bytes, 0);
    }
    (void)zmq_close(socket);
}

/* Asks for much and does not take it. */
static void
flood(void *context, const char *endpoint, uint64_t *seed)
{
    void *socket = connect_to(context, ZMQ_DEALER, endpoint);
    for (int i = 0; i < FLOOD; i++)
        ask(socket, "list", "", true);
    for (uint64_t left = dice(seed, 50); left > 0 && !ended; left--)
        pause_ms(100);
    (void)zmq_close(socket);
}

int
soak_be_reader(const char *endpoint, uint64_t seed)
{
    catch_end();
    void *context = zmq_ctx_new();
    while (!ended) {
        switch (dice(&seed, 4)) {
        case 0:
        case 1:
            look_around(context, endpoint, &seed);
            break;
        case 2:
            subscribe(context, endpoint, &seed);
            break;
        default:
            flood(context, endpoint, &seed);
        }
        pause_ms((long)dice(&seed, 1000));
    }
    return zmq_ctx_term(context);
}
