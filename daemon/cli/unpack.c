/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unpack.c - ionwatch unpack: the plain journal back from a packed one. */
#include "cli.h"

#include "adapters/iwlog/packlog.h"

#include <unistd.h>

static bool
interrupted(void *unused)
{
    (void)unused;
    return iw_interrupted();
}

iw_exit
iw_command_unpack(const iw_settings *settings)
{
    const iw_packlog_watch watch = {interrupted, NULL};
    iw_error err = {0};
    uint64_t lost = 0;
    if (!settings->output) {
        iw_complain(settings, "where to?  --output FILE names the new file");
        return IW_EXIT_USAGE;
    }
    iw_status status =
        iw_packlog_unpack(settings->operands[0], settings->output, &watch, &lost, &err);
    if (status != IW_OK) {
        if (status == IW_CLOSED || status == IW_IO) /* it is ours and only a part */
            (void)unlink(settings->output);
        iw_complain_error(settings, &err);
        return status == IW_CLOSED ? IW_EXIT_INTERRUPTED : IW_EXIT_FAILURE;
    }
    if (lost > 0) {
        iw_complain(settings,
                    "%s is damaged: %llu bytes of the journal are lost and stand as zeros in %s, "
                    "whose other records are whole",
                    settings->operands[0], (unsigned long long)lost, settings->output);
        return IW_EXIT_FAILURE;
    }
    return IW_EXIT_OK;
}
