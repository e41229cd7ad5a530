/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow_disk.c - loaded into a daemon by LD_PRELOAD: nothing gets durable while the file that
 * IONWATCH_SLOW_DISK names is there. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The C library's own name for the parameter is not for others. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
__attribute__((visibility("default"))) int
fdatasync(int file)
{
    int (*real)(int) = NULL;
    void *symbol = dlsym(RTLD_NEXT, "fdatasync");
    const char *sign = getenv("IONWATCH_SLOW_DISK");
    memcpy(&real, &symbol, sizeof real);
    while (sign && access(sign, F_OK) == 0)
        (void)usleep(20000);
    return real(file);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
