/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ARGV_H
#define IW_ARGV_H
/*
 * argv.h - a command line to its words, without a shell.
 *
 * Words are separated by blanks.  Between '...' everything stands for itself; between "..." too,
 * but \" and \\ are a quote and a backslash; elsewhere \ takes the next character as it is.  That
 * is all: no variables, no patterns, no pipes.
 */
#include "error.h"

#include <stdbool.h>
#include <stddef.h>

enum { IW_ARGV_WORDS = 32, IW_ARGV_TEXT = 256 };

typedef struct {
    size_t n;
    char *words[IW_ARGV_WORDS + 1]; /* ends with NULL; they point into text */
    char text[IW_ARGV_TEXT];
} iw_argv;

/* An empty line has no words.  INVALID: a quote or a backslash that is not ended, too many words or
 * characters, a first word that is empty. */
iw_status iw_argv_split(const char *line, iw_argv *argv, iw_error *err);

#endif
