/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What an adapter has unacknowledged on the way, at most. */
enum { WINDOW = 16 << 20 };

iw_live *
iw_live_add(iw_live_list *list, uint32_t number, iw_run_info **info)
{
    iw_live *run = calloc(1, sizeof *run);
    if (run && list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 16;
        iw_live **items = realloc(list->items, capacity * sizeof(iw_live *));
        if (items) {
            list->items = items;
            list->capacity = capacity;
        }
    }
    if (!run || list->n == list->capacity) {
        free(run);
        iw_run_info_fini(*info);
        free(*info);
        *info = NULL;
        return NULL;
    }
    run->number = number;
    run->info = *info;
    run->next_seq = 1;
    iw_summary_init(&run->summary);
    if (number > list->last_number)
        list->last_number = number;
    list->items[list->n++] = run;
    *info = NULL;
    return run;
}

static void
destroy(iw_live *run)
{
    iw_mail_destroy(&run->parked);
    iw_run_info_fini(run->info);
    free(run->info);
    free(run);
}

void
iw_live_remove(iw_live_list *list, iw_live *run)
{
    iw_live_landed(list, run, run->in_flight);
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i] == run) {
            memmove(list->items + i, list->items + i + 1, (list->n - i - 1) * sizeof(iw_live *));
            list->n--;
            destroy(run);
            return;
        }
}

void
iw_live_list_fini(iw_live_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        destroy(list->items[i]);
    free(list->items);
    memset(list, 0, sizeof *list);
}

iw_live *
iw_live_by_number(const iw_live_list *list, uint32_t number)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i]->number == number)
            return list->items[i];
    return NULL;
}

iw_live *
iw_live_by_id(const iw_live_list *list, const char *id)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->items[i]->info->id, id) == 0)
            return list->items[i];
    return NULL;
}

iw_live *
iw_live_by_peer(const iw_live_list *list, const iw_peer *peer)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i]->peer.size > 0 && iw_peer_equal(&list->items[i]->peer, peer))
            return list->items[i];
    return NULL;
}

iw_live *
iw_live_find(const iw_live_list *list, const char *words, iw_error *err)
{
    iw_live *found = iw_live_by_id(list, words);
    if (found)
        return found;
    size_t matches = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i]->info->name && strcmp(list->items[i]->info->name, words) == 0) {
            found = list->items[i];
            matches++;
        }
    size_t length = strlen(words);
    for (size_t i = 0; matches == 0 && length >= 4 && i < list->n; i++)
        if (strncmp(list->items[i]->info->id, words, length) == 0) {
            found = list->items[i];
            for (size_t j = i; j < list->n; j++)
                matches += strncmp(list->items[j]->info->id, words, length) == 0;
        }
    if (matches == 1)
        return found;
    if (matches == 0)
        iw_fail(err, IW_NOT_FOUND, "there is no run \"%s\": `ionwatch ls` names them", words);
    else
        iw_fail(err, IW_INVALID, "%zu runs are called \"%s\": name one by its id", matches, words);
    return NULL;
}

iw_status
iw_live_match(const iw_run_info *known, const iw_run_info *hello, iw_error *err)
{
    if (known->n_atoms != hello->n_atoms)
        return iw_fail(err, IW_INVALID,
                       "run %s has %zu atoms, this HELLO has %zu: another system needs another run "
                       "id",
                       known->id, known->n_atoms, hello->n_atoms);
    for (size_t i = 0; i < known->n_atoms; i++) {
        const char *was = known->species[known->kind[i]];
        const char *is = hello->species[hello->kind[i]];
        if (strcmp(was, is) != 0)
            return iw_fail(err, IW_INVALID,
                           "run %s: atom %zu is %s, in this HELLO it is %s: another system, or "
                           "another order of atoms, needs another run id",
                           known->id, i + 1, was, is);
        if (fabs(known->mass_amu[i] - hello->mass_amu[i]) > 1e-6 * known->mass_amu[i])
            return iw_fail(err, IW_INVALID,
                           "run %s: atom %zu (%s) weighs %g amu, in this HELLO %g amu", known->id,
                           i + 1, was, known->mass_amu[i], hello->mass_amu[i]);
    }
    return IW_OK;
}

const char *
iw_live_state(const iw_live *run, double now_s, double heartbeat_s)
{
    if (run->filed && run->opening)
        return run->waiting ? "waiting for disk" : "reopening";
    if (run->filed)
        return run->why;
    if (run->unfiled)
        return "unfiled";
    if (run->ending)
        return "ending";
    if (run->waiting)
        return "waiting for disk";
    if (run->peer.size == 0 || now_s - run->heard_s > heartbeat_s)
        return "stalled";
    return "running";
}

static uint64_t
free_room(const iw_live_list *list)
{
    return list->room > list->in_flight ? list->room - list->in_flight : 0;
}

iw_frame_fate
iw_live_frame(iw_live_list *list, iw_live *run, uint64_t seq, size_t bytes)
{
    if (seq < run->next_seq)
        return IW_FRAME_REPEATED;
    if (run->asked && seq > run->left) {
        iw_live_leave(run, seq);
        return IW_FRAME_LEAVE;
    }
    run->asked = false;
    if (run->lagging ||
        (run->in_flight > 0 && run->in_flight + 2 * (uint64_t)bytes > free_room(list))) {
        run->lagging = true;
        iw_live_leave(run, seq);
        return IW_FRAME_LEAVE;
    }
    run->next_seq = seq + 1;
    run->in_flight += bytes;
    list->in_flight += bytes;
    return IW_FRAME_TAKE;
}

void
iw_live_leave(iw_live *run, uint64_t seq)
{
    run->left = seq;
}

void
iw_live_ask(iw_live *run)
{
    run->lagging = false;
    run->asked = run->left >= run->next_seq;
}

void
iw_live_landed(iw_live_list *list, iw_live *run, uint64_t bytes)
{
    if (bytes > run->in_flight) /* they were counted off when the journal gave the run up */
        bytes = run->in_flight;
    run->in_flight -= bytes;
    list->in_flight -= bytes;
}

iw_live *
iw_live_next_lagging(iw_live_list *list, uint64_t *promised)
{
    uint64_t window = list->room / 4 < WINDOW ? list->room / 4 : WINDOW;
    if (free_room(list) < *promised + window)
        return NULL;
    for (size_t i = 0; i < list->n; i++) {
        iw_live *run = list->items[list->asked++ % list->n];
        if (run->lagging && run->in_flight <= window && !run->waiting) {
            *promised += window;
            return run;
        }
    }
    return NULL;
}
