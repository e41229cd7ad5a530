/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *id;
    iw_severity severity;
    const char *meaning;
} kinds[] = {
#define KIND_ROW(id, severity, text) {#id, severity, text},
    IW_EVENT_MAP(KIND_ROW)
#undef KIND_ROW
};

const char *
iw_event_id(iw_event_kind kind)
{
    return kinds[kind].id;
}

iw_severity
iw_event_severity(iw_event_kind kind)
{
    return kinds[kind].severity;
}

const char *
iw_event_meaning(iw_event_kind kind)
{
    return kinds[kind].meaning;
}

const char *
iw_severity_name(iw_severity severity)
{
    static const char *const names[] = {"note", "warning", "fault"};
    return names[severity];
}

iw_status
iw_event_add(iw_event_list *list, iw_event_kind kind, bool once, uint64_t frame, int64_t step,
             double time_ps, const char *format, ...)
{
    for (size_t i = 0; once && i < list->n; i++) {
        if (list->items[i].kind == kind) {
            list->items[i].count++;
            return IW_OK;
        }
    }
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        iw_event *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return IW_NO_MEMORY;
        list->items = items;
        list->capacity = capacity;
    }
    iw_event *event = &list->items[list->n++];
    *event = (iw_event){.kind = kind, .frame = frame, .step = step, .time_ps = time_ps, .count = 1};
    va_list args;
    va_start(args, format);
    (void)vsnprintf(event->text, sizeof event->text, format, args);
    va_end(args);
    return IW_OK;
}

void
iw_event_list_fini(iw_event_list *list)
{
    free(list->items);
    *list = (iw_event_list){0};
}
