/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "journal/crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct iw_crew {
    pthread_mutex_t lock;
    pthread_cond_t more, done;
    void (*work)(void *item);
    char *items;
    size_t size;             /* of an item */
    size_t n, next, working; /* items; the first that nobody took; that are being worked on */
    bool terminated;
    unsigned n_threads;
    pthread_t threads[];
};

/* Takes turns until none is left.  The lock is held, except during a turn. */
static void
take_turns(iw_crew *self)
{
    while (self->next < self->n) {
        void *item = self->items + self->size * self->next++;
        self->working++;
        (void)pthread_mutex_unlock(&self->lock);
        self->work(item);
        (void)pthread_mutex_lock(&self->lock);
        self->working--;
    }
    if (self->working == 0)
        (void)pthread_cond_signal(&self->done);
}

static void *
be_one(void *crew)
{
    iw_crew *self = crew;
    (void)pthread_mutex_lock(&self->lock);
    while (!self->terminated) {
        if (self->next < self->n)
            take_turns(self);
        else
            (void)pthread_cond_wait(&self->more, &self->lock);
    }
    (void)pthread_mutex_unlock(&self->lock);
    return NULL;
}

iw_crew *
iw_crew_new(unsigned threads, iw_error *err)
{
    iw_crew *self = calloc(1, sizeof *self + threads * sizeof self->threads[0]);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "journal: out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&self->lock, NULL);
    (void)pthread_cond_init(&self->more, NULL);
    (void)pthread_cond_init(&self->done, NULL);
    int failed = 0;
    while (self->n_threads < threads && !failed) {
        failed = pthread_create(&self->threads[self->n_threads], NULL, be_one, self);
        self->n_threads += !failed;
    }
    if (self->n_threads == 0) {
        errno = failed;
        (void)iw_fail_errno(err, "journal: cannot start a thread");
        iw_crew_destroy(&self);
    }
    return self;
}

void
iw_crew_destroy(iw_crew **crew)
{
    iw_crew *self = *crew;
    if (!self)
        return;
    (void)pthread_mutex_lock(&self->lock);
    self->terminated = true;
    (void)pthread_cond_broadcast(&self->more);
    (void)pthread_mutex_unlock(&self->lock);
    for (unsigned i = 0; i < self->n_threads; i++)
        (void)pthread_join(self->threads[i], NULL);
    (void)pthread_cond_destroy(&self->done);
    (void)pthread_cond_destroy(&self->more);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
    *crew = NULL;
}

void
iw_crew_run(iw_crew *self, void (*work)(void *item), void *items, size_t n, size_t size)
{
    (void)pthread_mutex_lock(&self->lock);
    self->work = work;
    self->items = items;
    self->size = size;
    self->n = n;
    self->next = 0;
    for (size_t i = 1; i < n && i <= self->n_threads; i++) /* one is for the caller */
        (void)pthread_cond_signal(&self->more);
    take_turns(self);
    while (self->working > 0)
        (void)pthread_cond_wait(&self->done, &self->lock);
    self->n = self->next = 0;
    (void)pthread_mutex_unlock(&self->lock);
}
