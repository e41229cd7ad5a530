/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/kinds.h"

#include "nearest.h"

#include <stdio.h>
#include <string.h>

enum { WORD = 40 };

static bool
is_any(iw_event_kind kind)
{
    (void)kind;
    return true;
}

static bool
is_fault(iw_event_kind kind)
{
    return iw_event_severity(kind) == IW_FAULT;
}

static bool
is_warning(iw_event_kind kind)
{
    return iw_event_severity(kind) == IW_WARNING;
}

static bool
is_of_health(iw_event_kind kind)
{
    return kind == IW_EVENT_temperature_runaway || kind == IW_EVENT_energy_drift ||
           kind == IW_EVENT_exploding_cell || kind == IW_EVENT_framework_melting ||
           kind == IW_EVENT_centre_of_mass_drift;
}

static const struct {
    const char *name;
    bool (*has)(iw_event_kind kind);
} groups[] = {
    {"all", is_any}, {"faults", is_fault}, {"warnings", is_warning}, {"health", is_of_health}};

enum { GROUPS = sizeof groups / sizeof *groups };

static bool
choose(iw_kinds *kinds, const char *word)
{
    bool known = false;
    for (size_t g = 0; g < GROUPS; g++)
        for (int k = 0; k < IW_EVENT_COUNT && strcmp(word, groups[g].name) == 0; k++) {
            known = true;
            kinds->chosen[k] |= groups[g].has((iw_event_kind)k);
        }
    for (int k = 0; k < IW_EVENT_COUNT && !known; k++)
        if (strcmp(word, iw_event_id((iw_event_kind)k)) == 0)
            kinds->chosen[k] = known = true;
    return known;
}

static iw_status
unknown(const char *word, iw_error *err)
{
    const char *names[IW_EVENT_COUNT + GROUPS + 1];
    size_t n = 0;
    for (int k = 0; k < IW_EVENT_COUNT; k++)
        names[n++] = iw_event_id((iw_event_kind)k);
    for (size_t g = 0; g < GROUPS; g++)
        names[n++] = groups[g].name;
    names[n] = NULL;
    const char *nearest = iw_nearest(word, names);
    return nearest ? iw_fail(err, IW_INVALID, "no event is called \"%s\": did you mean \"%s\"?",
                             word, nearest)
                   : iw_fail(err, IW_INVALID, "no event is called \"%s\": ionwatchd(8) names them",
                             word);
}

iw_status
iw_kinds_parse(const char *words, iw_kinds *kinds, iw_error *err)
{
    memset(kinds, 0, sizeof *kinds);
    for (const char *at = words + strspn(words, ", \t"); *at; at += strspn(at, ", \t")) {
        char word[WORD];
        size_t size = strcspn(at, ", \t");
        (void)snprintf(word, sizeof word, "%.*s", (int)size, at);
        if (size >= WORD || !choose(kinds, word))
            return unknown(word, err);
        at += size;
    }
    return IW_OK;
}
