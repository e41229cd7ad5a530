/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STANDARD_H
#define IW_STANDARD_H
/* standard.h - standard input, output and error of a program. */

/* First of all: those that whoever started the program left closed are opened so that reading and
 * writing fail as before.  Else a journal or a spool could become standard error, and every message
 * go into it. */
void iw_standard_fill(void);

#endif
