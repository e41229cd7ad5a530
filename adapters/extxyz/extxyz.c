/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * extxyz.c - extended XYZ: a number of atoms, a comment line with key=value pairs (Lattice,
 * Properties, pbc, energy, Time, step), a row for each atom with the columns of Properties.  Plain
 * XYZ is the case without keys.
 *
 * The format has no units for velocities: A/fs unless the option units says otherwise.  Momenta
 * are ASE's, sqrt(eV amu).  Energies are eV, Time is fs.  Positions may be wrapped or not: with a
 * lattice they are taken as wrapped, which is right for both.
 */
#include "adapters/format.h"
#include "adapters/lammps/units.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { COLUMNS_MAX = 256 };

/* What a column is used for. */
enum { SKIP, SPECIES, POS, VEL = POS + 3, MOMENTUM = VEL + 3, MASS = MOMENTUM + 3, CHARGE, USES };

typedef struct {
    bool has_cell, has_pbc, has_time, has_step, has_properties;
    double cell_A[9], time_fs, energy_eV;
    int64_t step;
} comment;

typedef struct {
    iw_piece *piece;
    iw_text *text;
    unsigned char use[COLUMNS_MAX];
    size_t n_columns; /* up to the last one in use */
    bool has[USES];
    const char *vel_name;
    double vel_factor; /* of velocities, to A/fs */
    size_t n_atoms;
    iw_names names;
    double *mass_amu; /* [n_atoms] */
    double *charge_e; /* [n_atoms] of the first frame */
    bool lattice;     /* the first frame has one */
    int64_t frames;   /* since the file, or a run appended to it, began */
    comment last;     /* of the frame before */
} extxyz;

/* Takes one key and its value, which may stand in quotes or braces, off the line. */
static bool
next_pair(iw_line *line, iw_line *key, iw_line *value)
{
    const char *at = line->at, *end = line->end;
    while (at < end && (*at == ' ' || *at == '\t' || *at == ','))
        at++;
    if (at == end)
        return false;
    key->at = at;
    while (at < end && *at != '=' && *at != ' ')
        at++;
    key->end = at;
    *value = (iw_line){at, at};
    if (at < end && *at == '=') {
        at++;
        char close = ' ';
        if (at < end && (*at == '"' || *at == '\'' || *at == '{'))
            close = *at == '{' ? '}' : *at;
        if (close != ' ')
            at++;
        value->at = at;
        while (at < end && *at != close)
            at++;
        value->end = at;
        if (at < end && close != ' ')
            at++;
    }
    line->at = at;
    return true;
}

static bool
is_key(iw_line key, const char *name)
{
    size_t size = strlen(name);
    return (size_t)(key.end - key.at) == size && strncasecmp(key.at, name, size) == 0;
}

/* The use of a property's first column, and how many columns it must have. */
static unsigned char
property_use(iw_line name, size_t *columns, const char **vel_name)
{
    static const struct {
        const char *name;
        unsigned char use, columns;
    } known[] = {
        {"species", SPECIES, 1},  {"element", SPECIES, 1},
        {"pos", POS, 3},          {"positions", POS, 3},
        {"vel", VEL, 3},          {"velo", VEL, 3},
        {"velocity", VEL, 3},     {"velocities", VEL, 3},
        {"momenta", MOMENTUM, 3}, {"mass", MASS, 1},
        {"masses", MASS, 1},      {"charge", CHARGE, 1},
        {"charges", CHARGE, 1},   {"initial_charges", CHARGE, 1},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!is_key(name, known[i].name))
            continue;
        *columns = known[i].columns;
        if (known[i].use == VEL)
            *vel_name = known[i].name;
        return known[i].use;
    }
    return SKIP;
}

/* One field of Properties, up to the next colon. */
static bool
next_part(iw_line *line, iw_line *part)
{
    if (line->at >= line->end)
        return false;
    const char *colon = memchr(line->at, ':', (size_t)(line->end - line->at));
    *part = (iw_line){line->at, colon ? colon : line->end};
    line->at = colon ? colon + 1 : line->end;
    return true;
}

static iw_status
plan_columns(extxyz *self, iw_line properties, iw_error *err)
{
    iw_line rest = properties, name, type, number;
    size_t n = 0;
    memset(self->has, 0, sizeof self->has);
    while (next_part(&rest, &name)) {
        int64_t columns;
        if (!next_part(&rest, &type) || !next_part(&rest, &number) ||
            !iw_field_int(&number, &columns) || columns < 1 || columns > (int64_t)(COLUMNS_MAX - n))
            return iw_text_unexpected(self->text, properties, "Properties=name:type:columns:...",
                                      err);
        size_t wanted = 0;
        unsigned char use = property_use(name, &wanted, &self->vel_name);
        bool take = use != SKIP && !self->has[use] && (size_t)columns == wanted;
        for (size_t c = 0; c < (size_t)columns; c++)
            self->use[n++] = take ? (unsigned char)(use + c) : (unsigned char)SKIP;
        self->has[use] = self->has[use] || take;
    }
    if (!self->has[SPECIES] || !self->has[POS])
        return iw_text_unexpected(self->text, properties, "Properties with species:S:1 and pos:R:3",
                                  err);
    self->n_columns = 0;
    for (size_t c = 0; c < n; c++)
        if (self->use[c] != SKIP)
            self->n_columns = c + 1;
    return IW_OK;
}

static bool
read_lattice(iw_line value, comment *out)
{
    for (size_t i = 0; i < 9; i++)
        if (!iw_field_real(&value, &out->cell_A[i]))
            return false;
    out->has_cell = true;
    return iw_field_none(&value);
}

static iw_status
read_comment(extxyz *self, comment *out, iw_error *err)
{
    static const char plain[] = "species:S:1:pos:R:3";
    iw_line line, key, value, properties = {plain, plain + sizeof plain - 1};
    iw_status status = iw_text_line(self->text, &line, err);
    if (status != IW_OK)
        return status;
    *out = (comment){.energy_eV = (double)NAN};
    bool periodic = true;
    while (next_pair(&line, &key, &value)) {
        iw_line rest = value;
        if (is_key(key, "Lattice")) {
            if (!read_lattice(value, out))
                return iw_text_unexpected(self->text, value, "nine numbers in Lattice", err);
        } else if (is_key(key, "Properties")) {
            properties = value;
            out->has_properties = true;
        } else if (is_key(key, "pbc")) {
            out->has_pbc = true;
            periodic = memchr(value.at, 'T', (size_t)(value.end - value.at)) ||
                       memchr(value.at, '1', (size_t)(value.end - value.at));
        } else if (is_key(key, "energy")) {
            (void)iw_field_real(&rest, &out->energy_eV);
        } else if (is_key(key, "Time")) {
            out->has_time = iw_field_real(&rest, &out->time_fs);
        } else if (is_key(key, "step")) {
            out->has_step = iw_field_int(&rest, &out->step);
        }
    }
    out->has_cell = out->has_cell && periodic;
    return plan_columns(self, properties, err);
}

static iw_status
read_count(extxyz *self, int64_t *count, iw_error *err)
{
    iw_line line, rest;
    iw_status status;
    do
        status = iw_text_line(self->text, &line, err);
    while (status == IW_OK && iw_field_none(&line));
    if (status != IW_OK)
        return status;
    rest = line;
    if (!iw_field_int(&rest, count) || !iw_field_none(&rest) || *count < 1 || *count > INT32_MAX)
        return iw_text_unexpected(self->text, line, "the number of atoms", err);
    if (self->n_atoms > 0 && (uint64_t)*count != self->n_atoms)
        return iw_text_fail(self->text, err, IW_INVALID,
                            "%lld atoms, but %zu before: the atoms of a run do not change",
                            (long long)*count, self->n_atoms);
    return IW_OK;
}

/* value is indexed by use; the name points into the line. */
static iw_status
read_row(extxyz *self, double value[USES], iw_line *name, iw_line *rest, iw_error *err)
{
    iw_line line, whole;
    const char *word;
    size_t size;
    iw_status status = iw_text_line(self->text, &line, err);
    if (status != IW_OK)
        return status;
    whole = line;
    for (size_t c = 0; c < self->n_columns; c++) {
        unsigned char use = self->use[c];
        bool ok =
            use <= SPECIES ? iw_field_word(&line, &word, &size) : iw_field_real(&line, &value[use]);
        if (!ok) {
            char excerpt[48];
            return iw_text_fail(self->text, err, IW_INVALID, "expected a %s in column %zu of '%s'",
                                use <= SPECIES ? "word" : "finite number", c + 1,
                                iw_line_excerpt(whole, excerpt));
        }
        if (use == SPECIES)
            *name = (iw_line){word, word + size};
    }
    *rest = line;
    return IW_OK;
}

static iw_status
read_rows(extxyz *self, iw_frame *frame, iw_error *err)
{
    for (size_t i = 0; i < self->n_atoms; i++) {
        double value[USES];
        iw_line name = {NULL, NULL}, rest;
        iw_status status = read_row(self, value, &name, &rest, err);
        if (status != IW_OK)
            return status;
        const char *was = self->names.name[i];
        size_t size = (size_t)(name.end - name.at);
        if (strlen(was) != size || strncasecmp(was, name.at, size) != 0)
            return iw_text_fail(self->text, err, IW_INVALID,
                                "atom %zu is %.*s, but was %s: the atoms of a run do not change",
                                i + 1, (int)(size < 16 ? size : 16), name.at, was);
        for (size_t x = 0; x < 3; x++) {
            frame->pos_A[3 * i + x] = value[POS + x];
            if (self->has[VEL])
                frame->vel_A_fs[3 * i + x] = value[VEL + x] * self->vel_factor;
            else if (self->has[MOMENTUM])
                frame->vel_A_fs[3 * i + x] =
                    value[MOMENTUM + x] / self->mass_amu[i] / iw_lammps_units_find("lj")->time_fs;
        }
    }
    return IW_OK;
}

/* Codes append to the file of an earlier run. */
static bool
begins_anew(const extxyz *self, const comment *head)
{
    const comment *last = &self->last;
    return self->frames > 0 &&
           (head->has_step && last->has_step
                ? head->step < last->step
                : head->has_time && last->has_time && head->time_fs <= last->time_fs);
}

static iw_status
extxyz_next(void *state, iw_frame *frame, iw_error *err)
{
    extxyz *self = state;
    comment head;
    int64_t count;
    bool had_velocities = self->has[VEL] || self->has[MOMENTUM];
    iw_text_mark(self->text);
    iw_status status = read_count(self, &count, err);
    if (status == IW_OK)
        status = read_comment(self, &head, err);
    if (status == IW_OK && head.has_cell != self->lattice)
        status = iw_text_fail(self->text, err, IW_INVALID, "%s",
                              self->lattice ? "no periodic Lattice, which the frames before have"
                                            : "a periodic Lattice, which the frames before lack");
    if (status == IW_OK && had_velocities != (self->has[VEL] || self->has[MOMENTUM]))
        status = iw_text_fail(self->text, err, IW_INVALID,
                              "velocities are not in all frames: analyse the parts by themselves");
    if (status == IW_OK)
        status = read_rows(self, frame, err);
    if (status == IW_END && iw_text_past_mark(self->text))
        iw_notes_add(self->piece->notes, "%s: its last frame is cut short and left out",
                     self->piece->path);
    if (status == IW_AGAIN || status == IW_END)
        iw_text_back(self->text);
    if (status != IW_OK)
        return status;
    self->piece->anew = begins_anew(self, &head);
    self->frames = self->piece->anew ? 0 : self->frames;
    self->last = head;
    frame->step = head.has_step ? head.step : self->frames;
    self->frames++;
    if (head.has_time)
        frame->time_fs = head.time_fs;
    frame->has_cell = head.has_cell;
    memcpy(frame->cell_A, head.cell_A, sizeof head.cell_A);
    frame->has_velocities = had_velocities;
    frame->potential_energy_eV = head.energy_eV;
    return IW_OK;
}

static iw_status
choose_units(extxyz *self, iw_error *err)
{
    static const struct {
        const char *name;
        double per_fs;
    } known[] = {{"A/fs", 1.0}, {"real", 1.0}, {"A/ps", 1.0e3}, {"metal", 1.0e3}};
    const char *units = self->piece->options->units;
    self->vel_factor = 1.0;
    if (!units)
        return IW_OK;
    if (strcmp(units, "ase") == 0) {
        self->vel_factor = 1.0 / iw_lammps_units_find("lj")->time_fs;
        return IW_OK;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(units, known[i].name) == 0) {
            self->vel_factor = 1.0 / known[i].per_fs;
            return IW_OK;
        }
    }
    return iw_fail(err, IW_INVALID,
                   "%s: units '%.20s' are not known for extended XYZ; known are A/fs (or real), "
                   "A/ps (or metal), ase",
                   self->piece->path, units);
}

static iw_status
extxyz_open(void *state, iw_piece *piece, iw_error *err)
{
    extxyz *self = state;
    self->piece = piece;
    iw_status status = choose_units(self, err);
    if (status != IW_OK)
        return status;
    self->text = iw_text_open(piece->path, piece->follow, err);
    return self->text ? IW_OK : err->code;
}

/* Reads the rows of the first frame; memory grows with the rows that are really there.  *m_v2 is
 * the sum of mass times squared velocity. */
static iw_status
read_atoms(extxyz *self, size_t n_atoms, const comment *head, double *m_v2, iw_error *err)
{
    size_t capacity = 0;
    *m_v2 = 0.0;
    for (size_t i = 0; i < n_atoms; i++) {
        if (i == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            double *mass = realloc(self->mass_amu, capacity * sizeof *mass);
            self->mass_amu = mass ? mass : self->mass_amu;
            double *charge = realloc(self->charge_e, capacity * sizeof *charge);
            self->charge_e = charge ? charge : self->charge_e;
            if (!mass || !charge)
                return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", capacity);
        }
        double value[USES] = {0};
        iw_line name = {NULL, NULL}, rest;
        iw_status status = read_row(self, value, &name, &rest, err);
        if (status != IW_OK)
            return status;
        if (i == 0 && !head->has_properties && !iw_field_none(&rest))
            iw_notes_add(self->piece->notes,
                         "%s: columns behind the positions are not read: there is no Properties= "
                         "that says what they are",
                         self->piece->path);
        if ((status = iw_names_add(&self->names, name.at, (size_t)(name.end - name.at), err)) !=
            IW_OK) {
            (void)iw_prefix(err, "%s line %llu", self->piece->path,
                            (unsigned long long)iw_text_line_number(self->text));
            return status;
        }
        self->mass_amu[i] = self->has[MASS] ? value[MASS] : iw_label_mass(self->names.name[i]);
        self->charge_e[i] = value[CHARGE];
        if (self->has[MOMENTUM] && !self->has[VEL] && !(self->mass_amu[i] > 0.0))
            return iw_text_fail(self->text, err, IW_INVALID,
                                "'%s' is no element: its momentum gives no velocity",
                                self->names.name[i]);
        for (size_t x = 0; x < 3; x++) {
            double v = value[VEL + x] * self->vel_factor;
            *m_v2 += self->mass_amu[i] * v * v;
        }
    }
    self->n_atoms = n_atoms;
    return IW_OK;
}

static void
note_velocities(const extxyz *self, double m_v2)
{
    if (!self->has[VEL] || self->piece->options->units)
        return;
    /* m v^2 in amu A^2/fs^2 over 3 N k_B */
    const iw_lammps_units *lj = iw_lammps_units_find("lj");
    double temperature =
        m_v2 * lj->time_fs * lj->time_fs * lj->temperature_K / (3.0 * (double)self->n_atoms);
    iw_notes_add(self->piece->notes,
                 "velocities (%s) are read as A/fs, which makes %.3g K of the first frame; --units "
                 "metal reads A/ps, --units ase ASE's unit",
                 self->vel_name, temperature);
}

/* Steps and time from the first frame to the second, where there is one. */
static iw_status
describe_time(extxyz *self, const comment *first, iw_run_info *run, iw_error *err)
{
    comment second = {0};
    int64_t count;
    bool needed = first->has_time || first->has_step;
    iw_status status = needed ? read_count(self, &count, err) : IW_END;
    if (status == IW_OK)
        status = read_comment(self, &second, err);
    if (status == IW_END || (status == IW_AGAIN && !self->piece->first))
        return IW_OK;
    if (status != IW_OK)
        return status;
    if (first->has_step && second.has_step && second.step > first->step)
        run->stride = second.step - first->step;
    if (first->has_time && second.has_time && second.time_fs > first->time_fs) {
        run->timestep_fs = (second.time_fs - first->time_fs) / (double)run->stride;
        if (isnan(self->piece->options->dt_fs))
            iw_notes_add(self->piece->notes, "frames are %g fs apart: Time in %s, read as fs",
                         second.time_fs - first->time_fs, self->piece->path);
    }
    return IW_OK;
}

static iw_status
describe_atoms(extxyz *self, iw_run_info *run, iw_error *err)
{
    iw_names names = {0};
    const char *given = self->piece->options->species;
    iw_status status = IW_OK;
    for (size_t i = 0; status == IW_OK && i < self->n_atoms; i++)
        status = iw_names_add(&names, self->names.name[i], strlen(self->names.name[i]), err);
    if (status == IW_OK && given)
        status = iw_names_override(&names, given, err);
    if (status == IW_OK)
        status = iw_names_set_atoms(&names, run, err);
    iw_names_fini(&names);
    if (status != IW_OK)
        return status;
    if (self->has[MASS])
        memcpy(run->mass_amu, self->mass_amu, self->n_atoms * sizeof(double));
    if (self->has[CHARGE]) {
        run->charge_e = calloc(self->n_atoms + 1, sizeof(double));
        if (!run->charge_e)
            return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
        memcpy(run->charge_e, self->charge_e, self->n_atoms * sizeof(double));
    }
    return IW_OK;
}

static iw_status
extxyz_describe(void *state, iw_run_info *run, iw_error *err)
{
    extxyz *self = state;
    comment head;
    int64_t count;
    double m_v2;
    iw_text_mark(self->text);
    iw_status status = read_count(self, &count, err);
    self->piece->atoms_line = iw_text_line_number(self->text);
    if (status == IW_OK)
        status = read_comment(self, &head, err);
    if (status == IW_OK)
        status = read_atoms(self, (size_t)count, &head, &m_v2, err);
    if (status != IW_OK)
        return status;
    self->lattice = head.has_cell;
    run->wrapped = head.has_cell;
    if (!head.has_cell && !head.has_pbc)
        iw_notes_add(self->piece->notes,
                     "no cell: there is no Lattice=\"ax ay az bx by bz cx cy cz\" in %s; positions "
                     "that are folded into a cell need it, else D is wrong",
                     self->piece->path);
    note_velocities(self, m_v2);
    bool has[USES];
    memcpy(has, self->has, sizeof has);
    status = describe_time(self, &head, run, err);
    memcpy(self->has, has, sizeof has);
    if (status == IW_OK)
        status = describe_atoms(self, run, err);
    if (status == IW_OK)
        iw_text_back(self->text);
    return status;
}

static void
extxyz_close(void *state)
{
    extxyz *self = state;
    iw_text_close(&self->text);
    iw_names_fini(&self->names);
    free(self->mass_amu);
    free(self->charge_e);
}

static int
extxyz_guess(const iw_head *head)
{
    iw_line line;
    int64_t n;
    double x;
    const char *word;
    size_t size;
    if (!iw_head_line(head, 0, &line) || !iw_field_int(&line, &n) || !iw_field_none(&line) ||
        !iw_head_line(head, 1, &line))
        return 0;
    if (memmem(line.at, (size_t)(line.end - line.at), "Properties=", 11))
        return 90;
    if (!iw_head_line(head, 2, &line) || !iw_field_word(&line, &word, &size))
        return 0;
    for (int i = 0; i < 3; i++)
        if (!iw_field_real(&line, &x))
            return 0;
    return 60;
}

const iw_format iw_format_extxyz = {
    .name = "extxyz",
    .text = "extended XYZ, and plain XYZ",
    .code = "",
    .dt_advice = "give --dt FS, the time from one frame to the next in fs (or Time=FS in the "
                 "comment lines)",
    .state_size = sizeof(extxyz),
    .takes_units = true,
    .appends = true,
    .guess = extxyz_guess,
    .open = extxyz_open,
    .describe = extxyz_describe,
    .next = extxyz_next,
    .close = extxyz_close,
    .text_at = offsetof(extxyz, text),
};
