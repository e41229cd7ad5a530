/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fft.h"

#include <fftw3.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 64,
    IDLE = 32,   /* plans that nobody uses and that are kept: other runs have the same lengths */
    FORGET = 256 /* plans: FFTW notes a kilobyte of each, for plans to come */
};

struct iw_fft {
    size_t n, users;
    fftw_plan forward, backward, complex_forward;
    struct iw_fft *next;
};

/* Measuring a plan of length 8,192 takes a quarter of a second and wins 20 % of the transforms:
 * less than it costs in any run below 500,000 frames of 300 atoms. */
static const unsigned effort = FFTW_ESTIMATE;

static pthread_mutex_t planner = PTHREAD_MUTEX_INITIALIZER;
static iw_fft *plans; /* the one that was asked for last comes first */
static size_t planned;

static void
destroy_plan(iw_fft *self)
{
    fftw_destroy_plan(self->forward);
    fftw_destroy_plan(self->backward);
    fftw_destroy_plan(self->complex_forward);
    free(self);
}

static iw_fft *
make_plan(size_t n)
{
    iw_fft *self = calloc(1, sizeof *self);
    double *real = iw_fft_alloc(n * sizeof *real);
    double complex *bins = iw_fft_alloc(n * sizeof *bins);
    double complex *other = iw_fft_alloc(n * sizeof *other);
    bool room = self && real && bins && other;
    if (room) {
        self->n = n;
        self->forward = fftw_plan_dft_r2c_1d((int)n, real, bins, effort | FFTW_PRESERVE_INPUT);
        self->backward = fftw_plan_dft_c2r_1d((int)n, bins, real, effort | FFTW_DESTROY_INPUT);
        self->complex_forward = fftw_plan_dft_1d((int)n, bins, other, FFTW_FORWARD, effort);
    }
    iw_fft_free(real);
    iw_fft_free(bins);
    iw_fft_free(other);
    if (++planned % FORGET == 0)
        fftw_forget_wisdom(); /* plans that are there stay */
    if (room && self->forward && self->backward && self->complex_forward)
        return self;
    if (self)
        destroy_plan(self);
    return NULL;
}

/* Takes the plan out of the list; NULL: there is none. */
static iw_fft *
take_plan(size_t n)
{
    for (iw_fft **at = &plans; *at; at = &(*at)->next)
        if ((*at)->n == n) {
            iw_fft *plan = *at;
            *at = plan->next;
            return plan;
        }
    return NULL;
}

const iw_fft *
iw_fft_get(size_t n, iw_error *err)
{
    if (n == 0 || n > (size_t)1 << 30) {
        (void)iw_fail(err, IW_INVALID, "no transform of length %zu", n);
        return NULL;
    }
    (void)pthread_mutex_lock(&planner);
    iw_fft *plan = take_plan(n);
    if (!plan)
        plan = make_plan(n);
    if (plan) {
        plan->users++;
        plan->next = plans;
        plans = plan;
    }
    (void)pthread_mutex_unlock(&planner);
    if (!plan)
        (void)iw_fail(err, IW_NO_MEMORY, "no memory to plan a transform of length %zu", n);
    return plan;
}

void
iw_fft_release(const iw_fft **plan)
{
    if (!*plan)
        return;
    (void)pthread_mutex_lock(&planner);
    iw_fft *mine = take_plan((*plan)->n);
    mine->users--;
    mine->next = plans;
    plans = mine;
    size_t idle = 0;
    for (iw_fft **at = &plans; *at;) {
        iw_fft *one = *at;
        if (one->users == 0 && ++idle > IDLE) {
            *at = one->next;
            destroy_plan(one);
        } else {
            at = &one->next;
        }
    }
    (void)pthread_mutex_unlock(&planner);
    *plan = NULL;
}

/* The place behind memory that has room in front for the address to free. */
static void *
aligned(void *memory)
{
    if (!memory)
        return NULL;
    char *place = (char *)memory + ALIGNMENT - (uintptr_t)memory % ALIGNMENT;
    memcpy(place - sizeof memory, &memory, sizeof memory);
    return place;
}

void *
iw_fft_alloc_raw(size_t bytes)
{
    /* Large pages are not asked for: the transforms gain nothing by them, and where a virtual
     * machine has handed its free ones back to the host a first touch takes seven times as long. */
    return bytes > SIZE_MAX - ALIGNMENT ? NULL : aligned(malloc(bytes + ALIGNMENT));
}

/* Work space for long blocks of short runs: pages that are never touched cost nothing. */
void *
iw_fft_alloc(size_t bytes)
{
    return bytes > SIZE_MAX - ALIGNMENT ? NULL : aligned(calloc(1, bytes + ALIGNMENT));
}

void
iw_fft_free(void *memory)
{
    void *start;
    if (!memory)
        return;
    memcpy(&start, (char *)memory - sizeof start, sizeof start);
    free(start);
}

void
iw_fft_forward(const iw_fft *plan, double *in, double complex *out)
{
    fftw_execute_dft_r2c(plan->forward, in, out);
}

void
iw_fft_backward(const iw_fft *plan, double complex *in, double *out)
{
    fftw_execute_dft_c2r(plan->backward, in, out);
}

void
iw_fft_complex(const iw_fft *plan, const double complex *in, double complex *out)
{
    /* FFTW takes no const; an out-of-place complex transform keeps its input. */
    fftw_execute_dft(plan->complex_forward, (double complex *)(uintptr_t)in, out);
}
