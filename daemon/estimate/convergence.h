/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_CONVERGENCE_H
#define IW_CONVERGENCE_H
/*
 * convergence.h - is the answer known, will it be, can it be?  Three rules, judged on the mobile
 * group at checks spread over the run.
 *
 * precision: relative error of D at or below the target, in a diffusive regime, with so many
 * effective hops, so much time, no trend over the blocks of the run, equilibrated.
 * futility: even the upper limit of D lies below a floor, or even the lower end of the predicted
 * length lies above the budget.  broken: the health of the run says so.
 * A rule fires when its condition held at so many checks in a row; the first time is a decision,
 * which is kept.  docs/physics.md, "Convergence and stop rules", has the formulas and what was
 * measured.  Pure: the state depends on the checks alone; fed by the engine.
 */
#include "estimate/prediction.h"

#include <stdint.h>

typedef enum { IW_STOP_OFF, IW_STOP_ADVISE, IW_STOP_STOP } iw_stop_mode;
typedef enum { IW_RULE_PRECISION, IW_RULE_FUTILITY, IW_RULE_BROKEN, IW_RULE_COUNT } iw_rule;

enum { IW_REASON_TEXT = 240 };

typedef struct {
    iw_stop_mode mode[IW_RULE_COUNT]; /* off: no checks; advise: event; stop: the run is asked to
                                         end; default advise */
    double target;                    /* precision: relative standard error of D, default 0.20 */
    double min_hops;                  /* precision: default 50 */
    double min_time_ps;               /* precision and futility: default 2 */
    double trend_sigmas; /* precision: a slope of D over the blocks beyond so many of its standard
                            errors is a trend, default 2; 0: not looked at */
    unsigned hold;       /* precision and futility: consecutive checks, default 3 */
    double min_D_cm2_s;  /* futility: D below this is of no interest; 0 (default): every D is */
    double budget_ps;  /* futility: longest MD time that may be spent; NAN (default): planned_ps */
    double planned_ps; /* length that the run is planned for; NAN (default): not known */
    unsigned broken_hold; /* broken: consecutive frames, default 50 */
} iw_convergence_options;

/* What is seen at one check. */
typedef struct {
    uint64_t frame; /* sequence number of the last one */
    int64_t step;
    double time_ps;              /* MD time so far */
    double averaged_ps;          /* of that, the time that D is made of */
    const iw_diffusion *mobile;  /* D of the mobile group */
    size_t n_blocks;             /* equal, successive parts of the run; below 2: no trend is seen */
    const double *block_D_cm2_s; /* [n_blocks] */
    const char *unequilibrated;  /* what is not level yet; NULL: all that is known is */
} iw_observation;

/* What was known at the last check; NAN where nothing was. */
typedef struct {
    double time_ps;
    double relative_error; /* stderr/D */
    double D_cm2_s, ci95_cm2_s[2];
    double effective_hops, alpha;
} iw_convergence_values;

typedef struct {
    iw_rule rule;
    iw_stop_mode action; /* advise or stop */
    uint64_t frame;
    int64_t step;
    double time_ps;
    char reason[IW_REASON_TEXT];
    iw_convergence_values values;
    double target, min_D_cm2_s, budget_ps; /* what was asked for; NAN: nothing */
    double predicted_ps[2];                /* 95 % interval of the length at the target */
    bool holds;                            /* the rule's condition does so still */
    double saved_ps; /* planned length, else budget, less time_ps; NAN if neither is known */
} iw_decision;

typedef struct {
    char state[24];                /* "unknown", "converging", "converged", "futile", "broken" */
    char reason[IW_REASON_TEXT];   /* one sentence with the numbers */
    iw_rule rule;                  /* whose verdict the state is; IW_RULE_COUNT: none */
    double relative_error;         /* stderr/D; NAN if not known */
    double predicted_ps_to_target; /* more MD time needed, ps; 0 when reached; NAN if not known */
    double predicted_ps_ci95[2];   /* its 95 % interval; NAN where nothing bounds it */
    unsigned held[IW_RULE_COUNT];  /* checks in a row at which the condition held */
    char why[IW_RULE_COUNT][IW_REASON_TEXT]; /* of each rule, at its last check */
    bool known;                              /* D and its error were, at the last check */
    iw_convergence_values values;
    iw_prediction_history history;
    size_t n_decisions;
    iw_decision decisions[IW_RULE_COUNT]; /* in the order in which they were made, each rule once */
} iw_convergence;

void iw_convergence_options_init(iw_convergence_options *options);
/* INVALID with the option that cannot be. */
iw_status iw_convergence_options_check(const iw_convergence_options *options, iw_error *err);
void iw_convergence_init(iw_convergence *state, const char *reason);

/* One check of precision and futility. */
void iw_convergence_check(iw_convergence *state, const iw_convergence_options *options,
                          const iw_observation *seen);
/* One look at the health, each frame while there is something to count: broken is the reason, NULL
 * for a run that is not. */
void iw_convergence_check_health(iw_convergence *state, const iw_convergence_options *options,
                                 const char *broken);
/* After a check: the first decision that follows from it and was not made before, now in the list;
 * NULL when there is none (more). */
const iw_decision *iw_convergence_decide(iw_convergence *state,
                                         const iw_convergence_options *options,
                                         const iw_observation *seen);
/* As iw_convergence_check, between two checks: the numbers are new and what no longer holds is
 * said, but the look does not count towards `hold`. */
void iw_convergence_look(iw_convergence *state, const iw_convergence_options *options,
                         const iw_observation *seen);

void iw_convergence_archive(iw_convergence *state, iw_archive *archive);

const char *iw_rule_name(iw_rule rule);           /* "precision", "futility", "broken" */
const char *iw_stop_mode_name(iw_stop_mode mode); /* "off", "advise", "stop" */

#endif
