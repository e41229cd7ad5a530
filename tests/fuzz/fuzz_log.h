/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_FUZZ_LOG_H
#define IW_FUZZ_LOG_H
/* fuzz_log.h - a frame log made of choices: whole records with right checksums, whose messages say
 * what they like, and sometimes damage.  Random bytes alone would never pass the checksums. */
#include "framelog_record.h"
#include "fuzz_input.h"

#include <math.h>
#include <stdlib.h>

#define FUZZ_RUN_ID "7f3c1a52-90ab-4cde-8f01-2345678901cd"

enum { FUZZ_ATOMS_MOST = 5, FUZZ_LOG_TEXT = 450 };

static inline void
fuzz_append(iw_buffer *out, const void *data, size_t size)
{
    if (size > 0 && iw_buffer_append(out, data, size, NULL) != IW_OK)
        abort();
}

static inline void
fuzz_run(fuzz_input *in, iw_run_info *run)
{
    static const char *const species[FUZZ_ATOMS_MOST] = {"Li", "S", "Li", "P", "S"};
    char key[40], value[FUZZ_LOG_TEXT];
    uint8_t choice = fuzz_byte(in);
    iw_run_info_init(run);
    memcpy(run->id, FUZZ_RUN_ID, sizeof run->id);
    if (iw_run_info_set_atoms(run, 1 + choice % FUZZ_ATOMS_MOST, species, NULL) != IW_OK)
        abort();
    run->timestep_fs = choice & 8 ? fuzz_double(in) : 1;
    run->stride = choice & 16 ? (int64_t)(fuzz_u64(in) & INT64_MAX) : 1;
    run->temperature_K = choice & 32 ? fuzz_double(in) : 600;
    run->wrapped = (choice & 64) != 0;
    if (choice & 128)
        for (uint8_t n = fuzz_byte(in) % 4; n > 0; n--) {
            (void)fuzz_text(in, key, sizeof key);
            (void)iw_run_info_set_metadata(run, key, fuzz_text(in, value, sizeof value), NULL);
        }
}

/* Positions are those of a crystal, moved a little by the frame's number, but where told. */
static inline void
fuzz_frame(fuzz_input *in, iw_frame_view *frame, double pos[], double vel[], uint64_t seq)
{
    uint8_t choice = fuzz_byte(in);
    memset(frame, 0, sizeof *frame);
    frame->seq = seq;
    frame->n_atoms = choice & 1 ? 1U + fuzz_byte(in) % FUZZ_ATOMS_MOST : FUZZ_ATOMS_MOST;
    frame->step = choice & 2 ? (int64_t)(fuzz_u64(in) % INT64_MAX) - IW_STEP_MAX : (int64_t)seq;
    frame->time_fs = choice & 4 ? fuzz_double(in) : (double)seq;
    frame->has_cell = (choice & 8) == 0;
    for (int i = 0; i < 9; i++)
        frame->cell_A[i] = choice & 16 ? fuzz_double(in) : i % 4 == 0 ? 10 : 0;
    for (size_t i = 0; i < 3 * frame->n_atoms; i++) {
        pos[i] = choice & 32 ? fuzz_double(in) : (double)i + 0.1 * sin((double)(seq * (i + 1)));
        vel[i] = choice & 64 ? fuzz_double(in) : 0.001 * cos((double)(seq + i));
    }
    frame->pos = pos;
    frame->has_velocities = (choice & 64) != 0;
    frame->vel = frame->has_velocities ? vel : NULL;
    frame->temperature_K = choice & 128 ? fuzz_double(in) : 600;
    frame->potential_energy_eV = choice & 128 ? fuzz_double(in) : (double)NAN;
    frame->kinetic_energy_eV = (double)NAN;
}

/* The payload of one record; its kind is returned. */
static inline uint32_t
fuzz_payload(fuzz_input *in, uint8_t what, uint64_t seq, iw_buffer *bytes)
{
    static const iw_msg_type others[] = {IW_MSG_BYE, IW_MSG_CONTROL, IW_MSG_FILED, IW_MSG_WELCOME};
    double pos[3 * FUZZ_ATOMS_MOST], vel[3 * FUZZ_ATOMS_MOST];
    iw_message message;
    iw_run_info run;
    size_t got;
    iw_run_info_init(&run);
    iw_buffer_clear(bytes);
    if (what >= 240) { /* anything at all under a right checksum */
        uint32_t kind = 1 + fuzz_byte(in) % IW_FRAMELOG_MAX_KIND;
        const uint8_t *at = fuzz_take(in, fuzz_byte(in), &got);
        fuzz_append(bytes, at, got);
        return kind;
    }
    if (what < 150) {
        iw_message_init(&message, IW_MSG_FRAME);
        fuzz_frame(in, &message.frame, pos, vel, seq);
    } else if (what < 180) {
        iw_message_init(&message, IW_MSG_HELLO);
        fuzz_run(in, &run);
        message.run = &run;
        memcpy(message.run_id, run.id, sizeof message.run_id);
        if (what % 2)
            memcpy(message.adapter, run.id, sizeof message.adapter);
    } else {
        iw_message_init(&message, others[what % 4]);
        message.seq = seq;
        message.stop = true;
        (void)fuzz_text(in, message.text, sizeof message.text);
    }
    (void)iw_wire_encode(&message, bytes, NULL); /* what cannot be said is an empty record */
    iw_run_info_fini(&run);
    return message.type;
}

/* A whole log.  It begins with a HELLO unless the first byte says otherwise. */
static inline void
fuzz_log(fuzz_input *in, iw_buffer *out)
{
    unsigned char head[IW_FRAMELOG_HEAD];
    iw_buffer bytes = {0};
    uint64_t seq = 0;
    bool first = fuzz_byte(in) < 240;
    fuzz_append(out, iw_framelog_header, IW_FRAMELOG_HEADER);
    while (in->left > 0) {
        uint8_t what = first ? 160 : fuzz_byte(in);
        uint8_t how = first ? 0 : fuzz_byte(in);
        first = false;
        seq = how < 200   ? seq + (what < 150)
              : how < 230 ? seq + how - 199
                          : fuzz_u64(in) >> how % 64;
        uint32_t kind = fuzz_payload(in, what, seq, &bytes);
        iw_framelog_head_fill(head, kind | (how & 1 ? IW_FRAMELOG_MARK : 0), seq, bytes.data,
                              bytes.size);
        if (how == 255) /* damage */
            head[fuzz_byte(in) % sizeof head] ^= 1;
        fuzz_append(out, head, sizeof head);
        fuzz_append(out, bytes.data, bytes.size);
        if (how == 254) { /* a torn record */
            size_t cut = fuzz_byte(in);
            out->size -= cut < bytes.size ? cut : bytes.size;
        }
    }
    iw_buffer_fini(&bytes);
}

#endif
