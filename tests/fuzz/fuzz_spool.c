/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_spool.c - what a handle finds in its spool folder: two files made by the choices of
 * fuzz_log.h (the first byte says where they part).  It takes them over, or says why not; frames
 * come out in order and once, and all files go once their frames are acknowledged. */
#include "fuzz_log.h"
#include "fuzz_target.h"
#include "outbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 6, ROUNDS = 3000 };

static char folder[40], path[FILES][128];

static void
leave(void)
{
    for (size_t i = 0; i < FILES; i++)
        (void)unlink(path[i]);
    (void)rmdir(folder);
}

static void
prepare(void)
{
    if (folder[0])
        return;
    (void)snprintf(folder, sizeof folder, "/dev/shm/ionwatch-fuzz-XXXXXX");
    if (!mkdtemp(folder) || atexit(leave) != 0)
        abort();
    for (unsigned i = 0; i < FILES; i++)
        (void)snprintf(path[i], sizeof path[i],
                       i ? "%s/ionwatch-%s.spool.%u" : "%s/ionwatch-%s.spool", folder, FUZZ_RUN_ID,
                       i);
}

static void
put(size_t which, fuzz_input *in)
{
    iw_buffer bytes = {0};
    fuzz_log(in, &bytes);
    int fd = open(path[which], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes.data, bytes.size) != (ssize_t)bytes.size || close(fd) != 0)
        abort();
    iw_buffer_fini(&bytes);
}

/* A daemon takes everything. */
static void
drain(iw_outbox *outbox)
{
    iw_error err;
    uint64_t seq, last = 0, last_number = 0;
    iw_outbox_welcome(outbox, 1);
    for (int i = 0; !iw_outbox_is_empty(outbox); i++) {
        if (i == ROUNDS)
            abort();
        if (iw_outbox_refill(outbox, &err) != IW_OK)
            return; /* a file that cannot be read any more: said, and kept */
        for (iw_packet *packet; (packet = iw_outbox_next(outbox, &seq));) {
            if (seq <= last || packet->number <= last_number)
                abort();
            last = seq;
            last_number = packet->number;
        }
        iw_outbox_acknowledge(outbox, last);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static iw_outbox outbox;
    fuzz_input in = {data, size};
    iw_buffer hello = {0};
    iw_run_info run;
    iw_error err;
    prepare();
    uint8_t where = fuzz_byte(&in);
    uint8_t four[1] = {FUZZ_ATOMS_MOST - 1}; /* the choice of all atoms */
    fuzz_input constant = {four, 1};
    fuzz_run(&constant, &run);
    size_t all = in.left, first = all * where / 256;
    in.left = first;
    put(0, &in);
    in.left = all - first;
    if (where < 250)
        put(2, &in);
    iw_message message;
    iw_message_init(&message, IW_MSG_HELLO);
    memcpy(message.run_id, run.id, sizeof message.run_id);
    message.run = &run;
    if (iw_wire_encode(&message, &hello, &err) != IW_OK)
        abort();
    iw_outbox_init(&outbox, 4000);
    if (iw_spool_init(&outbox.spool, folder, FUZZ_RUN_ID, 100000, &hello, &err) != IW_OK)
        abort();
    if (iw_spool_load(&outbox.spool, &run, &err) == IW_OK) {
        iw_outbox_adopt_spool(&outbox);
        drain(&outbox);
    } else if (err.code == IW_OK || !err.text[0]) {
        abort();
    }
    iw_outbox_fini(&outbox);
    iw_buffer_fini(&hello);
    iw_run_info_fini(&run);
    for (size_t i = 0; i < FILES; i++)
        (void)unlink(path[i]);
    return 0;
}
