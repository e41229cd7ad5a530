/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_PROCESS_H
#define IW_PROCESS_H
/* process.h - what the kernel says of a process, from proc(5). */
#include <sys/types.h>

/* The number behind a key at the start of a line: ("status", "VmRSS:") in kB.  NAN: it is not
 * there. */
double process_number(pid_t pid, const char *file, const char *key);
/* Open ones; 0 where the process is gone. */
size_t process_descriptors(pid_t pid);

#endif
