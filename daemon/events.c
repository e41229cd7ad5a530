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
             const char *format, ...)
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
    *event = (iw_event){
        .kind = kind, .frame = frame, .step = step, .time_ps = list->time_ps, .count = 1};
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

static void
archive_event(iw_event *event, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_event, 280);
    IW_ARCHIVE_ENUM(archive, &event->kind, IW_EVENT_COUNT - 1, "kind of an event");
    iw_archive_u64(archive, &event->frame);
    iw_archive_i64(archive, &event->step);
    iw_archive_double(archive, &event->time_ps);
    iw_archive_u64(archive, &event->count);
    iw_archive_text(archive, event->text, sizeof event->text);
}

void
iw_event_list_archive(iw_event_list *list, iw_archive *archive)
{
    size_t n = list->n;
    iw_archive_tag(archive, "events", 2);
    iw_archive_same(archive, IW_EVENT_COUNT, "kinds of events");
    iw_archive_count(archive, &n, sizeof list->items->text, "events");
    if (iw_archive_loading(archive)) {
        iw_event_list_fini(list);
        list->items = n > 0 ? calloc(n, sizeof *list->items) : NULL;
        if (n > 0 && !list->items) {
            iw_archive_fail(archive, IW_NO_MEMORY, "no memory for %zu events", n);
            return;
        }
        list->n = list->capacity = n;
    }
    for (size_t i = 0; i < n; i++)
        archive_event(&list->items[i], archive);
    iw_archive_double(archive, &list->time_ps);
}
