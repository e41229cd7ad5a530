/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/diffusion.h"

#include "constants.h"
#include "estimate/interval.h"
#include "estimate/scatter.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* Rules of the window, found with tests/bench/calibrate (docs/physics.md, "D"). */
#define LEFT_SITES 1.25 /* the MSD has grown by so many squared jumps where it starts */
#define FORGOTTEN  5.0  /* it starts after so many memory times of velocity and vibration */
#define STRAIGHT   0.99 /* quantile of chi^2 that a line may reach */
#define BLOCK_ODDS 3.0  /* that blocks which scatter more do so by chance */
#define NOISE_ODDS 0.3  /* that the MSD of a group at rest which scatters more does so by chance */
/* The window starts at M/2 at the latest, is first looked for with a line from M/8, and its lines
 * start within the octave from there. */
enum { LATEST = 2, PILOT = 8, PILOT_ROUNDS = 3, STARTS = 4 };
/* Noise is judged from M/4 on, where there are points for three degrees of freedom. */
enum { RIPPLE = 4, LEAST_RIPPLE = 3 };

void
iw_diffusion_options_init(iw_diffusion_options *options)
{
    *options =
        (iw_diffusion_options){.hop_length_A = 3, .alpha_tolerance = 0.1, .jump_length_A = NAN};
}

void
iw_diffusion_init(iw_diffusion *out)
{
    *out = (iw_diffusion){.D_cm2_s = NAN,
                          .stderr_cm2_s = NAN,
                          .ci95_cm2_s = {NAN, NAN},
                          .ci68_cm2_s = {NAN, NAN},
                          .stderr_model_cm2_s = NAN,
                          .stderr_blocks_cm2_s = NAN,
                          .stderr_atoms_cm2_s = NAN,
                          .stderr_hops_cm2_s = NAN,
                          .intercept_A2 = NAN,
                          .D_einstein_cm2_s = NAN,
                          .D_axes_cm2_s = {NAN, NAN, NAN},
                          .D_axes_stderr_cm2_s = {NAN, NAN, NAN},
                          .alpha = NAN,
                          .non_gaussian = NAN,
                          .jump_A = NAN,
                          .effective_hops = NAN,
                          .he_relative_error = NAN,
                          .fit_ps = {NAN, NAN},
                          .stderr_A2 = out->stderr_A2};
}

/* What the run itself says about a variance of the model. */
typedef struct {
    double model;   /* variance of the slope */
    double ratio;   /* of the variance that was found to it; NAN where there is too little */
    double belief;  /* that what was found is right and the model is not */
    double scale;   /* of the model's variance, >= 1 */
    double freedom; /* of the scaled variance */
} judgement;

/* Everything that is asked of one group. */
typedef struct {
    const iw_displacements *from;
    iw_points points;
    double hop_A2;      /* squared length of a hop, from the options */
    double jump_A2;     /* what the jumps are said to be; NAN: told by the moments */
    double least;       /* frames before which no window starts */
    judgement noise;    /* of a group that rests; else as the model has it */
    size_t early_first; /* point at M/8, */
    judgement early;    /* and that of the line from there */
} problem;

/*
 * A variance was found to be `ratio` times the model's, with so many degrees of freedom.  The model
 * is right, or it is not and what was found is: the odds are those of chi^2 under either, times the
 * prior ones and the square root of the degrees of freedom that the second takes.  One-sided: a
 * smaller variance says that there was little to find it from.
 */
static judgement
believe(double ratio, double freedom, double odds)
{
    judgement out = {.ratio = ratio, .scale = 1, .freedom = INFINITY};
    if (!(ratio > 1) || !isfinite(ratio))
        return out;
    double against = freedom / 2 * (ratio - 1 - log(ratio));
    out.belief = 1 / (1 + odds * sqrt(freedom) * exp(-against));
    out.scale = 1 + out.belief * (ratio - 1);
    double share = out.belief * ratio / out.scale;
    out.freedom = freedom / (share * share);
    return out;
}

/* Variance of the slope by the model, and what the blocks say about it. */
static judgement
judge_line(const problem *of, const iw_line *line)
{
    iw_walk still = line->walk;
    still.q_A2 = 0;
    double model = iw_line_variance(&of->points, line->weight, &line->walk) +
                   (of->noise.scale - 1) * iw_line_variance(&of->points, line->weight, &still);
    double memory = 2 * of->points.x[line->first];
    iw_scatter blocks = iw_scatter_blocks(of->from, &of->points, line->weight, memory);
    judgement out = believe(blocks.variance / model, blocks.freedom, BLOCK_ODDS);
    out.model = model;
    return out;
}

/* A window that starts late has too few blocks to judge by; ions that move together, or in spells,
 * do so at every lag, and what early lags say counts there.  Of two judgements the one that speaks
 * more against the model counts. */
static judgement
judge(const problem *of, const iw_line *line)
{
    judgement out = judge_line(of, line);
    double model = out.model;
    if (line->first > of->early_first || of->early.scale > out.scale)
        out = of->early;
    out.model = model;
    return out;
}

/* Index of the first point at or beyond a lag; n when there is none. */
static size_t
find(const iw_points *points, double lag)
{
    size_t i = 0;
    while (i < points->n && points->x[i] < lag)
        i++;
    return i;
}

/* Does the line fit as well as chance allows, in 99 of 100 cases? */
static bool
fits_well(const problem *of, const iw_line *line)
{
    double freedom = (double)(of->points.n - line->first) - 2;
    if (!line->valid || freedom < 1)
        return line->valid;
    return line->chi2 <= gsl_cdf_chisq_Pinv(STRAIGHT, freedom) * judge(of, line).scale;
}

/* Does the line start where velocities (the offset is below zero) and vibrations (it is above)
 * are forgotten? */
static bool
forgotten(const iw_points *points, const iw_line *line)
{
    double start = points->x[line->first];
    return line->slope * start >= -FORGOTTEN * line->intercept &&
           start >= FORGOTTEN * (line->walk.noise_frames - 1);
}

/* Two lines over early lags: from M/8 on, whose blocks are few but long, and from the longest lag
 * that is no longer than an epoch, where it tells of motion and not of vibrations. */
static void
judge_early(problem *of)
{
    const iw_points *points = &of->points;
    of->early = (judgement){.ratio = NAN, .scale = 1, .freedom = INFINITY};
    of->early_first = find(points, floor(points->x[points->n - 1] / PILOT));
    iw_line line = iw_line_fit(points, of->early_first, of->hop_A2, of->jump_A2);
    if (line.valid)
        of->early = judge_line(of, &line);
    else
        of->early_first = points->n;
    size_t epoch = find(points, (double)of->from->epoch_frames + 1);
    if (epoch == 0 || epoch + 3 > points->n)
        return;
    line = iw_line_fit(points, epoch - 1, of->hop_A2, of->jump_A2);
    if (!line.valid || line.slope * points->x[epoch - 1] < line.intercept ||
        !forgotten(points, &line))
        return;
    judgement short_lags = judge_line(of, &line);
    if (short_lags.scale > of->early.scale)
        of->early = short_lags;
}

/* How the MSD of a group that rests scatters about a line.  The vibration of a crystal remembers
 * itself for longer than the mean over its modes does, and its slow modes are shared by all atoms:
 * the noise is larger than the model's, and no block shows it. */
static void
judge_noise(problem *of)
{
    const iw_points *points = &of->points;
    size_t first = find(points, points->x[points->n - 1] / RIPPLE);
    double freedom = (double)(points->n - first) - 2;
    if (freedom < LEAST_RIPPLE)
        return;
    iw_line line = iw_line_fit(points, first, of->hop_A2, of->jump_A2);
    if (!line.valid)
        return;
    of->noise = believe(line.chi2 / freedom, freedom, NOISE_ODDS);
    judge_early(of);
}

/* The growth of the MSD by which ions have left their sites. */
static double
growth_needed(const problem *of, const iw_line *line)
{
    double jump_A2 = isnan(of->jump_A2) ? line->walk.jump_A2 : of->jump_A2;
    return LEFT_SITES * fmin(jump_A2, of->hop_A2);
}

typedef struct {
    size_t start;
    bool straight; /* a line fits from there */
    bool left;     /* ions have left their sites there */
    double misfit; /* chi^2 over its degrees of freedom, of the latest line tried */
} window;

/* Where ions have left their sites: the lag at which a line from elsewhere says so, since a start
 * where the line itself says so is one where it came out steep by chance. */
static size_t
leave_sites(const problem *of, size_t latest)
{
    size_t start = find(&of->points, floor(of->points.x[of->points.n - 1] / PILOT));
    start = start < latest ? start : latest;
    for (int round = 0; round < PILOT_ROUNDS; round++) {
        iw_line line = iw_line_fit(&of->points, start, of->hop_A2, of->jump_A2);
        if (!line.valid || !(line.slope > 0))
            return of->points.n;
        double needed = growth_needed(of, &line) / line.slope;
        start = needed <= of->points.x[latest] ? find(&of->points, needed) : of->points.n;
        if (start > latest)
            return of->points.n;
    }
    return start;
}

/* The first point from which all rules hold, M/2 at the latest, or what was asked for; where
 * shorter lags were refused, twice as late, since a misfit too small to be seen would still bias D.
 */
static window
find_window(const problem *of)
{
    const iw_points *points = &of->points;
    size_t latest = find(points, points->x[points->n - 1] / LATEST);
    if (latest + 3 > points->n)
        latest = points->n > 3 ? points->n - 3 : 0;
    window out = {.start = leave_sites(of, latest)};
    out.left = out.start <= latest;
    if (!out.left)
        out.start = latest;
    size_t asked = find(points, of->least);
    if (asked > out.start && asked + 3 <= points->n)
        out.start = asked;
    latest = latest > out.start ? latest : out.start;
    double least = 0;
    for (size_t i = out.start; i <= latest; i++) {
        iw_line line = iw_line_fit(points, i, of->hop_A2, of->jump_A2);
        double freedom = (double)(points->n - i) - 2;
        out.start = i;
        out.misfit = freedom > 0 ? line.chi2 / freedom : 0;
        bool fits = fits_well(of, &line);
        out.straight = fits && forgotten(points, &line);
        if (!fits)
            least = 2 * points->x[i];
        else if (out.straight && points->x[i] >= least)
            break;
    }
    return out;
}

/* The mean of the lines that start within an octave: one line, since each is a weighted sum of the
 * same values.  It depends less on where the window starts than any of them. */
static iw_line
fit_window(const problem *of, size_t start)
{
    const iw_points *points = &of->points;
    iw_line mean = iw_line_fit(points, start, of->hop_A2, of->jump_A2);
    double count = 1;
    for (size_t i = start + 1; mean.valid && i < start + STARTS && i + 3 <= points->n; i++) {
        iw_line line = iw_line_fit(points, i, of->hop_A2, of->jump_A2);
        if (!line.valid)
            break;
        count++;
        mean.slope += (line.slope - mean.slope) / count;
        mean.intercept += (line.intercept - mean.intercept) / count;
        for (size_t k = 0; k < points->n; k++)
            mean.weight[k] += (line.weight[k] - mean.weight[k]) / count;
    }
    mean.walk.q_A2 = fmax(mean.slope, iw_points_least_growth(points));
    return mean;
}

/* d ln MSD / d ln tau by generalised least squares, from where the offset is at most a tenth of the
 * MSD, at the latest from M/4 on.  *allowed: what it may miss 1 by for its error (two sigma) and
 * for the offset. */
static double
exponent(const iw_points *points, const iw_line *line, double scale, double *allowed)
{
    size_t first = line->first;
    double quarter = points->x[points->n - 1] / 4;
    while (first + 3 < points->n && points->x[first] < quarter &&
           points->y[first] < 10 * line->walk.c_A2)
        first++;
    *allowed = 0;
    iw_line logarithmic = iw_line_fit_logarithms(points, first, &line->walk);
    if (!logarithmic.valid)
        return NAN;
    for (size_t i = first; i < points->n; i++)
        logarithmic.weight[i] /= points->y[i];
    double variance = scale * iw_line_variance(points, logarithmic.weight, &line->walk);
    *allowed = 2 * sqrt(fmax(0, variance)) + fabs(line->intercept) / points->y[first];
    return logarithmic.slope;
}

/* D along each axis by the weights of the whole, with the walk along that axis. */
static void
fill_axes(const iw_points *points, const iw_line *line, double scale, double unit,
          iw_diffusion *out)
{
    for (size_t axis = 0; axis < 3; axis++) {
        double slope = 0;
        for (size_t i = 0; i < points->n; i++)
            slope += line->weight[i] * points->axis[axis][i];
        iw_walk walk = line->walk;
        walk.axes = 1;
        walk.c_A2 /= 3;
        walk.q_A2 = fmax(slope, iw_points_least_growth(points));
        double variance = scale * iw_line_variance(points, line->weight, &walk);
        out->D_axes_cm2_s[axis] = fmax(0, slope) / 2 * unit;
        out->D_axes_stderr_cm2_s[axis] = sqrt(fmax(0, variance)) / 2 * unit;
    }
}

/* By how much Student's quantile is more than that of the normal distribution, squared. */
static double
student(double chance, double freedom)
{
    return pow(gsl_cdf_tdist_Pinv(chance, fmin(freedom, 1e6)) / gsl_cdf_ugaussian_Pinv(chance), 2);
}

/* What the slope would be of one hop in all frames. */
static double
one_hop(const problem *of)
{
    double frames = 0;
    for (size_t s = 0; s < of->from->n_segments; s++)
        frames += (double)of->from->segment_frames[s] - 1;
    return (isnan(of->jump_A2) ? of->hop_A2 : of->jump_A2) / (of->points.atoms * frames);
}

static void
fill_errors(const problem *of, const iw_line *line, const window *found, double unit,
            iw_diffusion *out)
{
    judgement judged = judge(of, line);
    iw_law law = iw_law_of_line(&of->points, line);
    /* a line that does not fit gets an error that would make it fit */
    double rest = judged.scale;
    if (!found->straight)
        rest = fmax(rest, found->misfit / of->noise.scale);
    double scale = rest * judged.model / iw_line_variance(&of->points, line->weight, &line->walk);
    double to_D = unit / 6;
    out->stderr_cm2_s = sqrt(rest * judged.model) * to_D;
    out->stderr_model_cm2_s = sqrt(rest * judged.model / scale) * to_D;
    out->stderr_blocks_cm2_s = sqrt(judged.ratio * judged.model) * to_D;
    out->stderr_atoms_cm2_s =
        sqrt(iw_scatter_atoms(of->from, &of->points, line->weight).variance) * to_D;
    out->collective = judged.belief > 0.5;
    const double below[2] = {0.975, gsl_cdf_ugaussian_P(1)};
    double *ends[2] = {out->ci95_cm2_s, out->ci68_cm2_s};
    for (int i = 0; i < 2; i++) {
        double by_noise = of->noise.scale * student(below[i], of->noise.freedom);
        double by_rest = rest * student(below[i], judged.freedom);
        iw_law seen = iw_law_widen(law, line->walk.q_A2, by_noise, by_rest);
        iw_law_interval(seen, line->slope, gsl_cdf_ugaussian_Pinv(below[i]), ends[i]);
        iw_law_count_hops(law, line->slope, one_hop(of), 1 - below[i], ends[i]);
        ends[i][0] *= to_D;
        ends[i][1] *= to_D;
    }
    fill_axes(&of->points, line, scale, unit, out);
}

static void
fill_verdict(const problem *of, const iw_line *line, const window *found,
             const iw_diffusion_options *options, iw_diffusion *out)
{
    double allowed = 0, scale = pow(out->stderr_cm2_s / out->stderr_model_cm2_s, 2);
    out->alpha = exponent(&of->points, line, isfinite(scale) ? scale : 1, &allowed);
    bool grows = out->D_cm2_s > 2 * out->stderr_cm2_s;
    bool proportional = fabs(out->alpha - 1) <= fmax(options->alpha_tolerance, allowed);
    /* half a squared hop is the least that He, Zhu, Epstein and Mo accept */
    bool far = line->slope * of->points.x[of->points.n - 1] >= of->hop_A2 / 2;
    out->diffusive = found->straight && found->left && grows && far && proportional;
    if (!grows)
        out->warning = "the growth of the MSD is within its error";
    else if (!far)
        out->warning = "the MSD grows by less than half a squared hop length";
    else if (!found->left)
        out->warning = "the ions have not left their sites yet: at M/2 the MSD has not grown by "
                       "1.25 squared jumps, and jumps back would still lower D";
    else if (!found->straight)
        out->warning = "no lag from which the MSD is a straight line: D is fitted from M/2 on";
    else if (!proportional)
        out->warning = "the MSD does not grow in proportion to time";
    else if (out->collective)
        out->warning = "parts of the run differ more than independent ions explain: the error is "
                       "that of the parts";
}

static void
fill_curve(const problem *of, const iw_msd_curve *curve, const iw_line *line, iw_diffusion *out)
{
    iw_walk_segments segments;
    iw_walk_segments_init(&segments, of->from->segment_frames, of->from->n_segments);
    out->stderr_A2[0] = 0;
    for (size_t n = 1; n < curve->n_lags; n++) {
        iw_walk_sums sums = iw_walk_sum(&segments, (iw_walk_lag){n, 1}, (iw_walk_lag){n, 1});
        out->stderr_A2[n] = sqrt(iw_walk_covariance(&line->walk, &sums));
    }
}

static void
fill_hops(const problem *of, iw_diffusion *out)
{
    double largest = 0;
    for (size_t k = 0; k < of->from->n_lags; k++)
        largest = fmax(largest, of->from->mean_A2[k]);
    out->effective_hops = (double)of->from->atoms * largest / of->hop_A2;
    out->he_relative_error = 3.43 / sqrt(out->effective_hops) + 0.04;
}

iw_status
iw_diffusion_estimate(const iw_displacements *displacements, const iw_msd_curve *curve,
                      const iw_diffusion_options *options, iw_diffusion *out, iw_error *err)
{
    iw_diffusion_init(out);
    if (curve)
        out->D_einstein_cm2_s =
            iw_diffusion_einstein(curve->msd_A2, curve->n_lags, curve->dt_fs, 3);
    for (size_t n = 0; curve && out->stderr_A2 && n < curve->n_lags; n++)
        out->stderr_A2[n] = NAN;
    if (displacements->n_lags < 2 || displacements->atoms == 0 || !(displacements->dt_fs > 0)) {
        out->warning = "too short";
        return iw_fail(err, IW_INVALID,
                       "no diffusion coefficient from %zu lags of %g fs and %zu atoms",
                       displacements->n_lags, displacements->dt_fs, displacements->atoms);
    }
    problem of = {.from = displacements,
                  .hop_A2 = options->hop_length_A * options->hop_length_A,
                  .jump_A2 = options->jump_length_A * options->jump_length_A};
    double unit = IW_A2_FS_CM2_S / displacements->dt_fs; /* A^2 a frame to cm^2/s */
    fill_hops(&of, out);
    of.least = options->from_ps * 1000 / displacements->dt_fs * (1 - 1e-12);
    iw_points_init(&of.points, displacements);
    of.noise = (judgement){.ratio = NAN, .scale = 1, .freedom = INFINITY};
    judge_early(&of);
    window found = find_window(&of);
    if (!found.straight || !found.left)
        judge_noise(&of);
    const iw_line line = fit_window(&of, found.start);
    out->fit_ps[0] = of.points.x[line.first] * displacements->dt_fs / 1000;
    out->fit_ps[1] = of.points.x[of.points.n - 1] * displacements->dt_fs / 1000;
    if (!line.valid) {
        out->warning = "nothing moves";
        return IW_OK;
    }
    out->D_cm2_s = fmax(0, line.slope) / 6 * unit;
    out->intercept_A2 = line.intercept;
    out->jump_A = sqrt(line.walk.jump_A2);
    double y = of.points.y[line.first];
    out->non_gaussian = 3 * of.points.quartic[line.first] / (5 * y * y) - 1;
    fill_errors(&of, &line, &found, unit, out);
    out->stderr_hops_cm2_s = out->he_relative_error * out->D_cm2_s;
    fill_verdict(&of, &line, &found, options, out);
    if (curve && out->stderr_A2)
        fill_curve(&of, curve, &line, out);
    return IW_OK;
}

double
iw_diffusion_einstein(const double *msd_A2, size_t n_lags, double dt_fs, int axes)
{
    if (n_lags < 3)
        return NAN;
    double mean_x = 0, mean_y = 0, sxx = 0, sxy = 0;
    size_t m = n_lags - 1, low = (m + 1) / 2, n = m - low + 1;
    for (size_t i = low; i <= m; i++) {
        mean_x += (double)i / (double)n;
        mean_y += msd_A2[i] / (double)n;
    }
    for (size_t i = low; i <= m; i++) {
        double dx = (double)i - mean_x;
        sxx += dx * dx;
        sxy += dx * (msd_A2[i] - mean_y);
    }
    return sxy / sxx / (2 * axes) * IW_A2_FS_CM2_S / dt_fs;
}

double
iw_diffusion_green_kubo(const double *vacf, size_t n_lags, double dt_fs)
{
    double sum = 0;
    for (size_t n = 0; n + 1 < n_lags; n++)
        sum += (vacf[n] + vacf[n + 1]) / 2;
    return sum * dt_fs / 3 * IW_A2_FS_CM2_S;
}
