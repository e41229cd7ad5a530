/* SPDX-License-Identifier: BSD-3-Clause */
#include "frame.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

iw_status
iw_uuid_new(char text[IW_ID_LENGTH + 1], iw_error *err)
{
    unsigned char b[16];
    size_t have = 0;
    while (have < sizeof b) {
        ssize_t n = getrandom(b + have, sizeof b - have, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return iw_fail_errno(err, "no random bytes for a run id");
        }
        have += (size_t)n;
    }
    b[6] = (unsigned char)((b[6] & 0x0F) | 0x40); /* version 4, variant 1 */
    b[8] = (unsigned char)((b[8] & 0x3F) | 0x80);
    (void)snprintf(text, IW_ID_LENGTH + 1,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
                   b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                   b[14], b[15]);
    return IW_OK;
}

bool
iw_uuid_valid(const char *text)
{
    if (!text)
        return false;
    for (int i = 0; i < IW_ID_LENGTH; i++) {
        char c = text[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return text[IW_ID_LENGTH] == '\0';
}
