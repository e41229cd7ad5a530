/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/pieces.h"
#include "charges.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const iw_format *const formats[] = {&iw_format_vasprun,
                                           &iw_format_xdatcar,
                                           &iw_format_outcar,
                                           &iw_format_cp2k,
                                           &iw_format_lammps,
                                           &iw_format_extxyz,
                                           &iw_format_iwlog,
                                           &iw_format_pwout,
                                           &iw_format_cpx,
                                           &iw_format_ipi,
                                           NULL};
enum { N_FORMATS = sizeof formats / sizeof formats[0] - 1, HEAD_SIZE = 1 << 14, LOOK_EVERY = 10 };

struct iw_reader {
    iw_reader_options options; /* texts are ours */
    iw_pieces pieces;
    unsigned looks; /* at the end of a followed folder, since it was read */
    const iw_format *format;
    iw_run_info run;
    iw_notes notes;

    size_t index; /* of the piece */
    iw_piece piece;
    void *state; /* of the open piece, or NULL */

    uint64_t seq;
    int64_t step_shift; /* added to the step numbers of this piece */
    double time_shift_fs;
    bool piece_begins; /* the next frame is the first of its piece */
    int64_t piece_first_step, last_step;
    double last_time_fs;
    iw_seam seam;     /* where there is another piece or run, or may come one */
    iw_error failure; /* once reading cannot go on */
};

void
iw_reader_options_init(iw_reader_options *options)
{
    memset(options, 0, sizeof *options);
    options->dt_fs = (double)NAN;
    options->temperature_K = (double)NAN;
}

bool
iw_reader_format(size_t index, const char **name, const char **text)
{
    if (index >= N_FORMATS)
        return false;
    *name = formats[index]->name;
    *text = formats[index]->text;
    return true;
}

static const char *
known_formats(char text[200])
{
    size_t used = 0;
    for (size_t i = 0; i < N_FORMATS; i++) {
        int n = snprintf(text + used, 200 - used, "%s%s", i ? ", " : "", formats[i]->name);
        used += n > 0 && used + (size_t)n < 200 ? (size_t)n : 0;
    }
    return text;
}

static iw_status
guess_format(iw_reader *self, iw_error *err)
{
    const char *path = self->pieces.files.path[0];
    iw_text *text = iw_text_open(path, false, err);
    if (!text)
        return err->code;
    iw_head head = {iw_path_base(path), NULL, 0};
    iw_status status = iw_text_peek(text, HEAD_SIZE, &head.data, &head.size, err);
    bool growing = self->options.follow && self->pieces.files.n == 1 && head.size < HEAD_SIZE &&
                   iw_bytes_can_grow(iw_text_bytes(text));
    int best = 0;
    for (size_t i = 0; status == IW_OK && i < N_FORMATS; i++) {
        int score = formats[i]->guess(&head);
        if (score > best) {
            best = score;
            self->format = formats[i];
        }
    }
    if (status == IW_OK && best == 0) {
        char list[200];
        const char *what = iw_familiar(head.data, head.size);
        iw_line line = {head.data, head.data + head.size};
        if (memchr(line.at, '\n', head.size))
            line.end = memchr(line.at, '\n', head.size);
        char excerpt[48];
        if (growing && line.end == head.data + head.size)
            status = iw_fail(err, IW_AGAIN, "%s: its first frame is not written yet", path);
        else if (growing)
            status = iw_fail(err, IW_AGAIN,
                             "%s: its first frame is not written yet; line 1, '%s', begins none of "
                             "the known formats so far (%s)",
                             path, iw_line_excerpt(line, excerpt), known_formats(list));
        else if (head.size == 0)
            status = iw_fail(err, IW_INVALID, "%s is empty: there is nothing to read", path);
        else if (what)
            status = iw_fail(err, IW_UNSUPPORTED, "%s is %s", path, what);
        else
            status = iw_fail(err, IW_UNSUPPORTED,
                             "%s line 1: '%s' begins none of the known formats: %s; if it is one "
                             "of them, say which with --format",
                             path, iw_line_excerpt(line, excerpt), known_formats(list));
    }
    iw_text_close(&text);
    return status;
}

/* The format that was asked for, if one was. */
static iw_status
find_asked(iw_reader *self, iw_error *err)
{
    const char *name = self->options.format;
    for (size_t i = 0; name && i < N_FORMATS; i++)
        if (strcmp(formats[i]->name, name) == 0)
            self->format = formats[i];
    char list[200];
    if (name && !self->format)
        return iw_fail(err, IW_UNSUPPORTED, "format '%.40s' is not known; known are %s", name,
                       known_formats(list));
    return IW_OK;
}

static iw_status
choose_format(iw_reader *self, iw_error *err)
{
    if (!self->format)
        self->format = self->pieces.format;
    return self->format ? IW_OK : guess_format(self, err);
}

static void
close_piece(iw_reader *self)
{
    if (self->state)
        self->format->close(self->state);
    free(self->state);
    self->state = NULL;
}

/* Opens piece index and lets the format describe the run in *run. */
static iw_status
open_piece(iw_reader *self, size_t index, iw_run_info *run, iw_error *err)
{
    close_piece(self);
    self->index = index;
    self->piece = (iw_piece){.path = self->pieces.files.path[index],
                             .options = &self->options,
                             .follow = self->options.follow && index + 1 == self->pieces.files.n,
                             .first = index == 0,
                             .notes = &self->notes};
    self->state = calloc(1, self->format->state_size);
    if (!self->state)
        return iw_fail(err, IW_NO_MEMORY, "%s: no memory to read it", self->piece.path);
    iw_status status = self->format->open(self->state, &self->piece, err);
    if (status == IW_OK)
        status = self->format->describe(self->state, run, err);
    if (status == IW_END)
        status =
            iw_fail(err, IW_INVALID, "%s ends within its first frame: there is nothing to read",
                    self->piece.path);
    if (status == IW_AGAIN)
        (void)iw_fail(err, IW_AGAIN, "%s: its first frames are not written yet", self->piece.path);
    if (status != IW_OK)
        close_piece(self);
    self->piece_begins = true;
    return status;
}

static iw_status
check_same_atoms(const iw_reader *self, const iw_run_info *other, iw_error *err)
{
    const iw_run_info *run = &self->run;
    const char *path = self->piece.path, *first = self->pieces.files.path[0];
    unsigned long long line = self->piece.atoms_line;
    const char *advice = "the pieces of one run have the same atoms; analyse this file by itself";
    if (other->n_atoms != run->n_atoms)
        return iw_fail(err, IW_INVALID, "%s line %llu: %zu atoms, but %s has %zu: %s", path, line,
                       other->n_atoms, first, run->n_atoms, advice);
    for (size_t i = 0; i < run->n_atoms; i++) {
        const char *is = other->species[other->kind[i]], *was = run->species[run->kind[i]];
        if (strcmp(is, was) != 0)
            return iw_fail(err, IW_INVALID, "%s line %llu: atom %zu is %s, but in %s it is %s: %s",
                           path, line, i + 1, is, first, was, advice);
    }
    return IW_OK;
}

/* The next piece; its atoms must be the run's. */
static iw_status
open_checked(iw_reader *self, size_t index, iw_error *err)
{
    iw_run_info other;
    iw_run_info_init(&other);
    iw_status status = open_piece(self, index, &other, err);
    if (status == IW_OK)
        status = check_same_atoms(self, &other, err);
    double spacing = other.timestep_fs * (double)other.stride;
    double was = self->run.timestep_fs * (double)self->run.stride;
    if (status == IW_OK && isnan(self->options.dt_fs) && fabs(spacing - was) > 1e-6 * was)
        iw_notes_add(&self->notes, "%s: frames are %g fs apart, before they were %g fs apart",
                     self->piece.path, spacing, was);
    if (status != IW_OK)
        close_piece(self);
    iw_run_info_fini(&other);
    return status;
}

/* What the user says, else the file, else the element. */
static iw_status
set_masses(iw_reader *self, iw_error *err)
{
    iw_run_info *run = &self->run;
    const char *list = self->options.masses;
    iw_status status = list ? iw_masses_apply(run, list, err) : IW_OK;
    if (status != IW_OK)
        (void)iw_prefix(err, "masses");
    for (size_t i = 0; i < run->n_atoms && status == IW_OK; i++) {
        const char *name = run->species[run->kind[i]];
        if (!(run->mass_amu[i] > 0.0))
            run->mass_amu[i] = iw_label_mass(name);
        if (!(run->mass_amu[i] > 0.0))
            status = iw_fail(err, IW_INVALID,
                             "%s: atom %zu is '%s', which is no element: name the atoms with "
                             "--species, or give a mass with --masses %s=NUMBER (amu)",
                             self->pieces.files.path[0], i + 1, name, name);
    }
    return status;
}

static iw_status
set_charges(iw_reader *self, iw_error *err)
{
    const char *list = self->options.charges;
    iw_status status = list ? iw_charges_apply(&self->run, list, IW_CHARGES_EXACT, err) : IW_OK;
    if (status != IW_OK)
        (void)iw_prefix(err, "charges");
    return status;
}

static iw_status
set_spacing(iw_reader *self, iw_error *err)
{
    iw_run_info *run = &self->run;
    double told = run->timestep_fs * (double)run->stride;
    double asked = self->options.dt_fs;
    if (!isnan(asked)) {
        if (!(asked > 0.0) || isinf(asked))
            return iw_fail(err, IW_INVALID, "--dt %g: frames are a positive time apart", asked);
        if (!isnan(told) && fabs(told - asked) > 1e-6 * asked)
            iw_notes_add(&self->notes, "frames are %g fs apart as asked for; the files say %g fs",
                         asked, told);
        run->timestep_fs = asked / (double)run->stride;
    } else if (!(told > 0.0)) {
        return iw_fail(err, IW_INVALID, "%s: the time between frames is not known: %s",
                       self->pieces.files.path[0], self->format->dt_advice);
    }
    if (!isnan(self->options.temperature_K))
        run->temperature_K = self->options.temperature_K;
    return IW_OK;
}

/* The text stays where the folder has no name ("/"). */
static void
name_of_folder(const iw_reader *self, char *text, size_t size)
{
    const char *path = self->pieces.files.path[0], *folder = self->pieces.folder;
    char here[IW_PATH_LENGTH];
    if (folder || !iw_path_beside(path, ".", here))
        (void)snprintf(here, sizeof here, "%s", folder ? folder : ".");
    char *real = realpath(here, NULL);
    if (real && *iw_path_base(real))
        (void)snprintf(text, size, "%s", iw_path_base(real));
    free(real);
}

/* The name of the file without what all such files have in common, or that of its folder. */
static iw_status
set_name(iw_reader *self, iw_error *err)
{
    char text[256];
    const char *path = self->pieces.files.path[0], *base = iw_path_base(path);
    (void)snprintf(text, sizeof text, "%s", self->options.name ? self->options.name : base);
    if (!self->options.name) {
        static const char *const ends[] = {".gz",   ".xz",    ".zst",       ".xyz",   ".extxyz",
                                           ".dump", ".iwlog", ".lammpstrj", "-pos-1", ".out",
                                           ".pos",  ".pos_0", ".xc"};
        for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
            size_t length = strlen(text), end = strlen(ends[i]);
            if (length > end && strcmp(text + length - end, ends[i]) == 0)
                text[length - end] = '\0';
        }
        bool common = strcmp(text, "XDATCAR") == 0 || strcmp(text, "OUTCAR") == 0 ||
                      strcmp(text, "vasprun.xml") == 0;
        if (common || self->pieces.folder)
            name_of_folder(self, text, sizeof text);
    }
    free(self->run.name);
    self->run.name = strdup(text);
    return self->run.name ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for the run's name");
}

static iw_status
complete_run(iw_reader *self, iw_error *err)
{
    iw_run_info *run = &self->run;
    iw_status status = run->id[0] ? IW_OK : iw_uuid_new(run->id, err);
    if (status == IW_OK && (self->options.name || !run->name))
        status = set_name(self, err);
    if (status == IW_OK && !run->code && !(run->code = strdup(self->format->code)))
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the name of the code");
    if (self->options.units && !self->format->takes_units)
        iw_notes_add(&self->notes, "--units %.20s is not used: the format %s has units of its own",
                     self->options.units, self->format->name);
    size_t size = 1, used = 0;
    for (size_t i = 0; i < self->pieces.files.n; i++)
        size += strlen(self->pieces.files.path[i]) + 1;
    char *files = status == IW_OK ? calloc(1, size) : NULL;
    if (status == IW_OK && !files)
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the names of the files");
    for (size_t i = 0; files && i < self->pieces.files.n; i++)
        used += (size_t)snprintf(files + used, size - used, "%s%s", i ? "\n" : "",
                                 self->pieces.files.path[i]);
    if (status == IW_OK)
        status = iw_run_info_set_metadata(run, "files", files, err);
    free(files);
    if (status == IW_OK)
        status = iw_run_info_set_metadata(run, "format", self->format->name, err);
    if (status == IW_OK)
        status = set_masses(self, err);
    if (status == IW_OK)
        status = set_charges(self, err);
    if (status == IW_OK)
        status = set_spacing(self, err);
    return status;
}

static bool
copy_text(const char **to)
{
    return !*to || (*to = strdup(*to)) != NULL;
}

static iw_status
copy_options(iw_reader *self, const iw_reader_options *options, iw_error *err)
{
    /* An option is set only when its copy is ours to free. */
    iw_reader_options *own = &self->options;
    const char **texts[] = {&own->format,  &own->units, &own->species,
                            &own->charges, &own->name,  &own->masses};
    const char *const given[] = {options->format,  options->units, options->species,
                                 options->charges, options->name,  options->masses};
    own->dt_fs = options->dt_fs;
    own->temperature_K = options->temperature_K;
    own->follow = options->follow;
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof texts / sizeof texts[0]; i++) {
        const char *text = given[i];
        ok = copy_text(&text);
        *texts[i] = ok ? text : NULL;
    }
    return ok ? IW_OK : iw_fail(err, IW_NO_MEMORY, "no memory for the options of a reader");
}

/* Does the run go on where a later job writes into the folder? */
static bool
may_get_more(const iw_reader *self)
{
    return self->options.follow && self->pieces.folder;
}

iw_reader *
iw_reader_open(const char *const *paths, size_t n_paths, const iw_reader_options *options,
               iw_error *err)
{
    iw_error ignored = {.code = IW_OK};
    err = err ? err : &ignored;
    if (n_paths == 0) {
        (void)iw_fail(err, IW_INVALID, "no file is named");
        return NULL;
    }
    iw_reader *self = calloc(1, sizeof *self);
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "%s: no memory to read it", paths[0]);
        return NULL;
    }
    iw_run_info_init(&self->run);
    iw_status status = copy_options(self, options, err);
    if (status == IW_OK)
        status = find_asked(self, err);
    if (status == IW_OK)
        status = iw_pieces_find(&self->pieces, paths, n_paths, formats, &self->options,
                                &self->notes, err);
    if (status == IW_OK)
        status = iw_pieces_check(&self->pieces, self->options.format, err);
    if (status == IW_OK)
        status = choose_format(self, err);
    if (status == IW_OK)
        status = open_piece(self, 0, &self->run, err);
    if (status == IW_OK)
        status = complete_run(self, err);
    n_paths = self->pieces.files.n;
    if (status == IW_OK && (n_paths > 1 || may_get_more(self) || self->format->appends))
        status = iw_seam_init(&self->seam, self->run.n_atoms, err);
    /* A piece that does not belong here is named before the work begins, not in its middle. */
    for (size_t i = 1; status == IW_OK && i < n_paths; i++) {
        status = open_checked(self, i, err);
        if (status == IW_AGAIN)
            status = IW_OK;
    }
    if (status == IW_OK && n_paths > 1)
        status = open_checked(self, 0, err);
    if (status != IW_OK)
        iw_reader_close(&self);
    return self;
}

void
iw_reader_close(iw_reader **selfp)
{
    iw_reader *self = *selfp;
    *selfp = NULL;
    if (!self)
        return;
    close_piece(self);
    iw_run_info_fini(&self->run);
    iw_notes_fini(&self->notes);
    const char *const texts[] = {self->options.format,  self->options.units, self->options.species,
                                 self->options.charges, self->options.name,  self->options.masses};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        free((void *)(uintptr_t)texts[i]);
    iw_pieces_fini(&self->pieces);
    iw_seam_fini(&self->seam);
    free(self);
}

const iw_run_info *
iw_reader_run(const iw_reader *self)
{
    return &self->run;
}

/* Where a piece, or a run appended to it, counts its steps anew, they go on from the last one
 * before it. */
static void
join_piece(iw_reader *self, const iw_frame *frame)
{
    int64_t first = frame->step;
    if (self->seq > 0 && first + self->step_shift <= self->last_step &&
        first <= self->piece_first_step) {
        iw_seam_kind kind = iw_seam_judge(&self->seam, frame);
        int64_t ahead = kind == IW_SEAM_REPEATS ? 0
                        : kind == IW_SEAM_APART ? 2 * self->run.stride
                                                : self->run.stride;
        int64_t becomes = self->last_step + ahead;
        self->step_shift = becomes - first;
        self->time_shift_fs =
            self->last_time_fs + (double)ahead * self->run.timestep_fs - frame->time_fs;
        iw_notes_add(&self->notes, "%s counts its steps anew: step %lld becomes step %lld%s",
                     self->piece.path, (long long)first, (long long)becomes,
                     kind == IW_SEAM_REPEATS ? ", as its first frame repeats the last one before it"
                     : kind == IW_SEAM_APART
                         ? ", with a gap: it does not begin where the one before it ended"
                         : "");
    }
    self->piece_first_step = first;
}

/* The bytes under a format that reads a text. */
static const iw_bytes *
bytes_of(const iw_reader *self)
{
    iw_text *text;
    memcpy(&text, (const char *)self->state + self->format->text_at, sizeof(iw_text *));
    return iw_text_bytes(text);
}

/* A followed folder: the piece was written anew, or there is one behind it. */
static iw_status
find_more(iw_reader *self, iw_error *err)
{
    iw_folder *files = &self->pieces.files;
    iw_error ignored;
    if (!may_get_more(self))
        return IW_OK;
    if (self->state && iw_bytes_check_same(bytes_of(self), &ignored) != IW_OK)
        return iw_folder_add(files, self->piece.path, err);
    if (++self->looks % LOOK_EVERY != 0)
        return IW_OK;
    return iw_pieces_look_again(&self->pieces, files->path[files->n - 1], err);
}

/* A piece that has just been found, or moved away, is waited for. */
static iw_status
open_next(iw_reader *self, iw_error *err)
{
    iw_status status = open_checked(self, self->index, err);
    return status == IW_NOT_FOUND && may_get_more(self) ? IW_AGAIN : status;
}

static iw_status
read_frame(iw_reader *self, iw_frame *frame, iw_error *err)
{
    for (;;) {
        iw_status status = self->state ? IW_OK : open_next(self, err);
        if (status == IW_OK)
            status = self->format->next(self->state, frame, err);
        if (status == IW_AGAIN || status == IW_CORRUPT) {
            size_t known = self->pieces.files.n;
            iw_error error = {0};
            iw_status more = find_more(self, &error);
            if (more != IW_OK) {
                *err = error;
                return more;
            }
            if (self->pieces.files.n == known)
                return status;
        } else if (status != IW_END || self->index + 1 == self->pieces.files.n) {
            return status;
        }
        close_piece(self);
        self->index++;
    }
}

iw_status
iw_reader_next(iw_reader *self, iw_frame *frame, iw_error *err)
{
    if (self->failure.code != IW_OK) {
        if (err)
            *err = self->failure;
        return self->failure.code;
    }
    if (frame->n_atoms != self->run.n_atoms)
        return iw_fail(err, IW_INVALID, "a frame of %zu atoms for a run of %zu", frame->n_atoms,
                       self->run.n_atoms);
    frame->has_cell = false;
    frame->has_velocities = false;
    frame->time_fs = (double)NAN;
    frame->potential_energy_eV = (double)NAN;
    frame->kinetic_energy_eV = (double)NAN;
    frame->temperature_K = (double)NAN;
    iw_error failure = {0};
    iw_status status = read_frame(self, frame, &failure);
    if (status != IW_OK) {
        if (status != IW_AGAIN && status != IW_END)
            self->failure = failure;
        if (err)
            *err = failure;
        return status;
    }
    bool timed = isnan(self->options.dt_fs) && !isnan(frame->time_fs);
    if (!timed)
        frame->time_fs = (double)frame->step * self->run.timestep_fs;
    if (self->piece_begins || self->piece.anew)
        join_piece(self, frame);
    self->piece_begins = false;
    frame->step += self->step_shift;
    frame->time_fs += self->time_shift_fs;
    self->last_step = frame->step;
    self->last_time_fs = frame->time_fs;
    if (self->seam.last_A)
        iw_seam_push(&self->seam, frame);
    frame->seq = ++self->seq;
    return IW_OK;
}

const char *
iw_reader_stop_file(const iw_reader *self)
{
    return self->piece.stop_file;
}

bool
iw_reader_over(const iw_reader *self)
{
    return self->state && self->piece.over;
}

static bool
is_seekable(const iw_reader *self)
{
    return self->format->seekable ? self->format->seekable(self->state)
                                  : iw_bytes_seekable(bytes_of(self));
}

static void
piece_progress(const iw_reader *self, uint64_t *done, uint64_t *total)
{
    if (self->format->progress) {
        self->format->progress(self->state, done, total);
        return;
    }
    *done = iw_bytes_done(bytes_of(self));
    *total = iw_bytes_total(bytes_of(self));
}

iw_status
iw_reader_rewind(iw_reader *self, iw_error *err)
{
    if (self->state && !is_seekable(self))
        return iw_fail(err, IW_UNSUPPORTED, "%s is a pipe, which is read only once",
                       self->piece.path);
    self->seq = 0;
    self->step_shift = 0;
    self->time_shift_fs = 0.0;
    memset(&self->failure, 0, sizeof self->failure);
    iw_error ignored;
    return open_checked(self, 0, err ? err : &ignored);
}

double
iw_reader_progress(const iw_reader *self)
{
    uint64_t done = 0, total = 0;
    for (size_t i = 0; i < self->pieces.files.n; i++) {
        struct stat info;
        uint64_t piece_done = 0, piece_total = 0;
        if (i == self->index && self->state)
            piece_progress(self, &piece_done, &piece_total);
        else if (stat(self->pieces.files.path[i], &info) == 0 && S_ISREG(info.st_mode))
            piece_total = (uint64_t)info.st_size;
        if (piece_total == 0)
            return (double)NAN;
        done += i < self->index ? piece_total : piece_done;
        total += piece_total;
    }
    return (double)done / (double)total;
}

const char *
iw_reader_note(iw_reader *self)
{
    return self->notes.given < self->notes.n ? self->notes.text[self->notes.given++] : NULL;
}
