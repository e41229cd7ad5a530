/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CLI_ARRHENIUS_H
#define IW_CLI_ARRHENIUS_H
/* arrhenius.h - the line of a material from all of its runs, in the database and at the daemon. */
#include "cli.h"

#define IW_ROOM_TEMPERATURE_K 300.0 /* --at, where it is not given */

/* The report of publish/arrhenius_report.h, for --group and --at; a new reference.  A material that
 * has no runs is a report without points.  Says what is wrong by itself. */
iw_exit iw_arrhenius_of_material(const iw_settings *settings, const char *material,
                                 json_t **report);

#endif
