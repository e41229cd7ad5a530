/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_ARRHENIUS_REPORT_H
#define IW_ARRHENIUS_REPORT_H
/*
 * arrhenius_report.h - the runs of one material at several temperatures and the line through them,
 * as JSON: what `ionwatch arrhenius` prints and what the table "materials" of a database holds.
 *
 *   {"material", "group",
 *    "points": [{"run", "name", "state", "source", "temperature_K", "D_cm2_s": {"value", "stderr"},
 *                "used", "left_out", "residual_sigma", "E_a_without_eV"}],     from cold to hot
 *    "fit": null or {"E_a_eV": {"value", "stderr", "ci95"}, "ln_D0": {"value", "stderr"},
 *            "D0_cm2_s", "D_cm2_s": {"temperature_K", "value", "stderr", "ci95"},
 *            "runs", "temperatures", "temperature_range_K": [coldest, hottest],
 *            "chi2", "degrees_of_freedom", "p_value", "errors_widened",
 *            "E_a_without_one_eV": [lo, hi], "reach"},
 *    "reason": why there is no fit, or null, "warnings": [..]}
 */
#include "error.h"

#include <jansson.h>

/* runs: array of {"source": "filed" or "live", "record": as of publish/json.h}; a run is counted
 * once, by its id, the first time.  A new reference in *out.  INVALID: at_K is not above zero.
 * NO_MEMORY. */
iw_status iw_arrhenius_report(const char *material, const char *group, const json_t *runs,
                              double at_K, json_t **out, iw_error *err);

#endif
