/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_state.c - what the rules and the health monitor say, and the events.
 */
#include "publish/words.h"

#include <math.h>
#include <string.h>

/* Does this sentence stand in the table already? */
static bool
is_told(const json_t *record, const char *sentence)
{
    const json_t *convergence = json_object_get(record, "convergence");
    const json_t *decisions = json_object_get(convergence, "decisions");
    if (strcmp(sentence, iw_text_at(convergence, "reason")) == 0 ||
        strcmp(sentence, iw_text_at(json_object_get(record, "health"), "reason")) == 0)
        return true;
    for (size_t d = 0; d < json_array_size(decisions); d++)
        if (strcmp(sentence, iw_text_at(json_array_get(decisions, d), "reason")) == 0)
            return true;
    return false;
}

/* "; about 120 ps more to the target (60 to 200 ps)" */
static void
append_prediction(char line[IW_LINE], const json_t *convergence)
{
    const json_t *interval = json_object_get(convergence, "predicted_ps_ci95");
    const json_t *low = json_array_get(interval, 0), *high = json_array_get(interval, 1);
    double more_ps = iw_number_at(convergence, "predicted_ps_to_target");
    double low_ps = json_number_value(low);
    char a[IW_CELL], b[IW_CELL];
    if (more_ps > 0.0)
        iw_line_append(line, "; about %s ps more to the target", iw_cell_general(a, more_ps, 3));
    else if (isnan(more_ps) && low_ps > 0.0)
        iw_line_append(line, "; at least %s ps more to the target", iw_cell_general(a, low_ps, 3));
    if (more_ps > 0.0 && json_is_number(low) && json_is_number(high))
        iw_line_append(line, " (%s to %s ps)", iw_cell_general(a, low_ps, 3),
                       iw_cell_general(b, json_number_value(high), 3));
    else if (more_ps > 0.0 && low_ps > 0.0)
        iw_line_append(line, " (%s ps or longer)", iw_cell_general(a, low_ps, 3));
}

/* What a rule decided, when, and what came of it; its reason where that is not the line above. */
static void
print_decision(FILE *out, const json_t *decision, const json_t *record)
{
    char line[IW_LINE] = "";
    const char *reason = iw_text_at(decision, "reason");
    const json_t *convergence = json_object_get(record, "convergence");
    bool stops = strcmp(iw_text_at(decision, "action"), "stop") == 0;
    double time_ps = iw_number_at(decision, "time_ps");
    double saved_ps = iw_number_at(decision, "saved_ps");
    double after_ps = iw_number_at(json_object_get(record, "run"), "time_ps") - time_ps;
    iw_line_append(line, "%s at %.6g ps (frame %.0f) by the rule %s",
                   stops ? "asked to stop" : "advised to stop", time_ps,
                   iw_number_at(decision, "frame"), iw_text_at(decision, "rule"));
    if (strcmp(reason, iw_text_at(convergence, "reason")) != 0)
        iw_line_append(line, ": %s", reason);
    if (saved_ps > 0.0)
        iw_line_append(line, "; %.4g ps of MD %s", saved_ps, stops ? "saved" : "to save");
    if (!stops && after_ps > 0.0)
        iw_line_append(line, "; the run went on for %.4g ps", after_ps);
    if (json_is_false(json_object_get(decision, "holds")))
        iw_line_append(line, "; this no longer holds");
    iw_printable(line);
    (void)fputs("  ", out);
    iw_line_paragraph(out, 4, line);
}

void
iw_table_convergence(FILE *out, const json_t *record)
{
    const json_t *convergence = json_object_get(record, "convergence");
    char line[IW_LINE] = "";
    iw_line_append(line, "%s", iw_text_at(convergence, "state"));
    if (*iw_text_at(convergence, "reason"))
        iw_line_append(line, ": %s", iw_text_at(convergence, "reason"));
    /* more of what is broken leads nowhere */
    if (strcmp(iw_text_at(json_object_get(record, "health"), "state"), "broken") != 0)
        append_prediction(line, convergence);
    iw_printable(line);
    (void)fprintf(out, "\nConvergence: ");
    iw_line_paragraph(out, 13, line);
    const json_t *decisions = json_object_get(convergence, "decisions");
    for (size_t d = 0; d < json_array_size(decisions); d++)
        print_decision(out, json_array_get(decisions, d), record);
}

/* The numbers that tell something: a volume that stays and a box that rests are left out. */
static void
print_health_facts(FILE *out, const json_t *health)
{
    static const struct {
        const char *key, *before, *after;
        int digits;
        double usual, near;
    } facts[] = {
        {"temperature_recent_K", "temperature of the last 0.5 ps ", " K", 4, 0, 0},
        {"energy_drift_meV_atom_ps", "energy drift ", " meV per atom and ps", 2, 0, 0},
        {"volume_ratio", "volume ", " times that at first", 4, 1, 5e-4},
        {"lindemann", "Lindemann ratio of the framework ", "", 2, 0, 0},
        {"framework_msd_A2", "its MSD ", " A2", 2, 0, 0},
        {"com_drift_A_ps", "drift of the centre of mass ", " A/ps", 2, 0, 1e-3},
        {"refused_frames", "refused frames: ", "", 9, 0, 0.5},
    };
    char line[IW_LINE] = "", cell[IW_CELL];
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        double value = iw_number_at(health, facts[f].key), error = NAN;
        if (!isfinite(value) || fabs(value - facts[f].usual) < facts[f].near)
            continue;
        iw_line_append(line, "%s%s%s", line[0] ? ", " : "", facts[f].before,
                       iw_cell_general(cell, value, facts[f].digits));
        if (strcmp(facts[f].key, "energy_drift_meV_atom_ps") == 0)
            error = iw_number_at(health, "energy_drift_stderr_meV_atom_ps");
        if (isfinite(error))
            iw_line_append(line, " +- %s", iw_cell_general(cell, error, 2));
        iw_line_append(line, "%s", facts[f].after);
    }
    if (!line[0])
        return;
    (void)fprintf(out, "        ");
    iw_line_paragraph(out, 8, line);
}

void
iw_table_health(FILE *out, const json_t *record)
{
    const json_t *health = json_object_get(record, "health");
    if (!json_is_object(health))
        return;
    const char *reason = iw_text_at(health, "reason");
    const json_t *convergence = json_object_get(record, "convergence");
    char line[IW_LINE] = "";
    iw_line_append(line, "%s: %s", iw_text_at(health, "state"),
                   strcmp(reason, iw_text_at(convergence, "reason")) == 0 ? "as told above"
                                                                          : reason);
    iw_printable(line);
    (void)fprintf(out, "\nHealth: ");
    iw_line_paragraph(out, 8, line);
    print_health_facts(out, health);
}

void
iw_table_events(FILE *out, const json_t *record)
{
    const json_t *events = json_object_get(record, "events");
    if (json_array_size(events) == 0)
        return;
    (void)fprintf(out, "\nEvents\n");
    for (size_t e = 0; e < json_array_size(events); e++) {
        const json_t *event = json_array_get(events, e);
        double count = iw_number_at(event, "count");
        const char *sentence = iw_text_at(event, "text");
        char line[IW_LINE] = "", severity[IW_LINE];
        iw_line_append(
            line, count > 1.0 ? "%s, %.0f times, first:" : "%s:", iw_text_at(event, "id"), count);
        iw_line_append(line, " %s", is_told(record, sentence) ? "as told above" : sentence);
        iw_printable(line);
        (void)fprintf(out, "  %-8s ", iw_record_words(event, "severity", severity));
        iw_line_paragraph(out, 11, line);
    }
}
