/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "estimate/paper.h"

#include "constants.h"
#include "correlate/fft.h"
#include "trajectory/cadence.h"
#include "trajectory/unwrap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Frames in a tile: long enough to be read back in whole cache lines, short enough that a tile of
 * a few hundred atoms stays in the second-level cache while it is written frame by frame, and no
 * power of two, which would put all those writes in few cache sets. */
enum { TILE = 120 };
static const size_t atom_bytes = (size_t)3 * TILE * sizeof(double); /* of an atom in a tile */

/* Positions closer than this to the first frame, in Angstrom, are the first frame again. */
static const double same_frame_A = 1e-3;

/* Displacements of the atoms first..first+kept-1, [3 kept][TILE] in each tile. */
typedef struct {
    size_t first, kept;
    size_t n;       /* displacements of each */
    size_t n_tiles; /* in use */
    size_t capacity;
    double **tile;
    uint64_t limit_bytes;
} tiles;

typedef struct {
    const iw_source *source;
    const iw_paper_options *options;
    size_t n_atoms;
    size_t stride; /* frames from one position used to the next */
    size_t frames; /* that followed evenly */
    iw_frame frame;
    iw_cadence cadence;
    iw_unwrap unwrap;
    double *unwrapped; /* [n_atoms][3] since the start */
    double *used;      /* [n_atoms][3] unwrapped, of the last position used */
    double *start;     /* [n_atoms][3] raw, of the first frame */
    tiles store;
} job;

static iw_status
no_memory(iw_error *err, const char *what, size_t n)
{
    (void)iw_fail(err, IW_NO_MEMORY, "no memory for %zu %s", n, what);
    return IW_NO_MEMORY;
}

static void
tiles_clear(tiles *self)
{
    for (size_t t = 0; t < self->n_tiles; t++)
        free(self->tile[t]);
    self->n_tiles = 0;
    self->n = 0;
}

/* Room for TILE more displacements; where that is beyond the limit, of half as many atoms. */
static iw_status
tiles_grow(tiles *self, iw_error *err)
{
    while (self->kept > 1 && (self->n_tiles + 1) * atom_bytes > self->limit_bytes / self->kept) {
        self->kept = (self->kept + 1) / 2;
        for (size_t t = 0; t < self->n_tiles; t++) {
            double *less = realloc(self->tile[t], atom_bytes * self->kept);
            self->tile[t] = less ? less : self->tile[t];
        }
    }
    if (self->n_tiles == self->capacity) {
        size_t capacity = self->capacity ? 2 * self->capacity : 64;
        double **more = realloc(self->tile, capacity * sizeof *more);
        if (!more)
            return no_memory(err, "tiles", capacity);
        self->tile = more;
        self->capacity = capacity;
    }
    double *tile = malloc(atom_bytes * self->kept);
    if (!tile)
        return no_memory(err, "atoms in a tile", self->kept);
    self->tile[self->n_tiles++] = tile;
    return IW_OK;
}

/* One displacement of every atom: to[i] - from[i]. */
static iw_status
tiles_push(tiles *self, const double *to, const double *from, iw_error *err)
{
    size_t column = self->n % TILE;
    if (column == 0) {
        iw_status status = tiles_grow(self, err);
        if (status != IW_OK)
            return status;
    }
    double *tile = self->tile[self->n_tiles - 1];
    for (size_t i = 0; i < 3 * self->kept; i++)
        tile[i * TILE + column] = to[3 * self->first + i] - from[3 * self->first + i];
    self->n++;
    return IW_OK;
}

/* Does the frame follow?  OK: *counts says whether it is new.  INVALID with where. */
static iw_status
judge(job *self, bool *counts, iw_error *err)
{
    const iw_frame *frame = &self->frame;
    unsigned long long seq = frame->seq;
    long long step = frame->step, last = self->cadence.last_step;
    iw_tick tick = iw_cadence_push(&self->cadence, frame);
    *counts = tick == IW_TICK_FIRST || tick == IW_TICK_NEXT;
    if (tick == IW_TICK_REPEAT && iw_cadence_at_start(&self->cadence, frame))
        for (size_t i = 0; i < 3 * self->n_atoms; i++)
            if (fabs(frame->pos_A[i] - self->start[i]) > same_frame_A)
                return iw_fail(err, IW_INVALID,
                               "frame %llu (step %lld): the numbering of steps began again; the "
                               "full-length transform needs one even run",
                               seq, step);
    if (!*counts && tick != IW_TICK_REPEAT)
        return iw_fail(err, IW_INVALID,
                       "frame %llu (step %lld) does not follow evenly on step %lld: the "
                       "full-length transform needs one even run",
                       seq, step, last);
    double inverse[9], volume = 0;
    if (frame->has_cell && !iw_cell_invert(frame->cell_A, inverse, &volume))
        return iw_fail(err, IW_INVALID, "frame %llu: cell is singular: volume %.3f A3", seq,
                       volume);
    for (size_t i = 0; i < 3 * self->n_atoms; i++)
        if (!isfinite(frame->pos_A[i]))
            return iw_fail(err, IW_INVALID, "frame %llu: a coordinate of atom %zu is not finite",
                           seq, i / 3 + 1);
    return IW_OK;
}

static iw_status
take(job *self, iw_error *err)
{
    bool counts = false;
    iw_status status = judge(self, &counts, err);
    if (status != IW_OK || !counts)
        return status;
    const iw_frame *frame = &self->frame;
    const double *cell = frame->has_cell ? frame->cell_A : NULL;
    size_t bytes = 3 * self->n_atoms * sizeof(double);
    if (self->frames++ == 0) {
        iw_unwrap_start(&self->unwrap, frame->pos_A, cell);
        memcpy(self->start, frame->pos_A, bytes);
        memset(self->used, 0, bytes);
        return IW_OK;
    }
    iw_jump jump;
    iw_unwrap_push(&self->unwrap, frame->pos_A, cell, self->unwrapped, &jump);
    if ((self->frames - 1) % self->stride != 0)
        return IW_OK;
    status = tiles_push(&self->store, self->unwrapped, self->used, err);
    memcpy(self->used, self->unwrapped, bytes);
    return status;
}

/* Reads the whole source for the atoms from `first` on, as many as fit. */
static iw_status
read_all(job *self, size_t first, iw_error *err)
{
    tiles_clear(&self->store);
    self->store.first = first;
    if (self->store.kept > self->n_atoms - first)
        self->store.kept = self->n_atoms - first;
    self->frames = 0;
    iw_cadence_init(&self->cadence, self->source->run->timestep_fs);
    iw_unwrap_fini(&self->unwrap);
    iw_status status =
        iw_unwrap_init(&self->unwrap, self->n_atoms, self->source->run->wrapped, err);
    if (status == IW_OK)
        status = self->source->rewind(self->source->self, err);
    while (status == IW_OK) {
        status = self->source->next(self->source->self, &self->frame, err);
        if (status == IW_OK)
            status = take(self, err);
    }
    return status == IW_END ? IW_OK : status;
}

/* Atoms with the same memberships share one spectrum.  class_of[n_atoms]; returns their number,
 * representative[c] is an atom of class c. */
static size_t
classify(const iw_paper_options *options, size_t n_atoms, size_t *class_of, size_t *representative)
{
    size_t n = 0;
    for (size_t i = 0; i < n_atoms; i++) {
        size_t c = 0;
        for (; c < n; c++) {
            size_t g = 0;
            while (g < options->n_groups &&
                   !options->member[g][i] == !options->member[g][representative[c]])
                g++;
            if (g == options->n_groups)
                break;
        }
        class_of[i] = c;
        if (c == n)
            representative[n++] = i;
    }
    return n;
}

/* The least length >= n with no prime factor above 5. */
static size_t
smooth_length(size_t n)
{
    for (;; n++) {
        size_t rest = n;
        for (size_t p = 2; p <= 5; p++)
            while (rest % p == 0)
                rest /= p;
        if (rest == 1)
            return n;
    }
}

/* Adds |V(f)|^2 of the atoms in the store, zero-padded to `length`, to the power of their class. */
static iw_status
add_power(const tiles *store, size_t length, const size_t *class_of, double *power, iw_error *err)
{
    size_t half = length / 2 + 1;
    const iw_fft *plan = iw_fft_get(length, err);
    double *series = iw_fft_alloc(length * sizeof *series);
    double complex *spectrum = iw_fft_alloc(half * sizeof *spectrum);
    iw_status status = IW_OK;
    if (!plan || !series || !spectrum)
        status = no_memory(err, "points of a transform", length);
    for (size_t i = 0; status == IW_OK && i < 3 * store->kept; i++) {
        for (size_t t = 0; t < store->n_tiles; t++) {
            size_t filled = store->n - t * TILE < TILE ? store->n - t * TILE : TILE;
            memcpy(series + t * TILE, store->tile[t] + i * TILE, filled * sizeof *series);
        }
        iw_fft_forward(plan, series, spectrum);
        double *sum = power + class_of[store->first + i / 3] * half;
        for (size_t k = 0; k < half; k++)
            sum[k] +=
                creal(spectrum[k]) * creal(spectrum[k]) + cimag(spectrum[k]) * cimag(spectrum[k]);
    }
    iw_fft_release(&plan);
    iw_fft_free(series);
    iw_fft_free(spectrum);
    return status;
}

/* Biased VACF c[0..n-1] from the power of a group; destroys the power.  False: nothing moves. */
static bool
autocorrelation(const iw_fft *plan, double complex *power, double *padded, double *c, size_t n)
{
    iw_fft_backward(plan, power, padded);
    for (size_t m = 0; m < n; m++)
        c[m] = padded[m] / padded[0];
    return padded[0] > 0;
}

/* |DFT| of c(-(n-1)), ..., c(n-1) less their mean: the sequence is real and even, so its transform
 * is too. */
static iw_status
spectrum_of(const double *c, size_t n, double spacing_fs, iw_vdos *out, iw_error *err)
{
    size_t points = 2 * n - 1;
    const iw_fft *plan = iw_fft_get(points, err);
    double *even = iw_fft_alloc(points * sizeof *even);
    double complex *spectrum = iw_fft_alloc(n * sizeof *spectrum);
    out->energy_meV = calloc(n, sizeof *out->energy_meV);
    out->g = calloc(n, sizeof *out->g);
    iw_status status = IW_OK;
    if (plan && even && spectrum && out->energy_meV && out->g) {
        double mean = c[0];
        for (size_t m = 1; m < n; m++)
            mean += 2 * c[m];
        mean /= (double)points;
        even[0] = c[0] - mean;
        for (size_t m = 1; m < n; m++)
            even[m] = even[points - m] = c[m] - mean;
        iw_fft_forward(plan, even, spectrum);
        double step = IW_PLANCK_MEV_FS / ((double)points * spacing_fs);
        out->n = n;
        for (size_t k = 0; k < n; k++) {
            out->energy_meV[k] = step * (double)k;
            out->g[k] = cabs(spectrum[k]);
        }
        /* half maximum of sinc^2(pi f n dt), the transform of the triangle of a biased VACF */
        out->resolution_meV = 0.8858929414 * IW_PLANCK_MEV_FS / ((double)n * spacing_fs);
    } else {
        status = no_memory(err, "points of a spectrum", points);
    }
    iw_fft_release(&plan);
    iw_fft_free(even);
    iw_fft_free(spectrum);
    return status;
}

/* From the powers of the classes to the spectra and descriptors of the groups. */
static iw_status
finish(const job *self, const double *power, size_t length, size_t n_classes,
       const size_t *representative, iw_paper_group *out, iw_error *err)
{
    const iw_paper_options *options = self->options;
    size_t half = length / 2 + 1, n = self->store.n;
    double spacing_fs = (double)self->stride * options->dt_fs;
    const iw_fft *plan = iw_fft_get(length, err);
    double *padded = iw_fft_alloc(length * sizeof *padded);
    double complex *sum = iw_fft_alloc(half * sizeof *sum);
    double *c = calloc(n, sizeof *c);
    iw_status status = IW_OK;
    if (!plan || !padded || !sum || !c)
        status = no_memory(err, "points of a transform", length);
    iw_vibration_options vibration = {.temperature_K = options->temperature_K,
                                      .cutoff_meV = options->cutoff_meV,
                                      .paper_cut = true};
    for (size_t g = 0; status == IW_OK && g < options->n_groups; g++) {
        memset(sum, 0, half * sizeof *sum);
        for (size_t k = 0; k < n_classes; k++)
            for (size_t i = 0; options->member[g][representative[k]] && i < half; i++)
                sum[i] += power[k * half + i];
        if (autocorrelation(plan, sum, padded, c, n)) {
            status = spectrum_of(c, n, spacing_fs, &out[g].vdos, err);
            if (status == IW_OK && iw_vdos_normalise(&out[g].vdos, NULL) != IW_OK)
                iw_vdos_fini(&out[g].vdos);
        }
        iw_vibration_compute(out[g].vdos.energy_meV, out[g].vdos.g, out[g].vdos.n, &vibration,
                             &out[g].vibration);
    }
    iw_fft_release(&plan);
    iw_fft_free(padded);
    iw_fft_free(sum);
    free(c);
    return status;
}

/* Frames from one position used to the next: 1 when no spacing is wanted. */
static iw_status
find_stride(const iw_paper_options *options, size_t *stride, iw_error *err)
{
    double ratio = isnan(options->spacing_fs) ? 1 : round(options->spacing_fs / options->dt_fs);
    if (!(options->dt_fs > 0) || !(ratio >= 1) || ratio > 1e9 ||
        (!isnan(options->spacing_fs) &&
         fabs(ratio * options->dt_fs - options->spacing_fs) > 1e-6 * options->spacing_fs))
        return iw_fail(err, IW_INVALID,
                       "a spacing of %g fs is no multiple of the frame spacing of %g fs",
                       options->spacing_fs, options->dt_fs);
    *stride = (size_t)ratio;
    return IW_OK;
}

static iw_status
compute(job *self, size_t *class_of, size_t *representative, iw_paper_group *out, iw_error *err)
{
    size_t n_classes = classify(self->options, self->n_atoms, class_of, representative);
    size_t length = 0, n = 0;
    double *power = NULL;
    iw_status status = IW_OK;
    self->store.kept = self->n_atoms;
    for (size_t first = 0; status == IW_OK && first < self->n_atoms; first += self->store.kept) {
        status = read_all(self, first, err);
        if (status != IW_OK)
            break;
        if (self->store.n < 3 || (power && self->store.n != n)) {
            status = iw_fail(err, IW_INVALID,
                             "%zu frames give %zu displacements: at least 3 are needed, as many "
                             "each time the frames are read",
                             self->frames, self->store.n);
            break;
        }
        if (!power) {
            n = self->store.n;
            length = smooth_length(2 * n - 1);
            power = calloc(n_classes * (length / 2 + 1), sizeof *power);
            if (!power)
                status = no_memory(err, "points of a spectrum", n_classes * (length / 2 + 1));
        }
        if (status == IW_OK)
            status = add_power(&self->store, length, class_of, power, err);
    }
    if (status == IW_OK && power)
        status = finish(self, power, length, n_classes, representative, out, err);
    free(power);
    return status;
}

iw_status
iw_paper_compute(const iw_source *source, const iw_paper_options *options, iw_paper_group *out,
                 double *spacing_fs, iw_error *err)
{
    size_t n = source->run->n_atoms;
    if (n == 0)
        return iw_fail(err, IW_INVALID, "the run has no atoms");
    job self = {.source = source,
                .options = options,
                .n_atoms = n,
                .store.limit_bytes =
                    options->memory_bytes ? options->memory_bytes : (uint64_t)2 << 30};
    size_t *class_of = calloc(n, sizeof *class_of);
    size_t *representative = calloc(n, sizeof *representative);
    self.unwrapped = calloc(3 * n, sizeof(double));
    self.used = calloc(3 * n, sizeof(double));
    self.start = calloc(3 * n, sizeof(double));
    iw_status status = find_stride(options, &self.stride, err);
    if (status == IW_OK)
        status = iw_frame_init(&self.frame, n, err);
    if (status == IW_OK &&
        (!class_of || !representative || !self.unwrapped || !self.used || !self.start))
        status = no_memory(err, "atoms", n);
    if (status == IW_OK)
        status = compute(&self, class_of, representative, out, err);
    for (size_t g = 0; status != IW_OK && g < options->n_groups; g++)
        iw_vdos_fini(&out[g].vdos);
    if (spacing_fs)
        *spacing_fs = (double)self.stride * options->dt_fs;
    tiles_clear(&self.store);
    free(self.store.tile);
    iw_unwrap_fini(&self.unwrap);
    iw_frame_fini(&self.frame);
    free(self.unwrapped);
    free(self.used);
    free(self.start);
    free(class_of);
    free(representative);
    return status;
}
