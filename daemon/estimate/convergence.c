/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/convergence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Futility by budget is not judged before this share of the budget: the first picoseconds of a run
 * say little about how it goes on. */
#define FUTILITY_SHARE 0.1
/* The interval of D and that of the prediction are stretched by this for futility: they are looked
 * at again and again, and a wrong stop throws a run away. */
#define FUTILITY_STRETCH 1.5

static const char *const rule_names[] = {"precision", "futility", "broken"};
static const char *const mode_names[] = {"off", "advise", "stop"};

const char *
iw_rule_name(iw_rule rule)
{
    return rule_names[rule];
}

const char *
iw_stop_mode_name(iw_stop_mode mode)
{
    return mode_names[mode];
}

void
iw_convergence_options_init(iw_convergence_options *options)
{
    *options = (iw_convergence_options){.mode = {IW_STOP_ADVISE, IW_STOP_ADVISE, IW_STOP_ADVISE},
                                        .target = 0.20,
                                        .min_hops = 50,
                                        .min_time_ps = 2,
                                        .trend_sigmas = 2,
                                        .hold = 3,
                                        .budget_ps = NAN,
                                        .planned_ps = NAN,
                                        .broken_hold = 50};
}

iw_status
iw_convergence_options_check(const iw_convergence_options *options, iw_error *err)
{
    if (!(options->target > 0))
        return iw_fail(err, IW_INVALID, "target of %g: a relative error above zero is wanted",
                       options->target);
    if (options->budget_ps <= 0 || options->planned_ps <= 0)
        return iw_fail(err, IW_INVALID, "budget of %g ps, planned %g ps: more than zero is wanted",
                       options->budget_ps, options->planned_ps);
    return IW_OK;
}

void
iw_convergence_init(iw_convergence *state, const char *reason)
{
    *state = (iw_convergence){.state = "unknown",
                              .rule = IW_RULE_COUNT,
                              .relative_error = NAN,
                              .predicted_ps_to_target = NAN,
                              .predicted_ps_ci95 = {NAN, NAN},
                              .values = {.time_ps = NAN,
                                         .relative_error = NAN,
                                         .D_cm2_s = NAN,
                                         .ci95_cm2_s = {NAN, NAN},
                                         .effective_hops = NAN,
                                         .alpha = NAN}};
    (void)snprintf(state->why[IW_RULE_PRECISION], IW_REASON_TEXT, "%s", reason);
    memcpy(state->reason, state->why[IW_RULE_PRECISION], sizeof state->reason);
}

/* Decimals of hops and picoseconds in a sentence: 65.3, 127, 2096. */
static int
decimals(double value)
{
    return value < 100 ? 1 : 0;
}

/* ---- precision ---- */

/* Does D change along the run by more than chance allows?  A block of n has n times the variance of
 * the whole, or what the blocks scatter by, whichever is more. */
static bool
has_trend(const iw_observation *seen, double sigmas, double *first, double *last)
{
    size_t n = seen->n_blocks;
    double middle = ((double)n - 1) / 2, mean = 0, xx = 0, xy = 0;
    if (n < 2 || !(sigmas > 0))
        return false;
    for (size_t b = 0; b < n; b++) {
        if (!isfinite(seen->block_D_cm2_s[b]))
            return false;
        mean += seen->block_D_cm2_s[b] / (double)n;
    }
    for (size_t b = 0; b < n; b++) {
        double x = (double)b - middle;
        xx += x * x;
        xy += x * (seen->block_D_cm2_s[b] - mean);
    }
    double slope = xy / xx, residual = 0;
    for (size_t b = 0; b < n; b++) {
        double r = seen->block_D_cm2_s[b] - mean - slope * ((double)b - middle);
        residual += r * r;
    }
    double sigma = seen->mobile->stderr_cm2_s;
    double variance = (double)n * sigma * sigma;
    if (n > 3)
        variance = fmax(variance, residual / ((double)n - 2));
    *first = mean - slope * middle;
    *last = mean + slope * middle;
    return slope * slope * xx > sigmas * sigmas * variance;
}

/* The condition of the rule; says in why[] which part fails, or that none does. */
static bool
is_precise(iw_convergence *state, const iw_convergence_options *options, const iw_observation *seen)
{
    const iw_diffusion *mobile = seen->mobile;
    double error = state->relative_error, first = NAN, last = NAN;
    char *why = state->why[IW_RULE_PRECISION];
    enum { size = IW_REASON_TEXT };
    if (!state->known)
        (void)snprintf(why, size, "D is not known after %.3g ps: %s", seen->averaged_ps,
                       mobile->warning        ? mobile->warning
                       : mobile->D_cm2_s <= 0 ? "the MSD does not grow"
                                              : "too few frames");
    else if (seen->averaged_ps < options->min_time_ps)
        (void)snprintf(why, size, "%.4g ps of MD, %.4g ps are the least", seen->averaged_ps,
                       options->min_time_ps);
    else if (!(error <= options->target))
        (void)snprintf(why, size, "relative error of D is %.3g, the target %.3g", error,
                       options->target);
    else if (!(mobile->effective_hops >= options->min_hops))
        (void)snprintf(why, size, "%.*f effective hops, %.3g are the least",
                       decimals(mobile->effective_hops), mobile->effective_hops, options->min_hops);
    else if (!mobile->diffusive)
        (void)snprintf(why, size, "no diffusive regime: %s (alpha %.3g)",
                       mobile->warning ? mobile->warning : "the MSD is no straight line",
                       mobile->alpha);
    else if (!isfinite(mobile->ci95_cm2_s[1]))
        (void)snprintf(why, size, "nothing bounds D from above yet");
    else if (seen->unequilibrated)
        (void)snprintf(why, size, "not equilibrated: %s", seen->unequilibrated);
    else if (has_trend(seen, options->trend_sigmas, &first, &last))
        (void)snprintf(why, size,
                       "D drifts from %.3g to %.3g cm2/s over the run, more than chance explains",
                       first, last);
    else
        return true;
    return false;
}

static void
say_precise(iw_convergence *state, const iw_convergence_options *options)
{
    unsigned held = state->held[IW_RULE_PRECISION];
    (void)snprintf(state->why[IW_RULE_PRECISION], IW_REASON_TEXT,
                   "relative error of D is %.3g (target %.3g) with %.*f effective hops and "
                   "alpha %.3g, at %u check%s in a row (%u asked for)",
                   state->relative_error, options->target, decimals(state->values.effective_hops),
                   state->values.effective_hops, state->values.alpha, held, held == 1 ? "" : "s",
                   options->hold);
}

/* ---- futility ---- */

static double
budget_of(const iw_convergence_options *options)
{
    return isfinite(options->budget_ps) ? options->budget_ps : options->planned_ps;
}

static bool
below_floor(iw_convergence *state, const iw_convergence_options *options)
{
    double D = fmax(0, state->values.D_cm2_s), high = state->values.ci95_cm2_s[1];
    if (!(options->min_D_cm2_s > 0) || !(D + FUTILITY_STRETCH * (high - D) < options->min_D_cm2_s))
        return false;
    (void)snprintf(state->why[IW_RULE_FUTILITY], IW_REASON_TEXT,
                   "no diffusion of interest: D < %.2g cm2/s (95 %%) after %.4g ps, the floor is "
                   "%.2g cm2/s",
                   high, state->values.time_ps, options->min_D_cm2_s);
    return true;
}

/* A budget that is spent asks for no prediction.  The planned length is no such end: who goes on
 * beyond it wants to. */
static bool
budget_is_spent(iw_convergence *state, const iw_convergence_options *options)
{
    const iw_convergence_values *now = &state->values;
    if (!(now->time_ps >= options->budget_ps))
        return false;
    (void)snprintf(state->why[IW_RULE_FUTILITY], IW_REASON_TEXT,
                   "budget spent: %.4g ps of %.4g ps, and D is %.2g to %.2g cm2/s (95 %%; relative "
                   "error %.3g, target %.3g)",
                   now->time_ps, options->budget_ps, now->ci95_cm2_s[0], now->ci95_cm2_s[1],
                   now->relative_error, options->target);
    return true;
}

static bool
beyond_budget(iw_convergence *state, const iw_convergence_options *options,
              const iw_prediction *prediction)
{
    const iw_convergence_values *now = &state->values;
    double budget_ps = budget_of(options), soonest_ps = prediction->ci95_ps[0];
    if (isfinite(prediction->total_ps))
        soonest_ps =
            prediction->total_ps * pow(soonest_ps / prediction->total_ps, FUTILITY_STRETCH);
    if (!(now->time_ps >= FUTILITY_SHARE * budget_ps) || !(soonest_ps > budget_ps))
        return false;
    char *why = state->why[IW_RULE_FUTILITY];
    if (now->ci95_cm2_s[0] > 0)
        (void)snprintf(why, IW_REASON_TEXT,
                       "target out of reach: it takes %.*f ps at least, the budget is %.4g ps "
                       "(relative error %.3g, target %.3g, %.*f hops; D %.2g to %.2g cm2/s, 95 %%)",
                       decimals(prediction->ci95_ps[0]), prediction->ci95_ps[0], budget_ps,
                       now->relative_error, options->target, decimals(now->effective_hops),
                       now->effective_hops, now->ci95_cm2_s[0], now->ci95_cm2_s[1]);
    else
        (void)snprintf(why, IW_REASON_TEXT,
                       "no diffusion within budget: D < %.2g cm2/s (95 %%) after %.4g ps; a "
                       "relative error of %.3g takes %.*f ps at least, the budget is %.4g ps",
                       now->ci95_cm2_s[1], now->time_ps, options->target,
                       decimals(prediction->ci95_ps[0]), prediction->ci95_ps[0], budget_ps);
    return true;
}

/* ---- all of them ---- */

static bool
fires(const iw_convergence *state, const iw_convergence_options *options, iw_rule rule)
{
    unsigned hold = rule == IW_RULE_BROKEN ? options->broken_hold : options->hold;
    return state->held[rule] >= (hold > 0 ? hold : 1);
}

/* State and reason from the rules: what ends a run at once comes first. */
static void
settle(iw_convergence *state, const iw_convergence_options *options)
{
    static const struct {
        iw_rule rule;
        const char *state;
    } order[] = {
        {IW_RULE_BROKEN, "broken"}, {IW_RULE_PRECISION, "converged"}, {IW_RULE_FUTILITY, "futile"}};
    state->rule = IW_RULE_COUNT;
    const char *name = state->known ? "converging" : "unknown";
    for (size_t i = 0; i < sizeof order / sizeof *order && state->rule == IW_RULE_COUNT; i++) {
        if (fires(state, options, order[i].rule)) {
            state->rule = order[i].rule;
            name = order[i].state;
        }
    }
    iw_rule speaker = state->rule == IW_RULE_COUNT ? IW_RULE_PRECISION : state->rule;
    (void)snprintf(state->state, sizeof state->state, "%s", name);
    memcpy(state->reason, state->why[speaker], sizeof state->reason);
    for (size_t i = 0; i < state->n_decisions; i++)
        state->decisions[i].holds = fires(state, options, state->decisions[i].rule);
}

static void
note_values(iw_convergence *state, const iw_observation *seen)
{
    const iw_diffusion *mobile = seen->mobile;
    double error = mobile->D_cm2_s > 0 ? mobile->stderr_cm2_s / mobile->D_cm2_s : NAN;
    state->known = isfinite(error);
    state->relative_error = error;
    state->values = (iw_convergence_values){
        .time_ps = seen->time_ps,
        .relative_error = error,
        .D_cm2_s = mobile->D_cm2_s,
        .ci95_cm2_s = {mobile->ci95_cm2_s[0], mobile->ci95_cm2_s[1]},
        .effective_hops = mobile->effective_hops,
        .alpha = mobile->alpha,
    };
}

/* The prediction as length of the whole run, frames that are left out of the averages included. */
static iw_prediction
predict(iw_convergence *state, const iw_convergence_options *options, const iw_observation *seen)
{
    iw_prediction self = iw_prediction_make(&state->history, seen->mobile, seen->averaged_ps,
                                            options->target, options->min_hops);
    double *total_ps[] = {&self.total_ps, &self.ci95_ps[0], &self.ci95_ps[1]};
    double *more_ps[] = {&state->predicted_ps_to_target, &state->predicted_ps_ci95[0],
                         &state->predicted_ps_ci95[1]};
    for (size_t i = 0; i < 3; i++) {
        *more_ps[i] = NAN;
        if (isnan(*total_ps[i]))
            continue;
        *total_ps[i] = fmax(*total_ps[i] + seen->time_ps - seen->averaged_ps, options->min_time_ps);
        *more_ps[i] = fmax(0, *total_ps[i] - seen->time_ps);
    }
    if (!seen->mobile->diffusive && state->predicted_ps_to_target <= 0)
        state->predicted_ps_to_target = state->predicted_ps_ci95[1] = NAN; /* regimes come unseen */
    return self;
}

/* step: what a condition that holds adds to the count, 0 for a look. */
static void
judge(iw_convergence *state, const iw_convergence_options *options, const iw_observation *seen,
      unsigned step)
{
    note_values(state, seen);
    if (step > 0)
        iw_prediction_note(&state->history, seen->averaged_ps, state->relative_error,
                           seen->mobile->effective_hops);
    iw_prediction prediction = predict(state, options, seen);
    bool precise = is_precise(state, options, seen);
    state->held[IW_RULE_PRECISION] = precise ? state->held[IW_RULE_PRECISION] + step : 0;
    if (precise)
        say_precise(state, options);
    bool futile = options->mode[IW_RULE_FUTILITY] != IW_STOP_OFF && !precise &&
                  seen->averaged_ps >= options->min_time_ps &&
                  (below_floor(state, options) || budget_is_spent(state, options) ||
                   beyond_budget(state, options, &prediction));
    state->held[IW_RULE_FUTILITY] = futile ? state->held[IW_RULE_FUTILITY] + step : 0;
    settle(state, options);
}

void
iw_convergence_check(iw_convergence *state, const iw_convergence_options *options,
                     const iw_observation *seen)
{
    judge(state, options, seen, 1);
}

void
iw_convergence_look(iw_convergence *state, const iw_convergence_options *options,
                    const iw_observation *seen)
{
    judge(state, options, seen, 0);
}

void
iw_convergence_check_health(iw_convergence *state, const iw_convergence_options *options,
                            const char *broken)
{
    bool counts = broken && options->mode[IW_RULE_BROKEN] != IW_STOP_OFF;
    state->held[IW_RULE_BROKEN] = counts ? state->held[IW_RULE_BROKEN] + 1 : 0;
    if (counts)
        (void)snprintf(state->why[IW_RULE_BROKEN], IW_REASON_TEXT, "%s", broken);
    settle(state, options);
}

static bool
is_decided(const iw_convergence *state, iw_rule rule)
{
    for (size_t i = 0; i < state->n_decisions; i++) {
        if (state->decisions[i].rule == rule)
            return true;
    }
    return false;
}

const iw_decision *
iw_convergence_decide(iw_convergence *state, const iw_convergence_options *options,
                      const iw_observation *seen)
{
    for (iw_rule rule = 0; rule < IW_RULE_COUNT; rule++) {
        if (options->mode[rule] == IW_STOP_OFF || is_decided(state, rule) ||
            !fires(state, options, rule))
            continue;
        iw_decision *decision = &state->decisions[state->n_decisions++];
        double planned_ps =
            isfinite(options->planned_ps) ? options->planned_ps : options->budget_ps;
        *decision = (iw_decision){
            .rule = rule,
            .action = options->mode[rule],
            .holds = true,
            .frame = seen->frame,
            .step = seen->step,
            .time_ps = seen->time_ps,
            .values = state->values,
            .target = options->target,
            .min_D_cm2_s = options->min_D_cm2_s > 0 ? options->min_D_cm2_s : (double)NAN,
            .budget_ps = budget_of(options),
            .predicted_ps = {seen->time_ps + state->predicted_ps_ci95[0],
                             seen->time_ps + state->predicted_ps_ci95[1]},
            .saved_ps = isfinite(planned_ps) ? fmax(0, planned_ps - seen->time_ps) : (double)NAN,
        };
        memcpy(decision->reason, state->why[rule], sizeof decision->reason);
        return decision;
    }
    return NULL;
}

/* ---- checkpoints ---- */

static void
archive_values(iw_convergence_values *values, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_convergence_values, 56);
    iw_archive_double(archive, &values->time_ps);
    iw_archive_double(archive, &values->relative_error);
    iw_archive_double(archive, &values->D_cm2_s);
    iw_archive_doubles(archive, values->ci95_cm2_s, 2);
    iw_archive_double(archive, &values->effective_hops);
    iw_archive_double(archive, &values->alpha);
}

static void
archive_decision(iw_decision *decision, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_decision, 384);
    IW_ARCHIVE_ENUM(archive, &decision->rule, IW_RULE_COUNT - 1, "rule of a decision");
    IW_ARCHIVE_ENUM(archive, &decision->action, IW_STOP_STOP, "action of a decision");
    iw_archive_u64(archive, &decision->frame);
    iw_archive_i64(archive, &decision->step);
    iw_archive_double(archive, &decision->time_ps);
    iw_archive_text(archive, decision->reason, sizeof decision->reason);
    archive_values(&decision->values, archive);
    iw_archive_double(archive, &decision->target);
    iw_archive_double(archive, &decision->min_D_cm2_s);
    iw_archive_double(archive, &decision->budget_ps);
    iw_archive_doubles(archive, decision->predicted_ps, 2);
    iw_archive_bool(archive, &decision->holds);
    iw_archive_double(archive, &decision->saved_ps);
}

void
iw_convergence_archive(iw_convergence *state, iw_archive *archive)
{
    IW_ARCHIVE_KNOWS(iw_convergence, 3032);
    iw_archive_tag(archive, "convergence", 1);
    iw_archive_text(archive, state->state, sizeof state->state);
    iw_archive_text(archive, state->reason, sizeof state->reason);
    IW_ARCHIVE_ENUM(archive, &state->rule, IW_RULE_COUNT, "rule of a state");
    iw_archive_double(archive, &state->relative_error);
    iw_archive_double(archive, &state->predicted_ps_to_target);
    iw_archive_doubles(archive, state->predicted_ps_ci95, 2);
    for (size_t rule = 0; rule < IW_RULE_COUNT; rule++) {
        iw_archive_u32(archive, &state->held[rule]);
        iw_archive_text(archive, state->why[rule], sizeof state->why[rule]);
    }
    iw_archive_bool(archive, &state->known);
    archive_values(&state->values, archive);
    iw_prediction_archive(&state->history, archive);
    size_t made = 0;
    iw_archive_limited(archive, &state->n_decisions, IW_RULE_COUNT, "decisions");
    for (size_t i = 0; i < state->n_decisions; i++) {
        archive_decision(&state->decisions[i], archive);
        made |= (size_t)1 << state->decisions[i].rule;
    }
    /* There is room for one decision of each rule. */
    IW_ARCHIVE_CHECK(archive, (size_t)__builtin_popcountll(made) == state->n_decisions);
}
