/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_PROGRAM_H
#define IW_PROGRAM_H
/* program.h - which program this is, as exactly as it can be said. */
#include <stddef.h>

/* The version, and the build id that the linker gave where it did: "0.1.0 fd24cb0040ea...".  Two
 * programs of one text round alike. */
void iw_program_name(char *text, size_t size);

#endif
