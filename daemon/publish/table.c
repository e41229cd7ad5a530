/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - a record as people read it.  Works from the JSON alone: a remote run prints the same.
 */
#include "publish/json.h"
#include "publish/values.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { WIDTH = 79, CELL = 40, LINE = 700, BRACKETED = 10 };

static const char *
species_name(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "?";
}

void
iw_printable(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
        else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* the controls U+0080 to U+009F */
            at[0] = at[1] = '?';
    }
}

/* A text of the record, fit to be printed: what does not fit in LINE is cut. */
static const char *
words(const json_t *object, const char *key, char line[LINE])
{
    (void)snprintf(line, LINE, "%s", iw_text_at(object, key));
    iw_printable(line);
    return line;
}

/* "-" for what is not known. */
static const char *
fixed(char cell[CELL], double value, int decimals)
{
    if (isfinite(value))
        (void)snprintf(cell, CELL, "%.*f", decimals, value);
    else
        (void)snprintf(cell, CELL, "-");
    return cell;
}

static const char *
scientific(char cell[CELL], double value)
{
    if (isfinite(value))
        (void)snprintf(cell, CELL, "%.2e", value);
    else
        (void)snprintf(cell, CELL, "-");
    return cell;
}

static const char *
general(char cell[CELL], double value, int digits)
{
    if (isfinite(value))
        (void)snprintf(cell, CELL, "%.*g", digits, value);
    else
        (void)snprintf(cell, CELL, "-");
    return cell;
}

/* The error to two digits, the value to the same place: "(1.11 +- 0.12)e-05". */
static const char *
with_error(char cell[CELL], double value, double error)
{
    if (!isfinite(value) || !isfinite(error) || !(error > 0.0))
        return scientific(cell, value);
    int decade = (int)floor(log10(fmax(fabs(value), error)));
    int decimals = decade - (int)floor(log10(error)) + 1;
    if (decimals > 6)
        decimals = 6;
    double unit = pow(10.0, decade);
    (void)snprintf(cell, CELL, "(%.*f +- %.*f)e%+03d", decimals, value / unit, decimals,
                   error / unit, decade);
    return cell;
}

/* Words after a hanging indent, folded at WIDTH. */
static void
paragraph(FILE *out, int indent, const char *words)
{
    int column = indent;
    while (*words) {
        size_t n = strcspn(words, " ");
        if (column > indent && column + 1 + (int)n > WIDTH) {
            (void)fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", (int)n, words);
        column += (int)n;
        words += n;
        words += strspn(words, " ");
    }
    (void)fputc('\n', out);
}

/* Adds to a line what still fits: records may come from afar. */
static void __attribute__((format(printf, 2, 3))) append(char line[LINE], const char *format, ...)
{
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + used, LINE - used, format, args);
    va_end(args);
}

static void
print_run(FILE *out, const json_t *run)
{
    char a[CELL], b[CELL];
    char title[LINE], state[LINE], code[LINE];
    (void)fprintf(out, "%s  %s  %s\n", words(run, *iw_text_at(run, "name") ? "name" : "id", title),
                  words(run, "state", state), words(run, "code", code));
    double segments = iw_number_at(run, "segments");
    (void)fprintf(out, "  %.0f frames of %.0f atoms, %s fs apart: %s ps",
                  iw_number_at(run, "frames"), iw_number_at(run, "atoms"),
                  general(a, iw_number_at(run, "dt_fs"), 6),
                  general(b, iw_number_at(run, "time_ps"), 6));
    if (segments > 1.0)
        (void)fprintf(out, " in %.0f segments", segments);
    if (isfinite(iw_number_at(run, "temperature_K")))
        (void)fprintf(out, "\n  temperature %s K",
                      general(a, iw_number_at(run, "temperature_K"), 5));
    else
        (void)fprintf(out, "\n  temperature not known (E_vib, F_vib, S_vib and C_V need it)");
    if (isfinite(iw_number_at(run, "temperature_measured_K")))
        (void)fprintf(out, " (measured %s K)",
                      fixed(a, iw_number_at(run, "temperature_measured_K"), 1));
    (void)fprintf(out, "%svelocities: %s, drift: %s\n",
                  isfinite(iw_number_at(run, "temperature_K")) ? ", " : "\n  ",
                  words(run, "velocity_source", state), words(run, "drift", code));
    const json_t *mobile = json_object_get(run, "mobile");
    if (*iw_text_at(run, "material"))
        (void)fprintf(out, "  material: %s\n", words(run, "material", title));
    (void)fprintf(out, "  mobile:");
    for (size_t m = 0; m < json_array_size(mobile); m++)
        (void)fprintf(out, " %.*s", IW_SPECIES_LENGTH, species_name(json_array_get(mobile, m)));
    (void)fprintf(out, "%s\n", json_array_size(mobile) ? "" : " none known");
}

/* What is left out of the averages; silent where nothing is and nothing was found. */
static void
print_equilibration(FILE *out, const json_t *equilibration)
{
    char line[LINE] = "", reason[LINE];
    double skipped = iw_number_at(equilibration, "skipped_frames");
    double detected_ps = iw_number_at(equilibration, "detected_ps");
    if (skipped > 0.0)
        append(line, "left out at the start: %.5g ps (%.0f frames); %.6g ps are averaged",
               iw_number_at(equilibration, "skipped_ps"), skipped,
               iw_number_at(equilibration, "averaged_ps"));
    else if (detected_ps > 0.0)
        append(line, "not settled in the first %.5g ps, nothing is left out", detected_ps);
    else
        return;
    if (detected_ps > 0.0)
        append(line, "; %s", words(equilibration, "reason", reason));
    iw_printable(line);
    (void)fprintf(out, "  ");
    paragraph(out, 4, line);
}

static void
print_diffusion(FILE *out, json_t *groups, const json_t *run)
{
    char a[CELL], b[CELL], c[CELL], d[CELL];
    const char *name;
    json_t *group;
    (void)fprintf(out, "\nDiffusion, cm2/s (MSD every %s fs, all origins, lags to half the run)\n",
                  general(a, iw_number_at(run, "msd_dt_fs"), 6));
    (void)fprintf(out, "  %-9s %5s %-19s %-20s %9s %9s\n", "group", "atoms", " D", " 95 % interval",
                  "Einstein", "Gr.-Kubo");
    json_object_foreach(groups, name, group)
    {
        const json_t *D = json_object_get(group, "D_cm2_s");
        const json_t *interval = json_object_get(D, "ci95");
        const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
        char range[2 * CELL + 8] = "-";
        if (json_is_number(low) && json_is_number(high))
            (void)snprintf(range, sizeof range, "%s .. %s", scientific(a, json_number_value(low)),
                           scientific(b, json_number_value(high)));
        else if (json_is_number(low))
            (void)snprintf(range, sizeof range, "above %s", scientific(a, json_number_value(low)));
        (void)fprintf(out, "  %-9s %5.0f %-19s %-20s %9s %9s\n", name, iw_number_at(group, "atoms"),
                      with_error(a, iw_number_at(D, "value"), iw_number_at(D, "stderr")), range,
                      scientific(c, iw_number_at(group, "D_einstein_cm2_s")),
                      scientific(d, iw_number_at(group, "D_green_kubo_cm2_s")));
    }
    (void)fprintf(out, "\n  %-9s %5s %6s %8s  %-13s %9s %9s %9s\n", "group", "alpha", "N_eff",
                  "error(N)", "fit range, ps", "D_x", "D_y", "D_z");
    json_object_foreach(groups, name, group)
    {
        const json_t *axes = json_object_get(group, "D_axes_cm2_s");
        const json_t *fit = json_object_get(group, "fit_window_ps");
        char range[2 * CELL + 8] = "-";
        if (json_is_number(json_array_get(fit, 0)) && json_is_number(json_array_get(fit, 1)))
            (void)snprintf(range, sizeof range, "%s .. %s",
                           general(a, json_number_value(json_array_get(fit, 0)), 4),
                           general(b, json_number_value(json_array_get(fit, 1)), 4));
        char percent[CELL] = "-";
        double error = iw_number_at(group, "he_relative_error");
        if (isfinite(error))
            (void)snprintf(percent, sizeof percent, "%.0f %%", 100.0 * error);
        (void)fprintf(out, "  %-9s %5s %6s %8s  %-13s", name,
                      fixed(c, iw_number_at(group, "alpha"), 2),
                      general(d, iw_number_at(group, "effective_hops"), 3), percent, range);
        for (size_t k = 0; k < 3; k++) {
            (void)fprintf(out, " %9s", scientific(a, iw_number_of(json_array_get(axes, k))));
        }
        (void)fputc('\n', out);
    }
}

/* Value and error to two digits of the error: "74.2 +- 5.1"; as with_error where that is long. */
static const char *
plus_minus(char cell[CELL], double value, double error)
{
    if (!isfinite(value) || !isfinite(error) || !(error > 0.0))
        return general(cell, value, 4);
    int decimals = 1 - (int)floor(log10(error));
    if (decimals > 5 || fmax(fabs(value), error) >= 1e6)
        return with_error(cell, value, error);
    decimals = decimals < 0 ? 0 : decimals;
    (void)snprintf(cell, CELL, "%.*f +- %.*f", decimals, value, decimals, error);
    return cell;
}

/* One line: name, value with error, interval; a limit that is null is not known. */
static void
print_estimate(FILE *out, const char *label, const json_t *estimate, const char *unit)
{
    char a[CELL], b[CELL], range[2 * CELL + 40] = "";
    const json_t *interval = json_object_get(estimate, "ci95");
    const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
    const char *value =
        plus_minus(a, iw_number_at(estimate, "value"), iw_number_at(estimate, "stderr"));
    (void)fprintf(out, "  %-29s %-17s %-5s", label, value, unit);
    if (json_is_number(low) && json_is_number(high))
        (void)snprintf(range, sizeof range, "  95 %%: %s .. %s",
                       general(a, json_number_value(low), 3),
                       general(b, json_number_value(high), 3));
    else if (json_is_number(low))
        (void)snprintf(range, sizeof range, "  95 %%: above %s",
                       general(a, json_number_value(low), 3));
    (void)fprintf(out, "%s\n", range);
}

static void
print_transport(FILE *out, const json_t *transport, const json_t *run)
{
    if (!json_is_object(transport))
        return;
    char a[CELL], b[CELL], line[LINE] = "";
    const char *name;
    json_t *charge;
    append(line, "Transport, charges");
    json_object_foreach(json_object_get(transport, "charges_e"), name, charge)
    {
        append(line, " %s %s", name, general(a, json_number_value(charge), 4));
    }
    append(line, " e; ");
    if (isfinite(iw_number_at(transport, "volume_A3")))
        append(line, "volume %s A3", general(a, iw_number_at(transport, "volume_A3"), 6));
    else
        append(line, "no cell, so no conductivity");
    if (!isfinite(iw_number_at(run, "temperature_K")))
        append(line, "; temperature not known, so no conductivity");
    iw_printable(line);
    (void)fputc('\n', out);
    paragraph(out, 2, line);
    print_estimate(out, "conductivity, collective",
                   json_object_get(transport, "conductivity_mS_cm"), "mS/cm");
    print_estimate(out, "conductivity, Nernst-Einstein",
                   json_object_get(transport, "conductivity_nernst_einstein_mS_cm"), "mS/cm");
    print_estimate(out, "Haven ratio", json_object_get(transport, "haven_ratio"), "");
    const json_t *carriers = json_object_get(transport, "carriers");
    const json_t *fit = json_object_get(transport, "fit_window_ps");
    line[0] = '\0';
    append(line, "carriers%s", json_array_size(carriers) ? "" : " none");
    for (size_t c = 0; c < json_array_size(carriers); c++)
        append(line, " %s", species_name(json_array_get(carriers, c)));
    if (json_is_number(json_array_get(fit, 0)))
        append(line, "; charge MSD fitted from %s to %s ps",
               general(a, json_number_value(json_array_get(fit, 0)), 4),
               general(b, json_number_value(json_array_get(fit, 1)), 4));
    if (*iw_text_at(transport, "warning"))
        append(line, "; %s", iw_text_at(transport, "warning"));
    iw_printable(line);
    (void)fputs("  ", out);
    paragraph(out, 2, line);
}

/* Decimals that suit a vibrational unit. */
static int
decimals_for(const char *unit)
{
    return strcmp(unit, "meV/K") == 0 ? 5 : strcmp(unit, "kB/atom") == 0 ? 3 : 2;
}

/* The error in units of the last digits of the value, to two digits: "32.06(12)".  Fewer where that
 * is wider than the column; decimals as usual where the error is not known. */
static const char *
bracketed(char cell[CELL], double value, double error, int decimals)
{
    if (!isfinite(value) || !isfinite(error) || !(error > 0.0) || error >= 1e6 ||
        fabs(value) >= 1e9)
        return fixed(cell, value, decimals);
    int digits = 1 - (int)floor(log10(error));
    digits = digits < 0 ? 0 : digits > 6 ? 6 : digits;
    do
        (void)snprintf(cell, CELL, "%.*f(%.0f)", digits, value,
                       fmax(1.0, round(error * pow(10.0, digits))));
    while (strlen(cell) > BRACKETED && digits-- > 0);
    return cell;
}

/* One table, a column for each vibrational row of the catalogue whose values are per atom or not.
 */
static void
print_vibration(FILE *out, json_t *groups, bool paper, bool per_atom)
{
    char cell[CELL];
    const char *name;
    json_t *group;
    const iw_descriptor_row *row;
    for (int line = 0; line < 2; line++) {
        (void)fprintf(out, "  %-9s", line == 0 ? "group" : "");
        for (row = iw_descriptor_catalogue; row->key; row++) {
            if (strcmp(row->category, "vibrational") == 0 &&
                (strstr(row->unit, "atom") != NULL) == per_atom)
                (void)fprintf(out, " %*s", BRACKETED, line == 0 ? row->symbol : row->unit);
        }
        (void)fputc('\n', out);
    }
    json_object_foreach(groups, name, group)
    {
        const json_t *from = paper ? json_object_get(group, "paper") : group;
        const json_t *errors = paper ? NULL : json_object_get(group, "stderr");
        (void)fprintf(out, "  %-9s", name);
        for (row = iw_descriptor_catalogue; row->key; row++) {
            if (strcmp(row->category, "vibrational") == 0 &&
                (strstr(row->unit, "atom") != NULL) == per_atom)
                (void)fprintf(out, " %*s", BRACKETED,
                              bracketed(cell, iw_number_at(from, row->key),
                                        iw_number_at(errors, row->key), decimals_for(row->unit)));
        }
        (void)fputc('\n', out);
    }
}

static void
print_green_kubo(FILE *out, json_t *groups)
{
    char a[CELL], b[CELL];
    const char *name;
    json_t *group;
    (void)fprintf(out,
                  "  D of Green and Kubo over the VACF window, and its plateau, cm2/s\n  %-9s "
                  "%-21s %-21s %s\n",
                  "group", " Gr.-Kubo", " plateau", "lags, fs");
    json_object_foreach(groups, name, group)
    {
        const json_t *plateau = json_object_get(group, "D_green_kubo_plateau_cm2_s");
        const json_t *lags = json_object_get(plateau, "lag_fs");
        char range[2 * CELL + 8] = "-";
        if (json_is_number(json_array_get(lags, 0)) && json_is_number(json_array_get(lags, 1)))
            (void)snprintf(range, sizeof range, "%s .. %s",
                           general(a, json_number_value(json_array_get(lags, 0)), 6),
                           general(b, json_number_value(json_array_get(lags, 1)), 6));
        (void)fprintf(
            out, "  %-9s %-21s %-21s %s\n", name,
            with_error(a, iw_number_at(group, "D_green_kubo_cm2_s"),
                       iw_number_at(group, "D_green_kubo_stderr_cm2_s")),
            with_error(b, iw_number_at(plateau, "value"), iw_number_at(plateau, "stderr")), range);
    }
}

static bool
has_paper(json_t *groups)
{
    const char *name;
    json_t *group;
    json_object_foreach(groups, name, group)
    {
        if (json_is_object(json_object_get(group, "paper")))
            return true;
    }
    return false;
}

static void
print_vibrations(FILE *out, json_t *groups, const json_t *run)
{
    char a[CELL], b[CELL], c[CELL];
    double temperature_K = iw_number_at(run, "temperature_K");
    (void)fprintf(out,
                  "\nVibrations by method \"physical\": mass-weighted velocities, VACF to %s ps,\n"
                  "  taper %s, resolution %s meV; ",
                  general(a, iw_number_at(run, "vacf_window_ps"), 4), iw_text_at(run, "taper"),
                  general(b, iw_number_at(run, "vdos_resolution_meV"), 3));
    if (isfinite(temperature_K))
        (void)fprintf(out, "at %s K, ", general(c, temperature_K, 5));
    (void)fprintf(out, "per mode\n");
    print_vibration(out, groups, false, false);
    if (isfinite(temperature_K)) {
        (void)fprintf(out, "  per atom (three modes)\n");
        print_vibration(out, groups, false, true);
    }
    print_green_kubo(out, groups);
    if (!has_paper(groups))
        return;
    (void)fprintf(out,
                  "\nVibrations by method \"paper\": forward differences of frames %s fs apart,\n"
                  "  no masses, full length, no taper; per mode\n",
                  general(a, iw_number_at(run, "paper_spacing_fs"), 6));
    print_vibration(out, groups, true, false);
}

/* "; about 120 ps more to the target (60 to 200 ps)" */
static void
append_prediction(char line[LINE], const json_t *convergence)
{
    const json_t *interval = json_object_get(convergence, "predicted_ps_ci95");
    const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
    double more_ps = iw_number_at(convergence, "predicted_ps_to_target");
    if (more_ps > 0.0)
        append(line, "; about %.3g ps more to the target", more_ps);
    else if (isnan(more_ps) && json_number_value(low) > 0.0)
        append(line, "; at least %.3g ps more to the target", json_number_value(low));
    if (more_ps > 0.0 && json_is_number(low) && json_is_number(high))
        append(line, " (%.3g to %.3g ps)", json_number_value(low), json_number_value(high));
    else if (more_ps > 0.0 && json_number_value(low) > 0.0)
        append(line, " (%.3g ps or longer)", json_number_value(low));
}

/* What a rule decided, when, and what came of it. */
static void
print_decision(FILE *out, const json_t *decision, const json_t *run)
{
    char line[LINE] = "";
    bool stops = strcmp(iw_text_at(decision, "action"), "stop") == 0;
    double time_ps = iw_number_at(decision, "time_ps"),
           saved_ps = iw_number_at(decision, "saved_ps");
    double after_ps = iw_number_at(run, "time_ps") - time_ps;
    append(line, "%s at %.6g ps (frame %.0f) by the rule %s: %s",
           stops ? "asked to stop" : "advised to stop", time_ps, iw_number_at(decision, "frame"),
           iw_text_at(decision, "rule"), iw_text_at(decision, "reason"));
    if (saved_ps > 0.0)
        append(line, "; %.4g ps of MD %s", saved_ps, stops ? "saved" : "to save");
    if (!stops && after_ps > 0.0)
        append(line, "; the run went on for %.4g ps", after_ps);
    if (json_is_false(json_object_get(decision, "holds")))
        append(line, "; this no longer holds");
    iw_printable(line);
    (void)fputs("  ", out);
    paragraph(out, 4, line);
}

static void
print_convergence(FILE *out, const json_t *convergence, const json_t *run)
{
    char line[LINE] = "";
    append(line, "%s", iw_text_at(convergence, "state"));
    if (*iw_text_at(convergence, "reason"))
        append(line, ": %s", iw_text_at(convergence, "reason"));
    append_prediction(line, convergence);
    iw_printable(line);
    (void)fprintf(out, "\nConvergence: ");
    paragraph(out, 13, line);
    const json_t *decisions = json_object_get(convergence, "decisions");
    for (size_t d = 0; d < json_array_size(decisions); d++)
        print_decision(out, json_array_get(decisions, d), run);
}

/* Only what is known. */
static void
print_health(FILE *out, const json_t *health)
{
    if (!json_is_object(health))
        return;
    static const struct {
        const char *key, *before, *after;
        int digits;
    } facts[] = {
        {"temperature_recent_K", "temperature of late ", " K", 4},
        {"energy_drift_meV_atom_ps", "energy drift ", " meV per atom and ps", 2},
        {"volume_ratio", "volume ", " of that at first", 4},
        {"lindemann", "Lindemann ratio of the framework ", "", 2},
        {"framework_msd_A2", "its MSD ", " A2", 2},
        {"com_drift_A_ps", "centre of mass ", " A/ps", 2},
        {"refused_frames", "", " frames refused", 9},
    };
    char line[LINE] = "", cell[CELL];
    append(line, "%s: %s", iw_text_at(health, "state"), iw_text_at(health, "reason"));
    iw_printable(line);
    (void)fprintf(out, "\nHealth: ");
    paragraph(out, 8, line);
    line[0] = '\0';
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        double value = iw_number_at(health, facts[f].key), error = NAN;
        if (!isfinite(value) || (f + 1 == sizeof facts / sizeof *facts && value == 0.0))
            continue;
        append(line, "%s%s%s", line[0] ? ", " : "", facts[f].before,
               general(cell, value, facts[f].digits));
        if (strcmp(facts[f].key, "energy_drift_meV_atom_ps") == 0)
            error = iw_number_at(health, "energy_drift_stderr_meV_atom_ps");
        if (isfinite(error))
            append(line, " +- %s", general(cell, error, 2));
        append(line, "%s", facts[f].after);
    }
    if (!line[0])
        return;
    (void)fprintf(out, "        ");
    paragraph(out, 8, line);
}

static void
print_events(FILE *out, const json_t *events)
{
    if (json_array_size(events) == 0)
        return;
    (void)fprintf(out, "\nEvents\n");
    for (size_t e = 0; e < json_array_size(events); e++) {
        const json_t *event = json_array_get(events, e);
        double count = iw_number_at(event, "count");
        char line[LINE] = "", severity[LINE];
        append(line, count > 1.0 ? "%s, %.0f times, first:" : "%s:", iw_text_at(event, "id"),
               count);
        append(line, " %s", iw_text_at(event, "text"));
        iw_printable(line);
        (void)fprintf(out, "  %-8s ", words(event, "severity", severity));
        paragraph(out, 11, line);
    }
}

iw_status
iw_record_print(const json_t *record, FILE *out, iw_error *err)
{
    const json_t *run = json_object_get(record, "run");
    json_t *groups = json_object_get(record, "groups");
    if (!json_is_object(run) || !json_is_object(groups))
        return iw_fail(err, IW_INVALID, "not the record of a run: no \"run\" or no \"groups\"");
    print_run(out, run);
    print_equilibration(out, json_object_get(record, "equilibration"));
    print_diffusion(out, groups, run);
    print_transport(out, json_object_get(record, "transport"), run);
    print_vibrations(out, groups, run);
    print_convergence(out, json_object_get(record, "convergence"), run);
    print_health(out, json_object_get(record, "health"));
    print_events(out, json_object_get(record, "events"));
    if (fflush(out) != 0 || ferror(out))
        return iw_fail_errno(err, "the table could not be written");
    return IW_OK;
}
