/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int
store_folder_make(store_folder *self)
{
    (void)snprintf(self->folder, sizeof self->folder, "/tmp/iw-store-XXXXXX");
    if (!mkdtemp(self->folder))
        return -1;
    (void)snprintf(self->path, sizeof self->path, "%s/runs.db", self->folder);
    return 0;
}

int
store_folder_remove(const store_folder *self)
{
    static const char *const tails[] = {"", "-wal", "-shm", "-journal"};
    char name[160];
    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        (void)snprintf(name, sizeof name, "%s%s", self->path, tails[i]);
        (void)unlink(name);
    }
    return rmdir(self->folder);
}
