/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IONWATCH_H
#define IONWATCH_H
/*
 * ionwatch.h - everything an adapter needs to stream a molecular-dynamics run.
 *
 * An adapter opens a handle, sends frames, asks now and then whether the run may end, and closes.
 * ionwatch_send() copies the frame and returns: a thread of the library encodes nothing on the MD
 * code's time, waits for no network, and keeps every frame until the daemon has it on disk.
 *
 * No call here exits, prints, or touches signals.  A handle belongs to one thread at a time.
 * Units are the MD code's own; two numbers in ionwatch_run say what they are.
 */
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) || !defined(__GNUC__)
#define IONWATCH_API
#else
#define IONWATCH_API __attribute__((visibility("default")))
#endif

/* name, value, text.  Values are never reused. */
#define IONWATCH_STATUS_MAP(X)                                                                     \
    X(OK, 0, "success")                                                                            \
    X(NO_MEMORY, 1, "out of memory")                                                               \
    X(INVALID, 2, "a value is not acceptable")                                                     \
    X(IO, 3, "a file or socket operation failed")                                                  \
    X(PROTOCOL, 4, "a message does not follow the protocol")                                       \
    X(REFUSED, 5, "the other side refused")                                                        \
    X(FULL, 6, "no room left")                                                                     \
    X(CORRUPT, 7, "data are damaged")                                                              \
    X(NOT_FOUND, 8, "there is no such thing")                                                      \
    X(EXISTS, 9, "it is there already")                                                            \
    X(UNSUPPORTED, 10, "not supported")                                                            \
    X(AGAIN, 11, "not ready yet")                                                                  \
    X(END, 12, "no more data")                                                                     \
    X(DROPPED, 13, "the frame was dropped and the gap marked")                                     \
    X(CLOSED, 14, "the connection or handle is closed")                                            \
    X(TIMEOUT, 15, "no answer in time")

typedef enum {
#define IONWATCH_STATUS_ENUM(name, value, text) IONWATCH_##name = (value),
    IONWATCH_STATUS_MAP(IONWATCH_STATUS_ENUM)
#undef IONWATCH_STATUS_ENUM
} ionwatch_status;

/* The text of a status; "unknown status" for a value that is none.  Static storage. */
IONWATCH_API const char *ionwatch_status_text(ionwatch_status status);

/* What happens to a frame when the memory queue and the spool file are both full. */
typedef enum {
    IONWATCH_BLOCK = 0, /* ionwatch_send waits (default: no frame is ever lost) */
    IONWATCH_DROP = 1   /* the frame is dropped, the gap is marked, send returns DROPPED */
} ionwatch_policy;

/*
 * What is true of the whole run.  Fill with ionwatch_run_init(), then set what is known.  All
 * pointers are borrowed for the call of ionwatch_open() only.
 */
typedef struct {
    size_t size;              /* sizeof(ionwatch_run), set by ionwatch_run_init */
    const char *run_id;       /* UUID text; NULL: $IONWATCH_RUN_ID, else a new one */
    const char *name;         /* for people; NULL: $IONWATCH_RUN_NAME, else the folder's name */
    const char *code;         /* "lammps", "cp2k", ... */
    const char *code_version; /* as the code prints it */
    size_t n_atoms;
    const char *const *species;  /* n_atoms names, element symbols where there are any */
    const double *mass_amu;      /* n_atoms masses, amu; atoms of one species weigh the same */
    const double *charge_e;      /* n_atoms charges in elementary charges, or NULL */
    double length_A;             /* one MD length unit in Angstrom (bohr: 0.529177210903) */
    double time_fs;              /* one MD time unit in fs (ps: 1000) */
    double energy_eV;            /* one MD energy unit in eV (hartree: 27.211386245988) */
    double timestep;             /* of the integrator, MD time units */
    int64_t stride;              /* MD steps from one sent frame to the next, >= 1 */
    double temperature_K;        /* thermostat's target; NAN where there is none */
    int wrapped;                 /* 1: positions are folded into the cell (preferred); 0: not */
    const char *const *metadata; /* key, value, key, value, ..., NULL; or NULL */
    const char *spool_dir;       /* NULL: $IONWATCH_SPOOL, else the working folder */
    uint64_t queue_bytes;        /* memory queue, default 64 MiB */
    uint64_t spool_bytes;        /* spool file, default 16 GiB */
    ionwatch_policy policy;      /* when both are full */
} ionwatch_run;

/* One time step.  Pointers are borrowed for the call of ionwatch_send() only. */
typedef struct {
    size_t size;          /* sizeof(ionwatch_frame), set by ionwatch_frame_init */
    int64_t step;         /* MD step number */
    double time;          /* MD time units */
    const double *cell;   /* 9 numbers, rows are the vectors a, b, c, MD length; NULL: no cell */
    const float *pos_f32; /* [n_atoms][3], MD length: give exactly one of the two */
    const double *pos_f64;
    const float *vel_f32; /* [n_atoms][3], MD length per MD time: one of the two, or none */
    const double *vel_f64;
    double potential_energy; /* MD energy, whole cell; NAN if not known */
    double kinetic_energy;   /* MD energy, whole cell; NAN if not known */
    double temperature_K;    /* instantaneous; NAN if not known */
} ionwatch_frame;

/* What the handle has done so far. */
typedef struct {
    size_t size;                  /* sizeof(ionwatch_stats), set by the caller */
    uint64_t frames_sent;         /* accepted by ionwatch_send */
    uint64_t frames_acknowledged; /* durable at the daemon */
    uint64_t frames_dropped;      /* policy IONWATCH_DROP only */
    uint64_t queued_bytes;        /* in memory now */
    uint64_t spooled_bytes;       /* in the spool file now */
    int connected;                /* 1 while a daemon answers */
} ionwatch_stats;

typedef struct ionwatch ionwatch;

IONWATCH_API void ionwatch_run_init(ionwatch_run *run);       /* defaults; numbers NAN, units 1 */
IONWATCH_API void ionwatch_frame_init(ionwatch_frame *frame); /* pointers NULL, numbers NAN */

/* "tcp://host:port", "ipc://path" or "file://path".  NULL: $IONWATCH_ENDPOINT, else the default
 * ipc endpoint of this user.  NULL is returned only when memory is exhausted, and every call here
 * takes it: it refuses frames and never asks to stop.  A handle that could not be made ready says
 * why in ionwatch_error() and refuses frames; without a daemon the handle works and frames wait in
 * queue and spool. */
IONWATCH_API ionwatch *ionwatch_open(const char *endpoint, const ionwatch_run *run);

/* Copies the frame.  Waits only when queue and spool are both full and the policy is "block".
 * Returns OK, DROPPED, INVALID (frame refused, reason in ionwatch_error), REFUSED (the daemon does
 * not want this run), NO_MEMORY or IO. */
IONWATCH_API ionwatch_status ionwatch_send(ionwatch *w, const ionwatch_frame *frame);

/* 1 once the daemon has asked the run to end; *reason (may be NULL) stays valid until close. */
IONWATCH_API int ionwatch_should_stop(ionwatch *w, const char **reason);

/* Frame stride that the daemon would like, in MD steps; 0 while it has no wish. */
IONWATCH_API int64_t ionwatch_wanted_stride(ionwatch *w);

/* Waits until all frames sent are durable at the daemon, at most timeout_ms (-1: no limit). */
IONWATCH_API ionwatch_status ionwatch_flush(ionwatch *w, int timeout_ms);

/* Says why the run ends ("completed", "stopped", "walltime", ...) so that the daemon files it.  A
 * handle that is closed without it leaves the run open: a restart may continue it. */
IONWATCH_API ionwatch_status ionwatch_finish(ionwatch *w, const char *why);

IONWATCH_API const char *ionwatch_run_id(const ionwatch *w); /* 36 characters */
IONWATCH_API const char *ionwatch_error(const ionwatch *w);  /* "" if none; until the next call */
IONWATCH_API void ionwatch_get_stats(ionwatch *w, ionwatch_stats *stats);

/* Waits at most linger_ms for acknowledgements; what is still unacknowledged stays in the spool
 * file and is sent by the next handle with the same run id and spool folder.  Sets *w to NULL.
 * OK: nothing was left; AGAIN: the rest is in the spool; IO, FULL or NO_MEMORY: the spool could not
 * take what was still in memory, and those frames are lost. */
IONWATCH_API ionwatch_status ionwatch_close(ionwatch **w, int linger_ms);

/* Version of the library, "0.1.0". */
IONWATCH_API const char *ionwatch_version(void);

#ifdef __cplusplus
}
#endif
#endif
