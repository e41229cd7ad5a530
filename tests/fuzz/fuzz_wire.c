/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a message: decoding ends with a status, and what it accepts can be said again. */
#include "wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iw_run_info run;
    iw_message message;
    iw_message again;
    iw_buffer bytes = {0};
    iw_frame frame;
    iw_error err;
    iw_run_info_init(&run);
    iw_message_init(&message, IW_MSG_PING);
    message.run = &run;
    if (iw_wire_decode(data, size, &message, &err) == IW_OK) {
        if (message.type == IW_MSG_FRAME) {
            (void)iw_frame_view_check(&message.frame, &err);
            if (iw_frame_init(&frame, message.frame.n_atoms, &err) == IW_OK &&
                iw_frame_view_load(&message.frame, &frame, &err) != IW_OK)
                abort();
            iw_frame_fini(&frame);
        }
        /* A text that must be there may be empty in the bytes: encoding says so. */
        iw_status status = iw_wire_encode(&message, &bytes, &err);
        iw_message_init(&again, IW_MSG_PING);
        if (status == IW_OK && iw_wire_decode(bytes.data, bytes.size, &again, &err) != IW_OK)
            abort();
        if (status != IW_OK && status != IW_INVALID)
            abort();
    }
    iw_buffer_fini(&bytes);
    iw_run_info_fini(&run);
    return 0;
}
