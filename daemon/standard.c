/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "standard.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void
iw_standard_fill(void)
{
    for (int wanted = STDIN_FILENO; wanted <= STDERR_FILENO; wanted++) {
        int mode = wanted == STDIN_FILENO ? O_WRONLY : O_RDONLY;
        /* the lowest one that is free is this one */
        if (fcntl(wanted, F_GETFD) < 0 && open("/dev/null", mode) != wanted)
            abort(); /* nobody can be told */
    }
}
