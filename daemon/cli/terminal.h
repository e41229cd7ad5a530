/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_TERMINAL_H
#define IW_CLI_TERMINAL_H
/*
 * terminal.h - a screen on the terminal and keys from it, through ncursesw, which nothing else
 * here knows.
 *
 * One terminal, one thread.  Keys come as they are, Ctrl-C among them, so that every way out
 * passes iw_terminal_close, which gives the terminal back as it was.
 */
#include "screen.h"

/* Takes the terminal of standard input and output over; *utf8: it shows more than ASCII.  False
 * where there is none, or where it cannot place text ($TERM dumb or unknown). */
bool iw_terminal_open(bool *utf8);
void iw_terminal_close(void);
void iw_terminal_size(int *rows, int *columns);
void iw_terminal_show(const iw_screen *screen);
/* The next key, without waiting; IW_KEY_NONE when there is none. */
int iw_terminal_key(void);

#endif
