/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ENVIRONMENT_H
#define IW_ENVIRONMENT_H
/* environment.h - the variables of a user's command: the daemon's own, and IONWATCH_KEY for each
 * key of a notice.  Control characters become blanks: a text must not become a line of a mail's
 * head. */
#include <jansson.h>

/* NULL: out of memory. */
char **iw_environment_new(json_t *notice);
void iw_environment_free(char ***environment); /* sets it to NULL; NULL is harmless */

#endif
