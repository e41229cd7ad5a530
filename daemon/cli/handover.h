/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_HANDOVER_H
#define IW_CLI_HANDOVER_H
/*
 * handover.h - commands that the Python package does: this process becomes Python.
 *
 * The package is that of this program: python/ beside it in a build folder, else
 * ../share/ionwatch/python where it is installed.  Python is $IONWATCH_PYTHON, else python3 of the
 * PATH, else /usr/bin/python3: the first that has the modules needed.  Exit code and signals are
 * those of the process that Python now is.
 */
#include "cli.h"

typedef struct {
    const char *module;       /* of the package, with a function main(): "ionwatch.figures" */
    const char *needs;        /* modules of others, with spaces between: "numpy matplotlib" */
    const char *const *words; /* sys.argv[1:], ends with NULL; NULL: none */
    const json_t *input;      /* on its standard input; NULL: the standard input of this process */
} iw_handover;

/* Is the package there?  Else says so: to be called before hours of work. */
iw_exit iw_handover_ready(const iw_settings *settings);

/* Returns only after a failure, which it has told. */
iw_exit iw_handover_run(const iw_settings *settings, const iw_handover *to);

#endif
