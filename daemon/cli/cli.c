/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cli.c - settings as they begin, and messages. */
#include "cli.h"

#include "publish/json.h"

#include <math.h>
#include <stdarg.h>

void
iw_settings_init(iw_settings *settings)
{
    *settings = (iw_settings){.dt_fs = NAN,
                              .temperature_K = NAN,
                              .vacf_window_ps = NAN,
                              .target = NAN,
                              .min_D_cm2_s = NAN,
                              .budget_ps = NAN,
                              .planned_ps = NAN,
                              .cutoff_meV = NAN,
                              .hop_length_A = NAN,
                              .paper_spacing_fs = NAN,
                              .at_K = NAN,
                              .width_mm = NAN,
                              .dpi = NAN,
                              .window_K = 100,
                              .missing = 20,
                              .seed = 1,
                              .timeout_s = 5,
                              .interval_s = 1,
                              .idle_s = INFINITY};
}

void
iw_complain(const iw_settings *settings, const char *format, ...)
{
    char text[4096]; /* names and the daemon's words come from elsewhere */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    iw_printable(text);
    (void)fprintf(stderr, "ionwatch %s: %s\n", settings->command, text);
}

void
iw_complain_error(const iw_settings *settings, const iw_error *err)
{
    iw_complain(settings, "%s", err->text);
}

iw_exit
iw_print_json(const iw_settings *settings, const json_t *value, bool compact)
{
    size_t flags = compact ? JSON_COMPACT : JSON_INDENT(2);
    if (json_dumpf(value, stdout, flags | JSON_ENCODE_ANY) != 0 || putchar('\n') == EOF) {
        iw_complain(settings, "cannot write JSON to standard output");
        return IW_EXIT_FAILURE;
    }
    return IW_EXIT_OK;
}
