/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what an IMD engine sends: the first is the number of atoms, the second how long the
 * pieces are in which the rest comes. */
#include "adapters/imd/imd.h"
#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

static void
look_at(const iw_imd *engine, size_t n_atoms)
{
    const iw_imd_frame *frame = iw_imd_frame_of(engine);
    const iw_imd_session *session = iw_imd_session_of(engine);
    if ((frame->positions != NULL) != session->coordinates ||
        (frame->velocities != NULL) != session->velocities)
        abort();
    float copy[3 * UINT8_MAX];
    if (frame->positions)
        memcpy(copy, frame->positions, 3 * n_atoms * sizeof(float));
    if (frame->velocities)
        memcpy(copy, frame->velocities, 3 * n_atoms * sizeof(float));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t n_atoms = data[0], most = data[1] ? data[1] : 1, at = 2;
    iw_error err = {0};
    iw_imd *engine = iw_imd_new(n_atoms, &err);
    if (!engine)
        return 0;
    while (at < size) {
        size_t wanted;
        void *room = iw_imd_room(engine, &wanted);
        if (wanted == 0)
            abort();
        wanted = wanted < most ? wanted : most;
        wanted = wanted < size - at ? wanted : size - at;
        memcpy(room, data + at, wanted);
        at += wanted;
        iw_imd_event event;
        if (iw_imd_took(engine, wanted, &event, &err) != IW_OK)
            break;
        if (event == IW_IMD_FRAMED)
            look_at(engine, n_atoms);
    }
    iw_imd_destroy(&engine);
    return 0;
}
