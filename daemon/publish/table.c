/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - a record as people read it.  Works from the JSON alone: a remote run prints the same.
 */
#include "publish/words.h"

#include <math.h>
#include <string.h>

enum { BRACKETED = 10, COLUMNS = 6 };

static const char *
species_name(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "?";
}

/* "-" for what is not known. */
static const char *
fixed(char cell[IW_CELL], double value, int decimals)
{
    if (isfinite(value))
        (void)snprintf(cell, IW_CELL, "%.*f", decimals, value);
    else
        (void)snprintf(cell, IW_CELL, "-");
    return cell;
}

static const char *
scientific(char cell[IW_CELL], double value)
{
    if (isfinite(value))
        (void)snprintf(cell, IW_CELL, "%.2e", value);
    else
        (void)snprintf(cell, IW_CELL, "-");
    return cell;
}

/* The error to two digits, the value to the same place: "(1.11 +- 0.12)e-05". */
static const char *
with_error(char cell[IW_CELL], double value, double error)
{
    if (!isfinite(value) || !isfinite(error) || !(error > 0.0))
        return scientific(cell, value);
    int decade = (int)floor(log10(fmax(fabs(value), error)));
    int decimals = decade - (int)floor(log10(error)) + 1;
    if (decimals > 6)
        decimals = 6;
    double unit = pow(10.0, decade);
    (void)snprintf(cell, IW_CELL, "(%.*f +- %.*f)e%+03d", decimals, value / unit, decimals,
                   error / unit, decade);
    return cell;
}

static bool
is_mobile(const json_t *run, const char *name)
{
    const json_t *mobile = json_object_get(run, "mobile");
    for (size_t m = 0; m < json_array_size(mobile); m++)
        if (strcmp(species_name(json_array_get(mobile, m)), name) == 0)
            return true;
    return false;
}

static bool
is_species(const char *group)
{
    return strcmp(group, "all") != 0 && strcmp(group, "mobile") != 0 &&
           strcmp(group, "framework") != 0;
}

/* A species that is the whole of "mobile" or "framework" has its line there. */
static bool
is_repeated(json_t *groups, const json_t *run, const char *name)
{
    const char *side = is_mobile(run, name) ? "mobile" : "framework";
    return is_species(name) && iw_number_at(json_object_get(groups, name), "atoms") ==
                                   iw_number_at(json_object_get(groups, side), "atoms");
}

/* "  mobile: Li; framework: S P" */
static void
print_sides(FILE *out, const json_t *run, json_t *groups)
{
    const json_t *mobile = json_object_get(run, "mobile");
    const char *name, *before = "; framework:";
    json_t *group;
    (void)fprintf(out, "  mobile:");
    for (size_t m = 0; m < json_array_size(mobile); m++)
        (void)fprintf(out, " %.*s", IW_SPECIES_LENGTH, species_name(json_array_get(mobile, m)));
    (void)fputs(json_array_size(mobile) ? "" : " none known", out);
    json_object_foreach(groups, name, group)
    {
        if (is_species(name) && !is_mobile(run, name)) {
            (void)fprintf(out, "%s %.*s", before, IW_SPECIES_LENGTH, name);
            before = "";
        }
    }
    (void)fputc('\n', out);
}

static void
print_run(FILE *out, const json_t *run, json_t *groups)
{
    char a[IW_CELL], b[IW_CELL];
    char title[IW_LINE], state[IW_LINE], code[IW_LINE];
    (void)fprintf(out, "%s  %s%s%s\n",
                  iw_record_words(run, *iw_text_at(run, "name") ? "name" : "id", title),
                  iw_record_words(run, "state", state), *iw_text_at(run, "code") ? "  " : "",
                  iw_record_words(run, "code", code));
    double segments = iw_number_at(run, "segments");
    (void)fprintf(out, "  %.0f frames of %.0f atoms, %s fs apart: %s ps",
                  iw_number_at(run, "frames"), iw_number_at(run, "atoms"),
                  iw_cell_general(a, iw_number_at(run, "dt_fs"), 6),
                  iw_cell_general(b, iw_number_at(run, "time_ps"), 6));
    if (segments > 1.0)
        (void)fprintf(out, " in %.0f segments", segments);
    if (isfinite(iw_number_at(run, "temperature_K")))
        (void)fprintf(out, "\n  temperature %s K",
                      iw_cell_general(a, iw_number_at(run, "temperature_K"), 5));
    else
        (void)fprintf(out, "\n  temperature not known (E_vib, F_vib, S_vib and C_V need it)");
    if (isfinite(iw_number_at(run, "temperature_measured_K")))
        (void)fprintf(out, " (measured %s K)",
                      fixed(a, iw_number_at(run, "temperature_measured_K"), 1));
    (void)fprintf(out, "%svelocities: %s, drift: %s\n",
                  isfinite(iw_number_at(run, "temperature_K")) ? ", " : "\n  ",
                  iw_record_words(run, "velocity_source", state),
                  iw_record_words(run, "drift", code));
    if (*iw_text_at(run, "material"))
        (void)fprintf(out, "  material: %s\n", iw_record_words(run, "material", title));
    print_sides(out, run, groups);
}

/* What is left out of the averages; silent where nothing is and nothing was found. */
static void
print_equilibration(FILE *out, const json_t *equilibration)
{
    char line[IW_LINE] = "", reason[IW_LINE];
    double skipped = iw_number_at(equilibration, "skipped_frames");
    double detected_ps = iw_number_at(equilibration, "detected_ps");
    double averaged_ps = iw_number_at(equilibration, "averaged_ps");
    if (skipped > 0.0)
        iw_line_append(line, "left out at the start: %.5g ps (%.0f frames)%s",
                       iw_number_at(equilibration, "skipped_ps"), skipped,
                       averaged_ps > 0.0 ? "" : ", all of the run: nothing is averaged");
    if (skipped > 0.0 && averaged_ps > 0.0)
        iw_line_append(line, "; %.6g ps are averaged", averaged_ps);
    if (!(skipped > 0.0) && detected_ps > 0.0)
        iw_line_append(line, "not settled in the first %.5g ps, nothing is left out", detected_ps);
    if (!line[0])
        return;
    if (detected_ps > 0.0)
        iw_line_append(line, "; %s", iw_record_words(equilibration, "reason", reason));
    iw_printable(line);
    (void)fprintf(out, "  ");
    iw_line_paragraph(out, 4, line);
}

static void
print_diffusion(FILE *out, json_t *groups, const json_t *run)
{
    char a[IW_CELL], b[IW_CELL], c[IW_CELL], d[IW_CELL];
    const char *name;
    json_t *group;
    (void)fprintf(out, "\nDiffusion, cm2/s");
    if (isfinite(iw_number_at(run, "msd_dt_fs")))
        (void)fprintf(out, " (MSD every %s fs, all origins, lags to half the run)",
                      iw_cell_general(a, iw_number_at(run, "msd_dt_fs"), 6));
    (void)fputc('\n', out);
    (void)fprintf(out, "  %-9s %5s %-19s %-20s %9s %9s\n", "group", "atoms", " D", " 95 % interval",
                  "Einstein", "Gr.-Kubo");
    json_object_foreach(groups, name, group)
    {
        const json_t *D = json_object_get(group, "D_cm2_s");
        const json_t *interval = json_object_get(D, "ci95");
        const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
        char range[2 * IW_CELL + 8] = "-";
        if (is_repeated(groups, run, name))
            continue;
        if (json_is_number(low) && json_is_number(high))
            (void)snprintf(range, sizeof range, "%s .. %s", scientific(a, json_number_value(low)),
                           scientific(b, json_number_value(high)));
        else if (json_number_value(low) > 0.0)
            (void)snprintf(range, sizeof range, "above %s", scientific(a, json_number_value(low)));
        else if (json_is_number(low))
            (void)snprintf(range, sizeof range, "no limit yet");
        (void)fprintf(out, "  %-9s %5.0f %-19s %-20s %9s %9s\n", name, iw_number_at(group, "atoms"),
                      with_error(a, iw_number_at(D, "value"), iw_number_at(D, "stderr")), range,
                      scientific(c, iw_number_at(group, "D_einstein_cm2_s")),
                      scientific(d, iw_number_at(group, "D_green_kubo_cm2_s")));
    }
}

/* How the lines of the MSD were fitted, and D along the axes; silent before there is a fit. */
static void
print_fit(FILE *out, json_t *groups, const json_t *run)
{
    char a[IW_CELL], b[IW_CELL], c[IW_CELL], d[IW_CELL];
    const char *name;
    json_t *group;
    if (!isfinite(iw_number_at(json_object_get(groups, "all"), "alpha")) &&
        !isfinite(iw_number_at(json_object_get(groups, "mobile"), "alpha")))
        return;
    (void)fprintf(out, "\nFit of the MSD; D along x, y, z, cm2/s\n");
    (void)fprintf(out, "  %-9s %5s %6s %8s  %-13s %9s %9s %9s\n", "group", "alpha", "N_eff",
                  "error(N)", "fit range, ps", "D_x", "D_y", "D_z");
    json_object_foreach(groups, name, group)
    {
        const json_t *axes = json_object_get(group, "D_axes_cm2_s");
        const json_t *fit = json_object_get(group, "fit_window_ps");
        char range[2 * IW_CELL + 8] = "-";
        if (is_repeated(groups, run, name))
            continue;
        if (json_is_number(json_array_get(fit, 0)) && json_is_number(json_array_get(fit, 1)))
            (void)snprintf(range, sizeof range, "%s .. %s",
                           iw_cell_general(a, json_number_value(json_array_get(fit, 0)), 4),
                           iw_cell_general(b, json_number_value(json_array_get(fit, 1)), 4));
        char percent[IW_CELL] = "-";
        double error = iw_number_at(group, "he_relative_error");
        if (isfinite(error))
            (void)snprintf(percent, sizeof percent, "%.0f %%", 100.0 * error);
        (void)fprintf(out, "  %-9s %5s %6s %8s  %-13s", name,
                      fixed(c, iw_number_at(group, "alpha"), 2),
                      iw_cell_general(d, iw_number_at(group, "effective_hops"), 3), percent, range);
        for (size_t k = 0; k < 3; k++) {
            (void)fprintf(out, " %9s", scientific(a, iw_number_of(json_array_get(axes, k))));
        }
        (void)fputc('\n', out);
    }
}

/* Value and error to two digits of the error: "74.2 +- 5.1"; as with_error where that is long. */
static const char *
plus_minus(char cell[IW_CELL], double value, double error)
{
    if (!isfinite(value) || !isfinite(error) || !(error > 0.0))
        return iw_cell_general(cell, value, 4);
    int decimals = 1 - (int)floor(log10(error));
    if (decimals > 5 || fmax(fabs(value), error) >= 1e6)
        return with_error(cell, value, error);
    decimals = decimals < 0 ? 0 : decimals;
    (void)snprintf(cell, IW_CELL, "%.*f +- %.*f", decimals, value, decimals, error);
    return cell;
}

/* One line: name, value with error, interval; a limit that is null is not known. */
static void
print_estimate(FILE *out, const char *label, const json_t *estimate, const char *unit)
{
    char a[IW_CELL], b[IW_CELL], range[2 * IW_CELL + 40] = "";
    const json_t *interval = json_object_get(estimate, "ci95");
    const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
    const char *value =
        plus_minus(a, iw_number_at(estimate, "value"), iw_number_at(estimate, "stderr"));
    (void)fprintf(out, "  %-29s %-17s %-5s", label, value, unit);
    if (json_is_number(low) && json_is_number(high))
        (void)snprintf(range, sizeof range, "  95 %%: %s .. %s",
                       iw_cell_general(a, json_number_value(low), 3),
                       iw_cell_general(b, json_number_value(high), 3));
    else if (json_is_number(low))
        (void)snprintf(range, sizeof range, "  95 %%: above %s",
                       iw_cell_general(a, json_number_value(low), 3));
    (void)fprintf(out, "%s\n", range);
}

static void
print_transport(FILE *out, const json_t *transport, const json_t *run)
{
    if (!json_is_object(transport))
        return;
    char a[IW_CELL], b[IW_CELL], line[IW_LINE] = "";
    const char *name;
    json_t *charge;
    iw_line_append(line, "Transport, charges");
    json_object_foreach(json_object_get(transport, "charges_e"), name, charge)
    {
        iw_line_append(line, " %s %s", name, iw_cell_general(a, json_number_value(charge), 4));
    }
    iw_line_append(line, " e; ");
    if (isfinite(iw_number_at(transport, "volume_A3")))
        iw_line_append(line, "volume %s A3",
                       iw_cell_general(a, iw_number_at(transport, "volume_A3"), 6));
    else
        iw_line_append(line, "no cell, so no conductivity");
    if (!isfinite(iw_number_at(run, "temperature_K")))
        iw_line_append(line, "; temperature not known, so no conductivity");
    iw_printable(line);
    (void)fputc('\n', out);
    iw_line_paragraph(out, 2, line);
    print_estimate(out, "conductivity, collective",
                   json_object_get(transport, "conductivity_mS_cm"), "mS/cm");
    print_estimate(out, "conductivity, Nernst-Einstein",
                   json_object_get(transport, "conductivity_nernst_einstein_mS_cm"), "mS/cm");
    print_estimate(out, "Haven ratio", json_object_get(transport, "haven_ratio"), "");
    const json_t *carriers = json_object_get(transport, "carriers");
    const json_t *fit = json_object_get(transport, "fit_window_ps");
    line[0] = '\0';
    iw_line_append(line, "carriers%s", json_array_size(carriers) ? "" : " none");
    for (size_t c = 0; c < json_array_size(carriers); c++)
        iw_line_append(line, " %s", species_name(json_array_get(carriers, c)));
    if (json_is_number(json_array_get(fit, 0)))
        iw_line_append(line, "; charge MSD fitted from %s to %s ps",
                       iw_cell_general(a, json_number_value(json_array_get(fit, 0)), 4),
                       iw_cell_general(b, json_number_value(json_array_get(fit, 1)), 4));
    if (*iw_text_at(transport, "warning"))
        iw_line_append(line, "; %s", iw_text_at(transport, "warning"));
    iw_printable(line);
    (void)fputs("  ", out);
    iw_line_paragraph(out, 2, line);
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
bracketed(char cell[IW_CELL], double value, double error, int decimals)
{
    if (!isfinite(value) || !isfinite(error) || !(error > 0.0) || error >= 1e6 ||
        fabs(value) >= 1e9)
        return fixed(cell, value, decimals);
    int digits = 1 - (int)floor(log10(error));
    digits = digits < 0 ? 0 : digits > 6 ? 6 : digits;
    do
        (void)snprintf(cell, IW_CELL, "%.*f(%.0f)", digits, value,
                       fmax(1.0, round(error * pow(10.0, digits))));
    while (strlen(cell) > BRACKETED && digits-- > 0);
    return cell;
}

static const json_t *
values_of(const json_t *group, bool paper)
{
    return paper ? json_object_get(group, "paper") : group;
}

static bool
knows(json_t *groups, bool paper, const char *key)
{
    const char *name;
    json_t *group;
    json_object_foreach(groups, name, group)
    {
        if (isfinite(iw_number_at(values_of(group, paper), key)))
            return true;
    }
    return false;
}

/* The vibrational rows of the catalogue that a table has: those whose values are per atom or not,
 * where any group has one. */
static size_t
choose_columns(const iw_descriptor_row *columns[COLUMNS], json_t *groups, bool paper, bool per_atom)
{
    size_t n = 0;
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key && n < COLUMNS; row++) {
        if (strcmp(row->category, "vibrational") == 0 &&
            (strstr(row->unit, "atom") != NULL) == per_atom && knows(groups, paper, row->key))
            columns[n++] = row;
    }
    return n;
}

static bool
has_columns(json_t *groups, bool paper)
{
    const iw_descriptor_row *columns[COLUMNS];
    return choose_columns(columns, groups, paper, false) > 0;
}

static void
print_vibration(FILE *out, json_t *groups, const json_t *run, bool paper, bool per_atom)
{
    char cell[IW_CELL];
    const char *name;
    json_t *group;
    const iw_descriptor_row *columns[COLUMNS];
    size_t n = choose_columns(columns, groups, paper, per_atom);
    if (n == 0)
        return;
    if (per_atom)
        (void)fprintf(out, "  per atom (three modes)\n");
    for (int line = 0; line < 2; line++) {
        (void)fprintf(out, "  %-9s", line == 0 ? "group" : "");
        for (size_t c = 0; c < n; c++)
            (void)fprintf(out, " %*s", BRACKETED,
                          line == 0 ? columns[c]->symbol : columns[c]->unit);
        (void)fputc('\n', out);
    }
    json_object_foreach(groups, name, group)
    {
        const json_t *errors = paper ? NULL : json_object_get(group, "stderr");
        if (is_repeated(groups, run, name))
            continue;
        (void)fprintf(out, "  %-9s", name);
        for (size_t c = 0; c < n; c++)
            (void)fprintf(out, " %*s", BRACKETED,
                          bracketed(cell, iw_number_at(values_of(group, paper), columns[c]->key),
                                    iw_number_at(errors, columns[c]->key),
                                    decimals_for(columns[c]->unit)));
        (void)fputc('\n', out);
    }
}

/* Where the table of D does not say it all: errors and plateaus. */
static bool
has_green_kubo(json_t *groups)
{
    const char *name;
    json_t *group;
    json_object_foreach(groups, name, group)
    {
        if (isfinite(iw_number_at(group, "D_green_kubo_stderr_cm2_s")) ||
            isfinite(iw_number_at(json_object_get(group, "D_green_kubo_plateau_cm2_s"), "value")))
            return true;
    }
    return false;
}

static void
print_green_kubo(FILE *out, json_t *groups, const json_t *run)
{
    char a[IW_CELL], b[IW_CELL];
    const char *name;
    json_t *group;
    if (!has_green_kubo(groups))
        return;
    (void)fprintf(out,
                  "  D of Green and Kubo over the VACF window, and its plateau, cm2/s\n  %-9s "
                  "%-21s %-21s %s\n",
                  "group", " Gr.-Kubo", " plateau", "lags, fs");
    json_object_foreach(groups, name, group)
    {
        const json_t *plateau = json_object_get(group, "D_green_kubo_plateau_cm2_s");
        const json_t *lags = json_object_get(plateau, "lag_fs");
        char range[2 * IW_CELL + 8] = "-";
        if (is_repeated(groups, run, name))
            continue;
        if (json_is_number(json_array_get(lags, 0)) && json_is_number(json_array_get(lags, 1)))
            (void)snprintf(range, sizeof range, "%s .. %s",
                           iw_cell_general(a, json_number_value(json_array_get(lags, 0)), 6),
                           iw_cell_general(b, json_number_value(json_array_get(lags, 1)), 6));
        (void)fprintf(
            out, "  %-9s %-21s %-21s %s\n", name,
            with_error(a, iw_number_at(group, "D_green_kubo_cm2_s"),
                       iw_number_at(group, "D_green_kubo_stderr_cm2_s")),
            with_error(b, iw_number_at(plateau, "value"), iw_number_at(plateau, "stderr")), range);
    }
}

/* Frames too far apart for the spectrum are an event; its numbers must not be read without it. */
static bool
has_event(const json_t *events, const char *id)
{
    for (size_t e = 0; e < json_array_size(events); e++)
        if (strcmp(iw_text_at(json_array_get(events, e), "id"), id) == 0)
            return true;
    return false;
}

static void
print_physical(FILE *out, json_t *groups, const json_t *run, const json_t *events)
{
    char a[IW_CELL], b[IW_CELL], c[IW_CELL];
    double temperature_K = iw_number_at(run, "temperature_K");
    if (!has_columns(groups, false))
        return;
    (void)fprintf(out,
                  "\nVibrations by method \"physical\": mass-weighted velocities, VACF to %s ps,\n"
                  "  taper %s, resolution %s meV; ",
                  iw_cell_general(a, iw_number_at(run, "vacf_window_ps"), 4),
                  iw_text_at(run, "taper"),
                  iw_cell_general(b, iw_number_at(run, "vdos_resolution_meV"), 3));
    if (isfinite(temperature_K))
        (void)fprintf(out, "at %s K, ", iw_cell_general(c, temperature_K, 5));
    (void)fprintf(out, "per mode\n");
    if (has_event(events, "near_nyquist"))
        (void)fprintf(out, "  frames are too far apart for these: see near_nyquist below\n");
    print_vibration(out, groups, run, false, false);
    print_vibration(out, groups, run, false, true);
    print_green_kubo(out, groups, run);
}

static void
print_paper(FILE *out, json_t *groups, const json_t *run)
{
    char a[IW_CELL];
    if (!has_columns(groups, true))
        return;
    (void)fprintf(out,
                  "\nVibrations by method \"paper\": forward differences of frames %s fs apart,\n"
                  "  no masses, full length, no taper; per mode\n",
                  iw_cell_general(a, iw_number_at(run, "paper_spacing_fs"), 6));
    print_vibration(out, groups, run, true, false);
}

iw_status
iw_record_print(const json_t *record, FILE *out, iw_error *err)
{
    const json_t *run = json_object_get(record, "run");
    json_t *groups = json_object_get(record, "groups");
    if (!json_is_object(run) || !json_is_object(groups))
        return iw_fail(err, IW_INVALID, "not the record of a run: no \"run\" or no \"groups\"");
    print_run(out, run, groups);
    print_equilibration(out, json_object_get(record, "equilibration"));
    print_diffusion(out, groups, run);
    iw_table_convergence(out, record);
    iw_table_health(out, record);
    print_fit(out, groups, run);
    print_transport(out, json_object_get(record, "transport"), run);
    print_physical(out, groups, run, json_object_get(record, "events"));
    print_paper(out, groups, run);
    iw_table_structure(out, record);
    iw_table_properties(out, record);
    iw_table_events(out, record);
    if (fflush(out) != 0 || ferror(out))
        return iw_fail_errno(err, "the table could not be written");
    return IW_OK;
}
