/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dump.c - LAMMPS text dumps ("dump custom"): items with a header line each, then a row for each
 * atom, in any order, with the columns that the header names.
 *
 * Atoms are ordered by id.  Of several kinds of positions the wrapped ones are taken; scaled ones
 * are multiplied by the box of their frame.  Bounds of a triclinic box are those of the box around
 * it: the tilts are taken off (LAMMPS manual, "Howto triclinic").
 */
#include "adapters/format.h"
#include "adapters/lammps/units.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 128, POSITIONS = 4 };

/* What a column is used for.  POS + 3 * kind + axis for the positions. */
enum { SKIP, ID, TYPE, ELEMENT, MASS, CHARGE, VX, VY, VZ, POS };

typedef struct {
    int64_t step, n_atoms;
    bool has_time, has_box, triclinic;
    double time;
    char style[16]; /* of ITEM: UNITS, "" if there is none */
    double origin[3];
    double cell[9]; /* in the dump's units */
    bool periodic[3];
} header;

typedef struct {
    int64_t id, type;
    char element[IW_SPECIES_LENGTH + 1];
    double mass, charge;
} atom;

typedef struct {
    iw_piece *piece;
    iw_text *text;
    const iw_lammps_units *units;
    unsigned char use[COLUMNS_MAX];
    size_t n_columns; /* up to the last one in use */
    bool has_type, has_element, has_mass, has_charge, has_velocities;
    bool scaled, wrapped;
    atom *atoms; /* [n_atoms] by id */
    size_t n_atoms;
    uint32_t *lookup; /* place + 1 of id - first id; NULL when ids are too sparse */
    size_t n_lookup;
    uint64_t *seen; /* [n_atoms] frame in which the atom was seen last */
    uint64_t frame; /* being read, from 1 */
} dump;

/* Whether the line is "ITEM: name ..."; *rest is what follows the name. */
static bool
is_item(iw_line line, const char *name, iw_line *rest)
{
    size_t size = strlen(name), length = (size_t)(line.end - line.at);
    if (length < 6 + size || memcmp(line.at, "ITEM: ", 6) != 0 ||
        memcmp(line.at + 6, name, size) != 0)
        return false;
    *rest = (iw_line){line.at + 6 + size, line.end};
    return rest->at == rest->end || *rest->at == ' ' || *rest->at == '\r';
}

static iw_status
read_int(dump *self, int64_t *value, const char *what, iw_error *err)
{
    iw_line line;
    iw_status status = iw_text_line(self->text, &line, err);
    if (status != IW_OK)
        return status;
    iw_line rest = line;
    return iw_field_int(&rest, value) ? IW_OK : iw_text_unexpected(self->text, line, what, err);
}

static iw_status
read_box(dump *self, header *head, iw_line flags, iw_error *err)
{
    const char *word;
    size_t size, n_flags = 0;
    bool general = false;
    head->triclinic = false;
    for (size_t x = 0; x < 3; x++)
        head->periodic[x] = true; /* old dumps do not say */
    while (iw_field_word(&flags, &word, &size)) {
        if (size == 2 && (word[0] == 'x' || word[0] == 'y'))
            head->triclinic = true; /* "xy xz yz" */
        else if (size == 3 && memcmp(word, "abc", 3) == 0)
            general = true;
        else if (size == 2 && n_flags < 3)
            head->periodic[n_flags++] = word[0] == 'p' && word[1] == 'p';
    }
    double row[3][4] = {{0.0}};
    size_t columns = general ? 4 : head->triclinic ? 3 : 2;
    for (size_t r = 0; r < 3; r++) {
        iw_line line, rest;
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        rest = line;
        for (size_t c = 0; c < columns; c++)
            if (!iw_field_real(&rest, &row[r][c]))
                return iw_text_unexpected(self->text, line, "the bounds of the box", err);
    }
    memset(head->cell, 0, sizeof head->cell);
    if (general) {
        for (size_t r = 0; r < 3; r++) {
            memcpy(head->cell + 3 * r, row[r], 3 * sizeof(double));
            head->origin[r] = row[r][3];
        }
    } else {
        double xy = row[0][2], xz = row[1][2], yz = row[2][2];
        double low_x = fmin(fmin(0.0, xy), fmin(xz, xy + xz));
        double high_x = fmax(fmax(0.0, xy), fmax(xz, xy + xz));
        head->origin[0] = row[0][0] - low_x;
        head->origin[1] = row[1][0] - fmin(0.0, yz);
        head->origin[2] = row[2][0];
        head->cell[0] = row[0][1] - high_x - head->origin[0];
        head->cell[3] = xy;
        head->cell[4] = row[1][1] - fmax(0.0, yz) - head->origin[1];
        head->cell[6] = xz;
        head->cell[7] = yz;
        head->cell[8] = row[2][1] - row[2][0];
    }
    head->has_box = true;
    return IW_OK;
}

/* Reads the items up to ATOMS; *columns is what follows that word. */
static iw_status
read_header(dump *self, header *head, iw_line *columns, iw_error *err)
{
    iw_line line, rest;
    bool has_step = false;
    *head = (header){.n_atoms = -1};
    for (;;) {
        iw_status status = iw_text_line(self->text, &line, err);
        if (status != IW_OK)
            return status;
        if (is_item(line, "ATOMS", columns))
            break;
        if (is_item(line, "TIMESTEP", &rest)) {
            status = read_int(self, &head->step, "a step number", err);
            has_step = true;
        } else if (is_item(line, "NUMBER OF ATOMS", &rest)) {
            status = read_int(self, &head->n_atoms, "a number of atoms", err);
            if (status == IW_OK && (head->n_atoms < 1 || head->n_atoms > UINT32_MAX / 2))
                status = iw_text_fail(self->text, err, IW_INVALID, "%lld atoms are not possible",
                                      (long long)head->n_atoms);
            self->piece->atoms_line = iw_text_line_number(self->text);
        } else if (is_item(line, "BOX BOUNDS", &rest)) {
            status = read_box(self, head, rest, err);
        } else if (is_item(line, "TIME", &rest) || is_item(line, "UNITS", &rest)) {
            bool is_time = is_item(line, "TIME", &rest);
            const char *word;
            size_t size;
            if ((status = iw_text_line(self->text, &line, err)) != IW_OK)
                return status;
            rest = line;
            if (is_time && !(head->has_time = iw_field_real(&rest, &head->time)))
                return iw_text_unexpected(self->text, line, "a time", err);
            if (!is_time && iw_field_word(&rest, &word, &size) && size < sizeof head->style)
                memcpy(head->style, word, size);
        } else if (!iw_field_none(&line) &&
                   !(line.end - line.at > 5 && memcmp(line.at, "ITEM:", 5) == 0)) {
            return iw_text_unexpected(self->text, line,
                                      "'ITEM: ...' (one more or fewer rows of atoms than "
                                      "announced?)",
                                      err);
        }
        if (status != IW_OK)
            return status;
    }
    if (!has_step || head->n_atoms < 0 || !head->has_box)
        return iw_text_fail(self->text, err, IW_INVALID, "atoms come before their %s",
                            !has_step           ? "ITEM: TIMESTEP"
                            : head->n_atoms < 0 ? "ITEM: NUMBER OF ATOMS"
                                                : "ITEM: BOX BOUNDS");
    return IW_OK;
}

static unsigned char
column_use(const char *word, size_t size)
{
    static const struct {
        const char *name;
        unsigned char use;
    } names[] = {{"id", ID},      {"type", TYPE},   {"element", ELEMENT}, {"mass", MASS},
                 {"q", CHARGE},   {"vx", VX},       {"vy", VY},           {"vz", VZ},
                 {"x", POS},      {"y", POS + 1},   {"z", POS + 2},       {"xs", POS + 3},
                 {"ys", POS + 4}, {"zs", POS + 5},  {"xu", POS + 6},      {"yu", POS + 7},
                 {"zu", POS + 8}, {"xsu", POS + 9}, {"ysu", POS + 10},    {"zsu", POS + 11}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == size && memcmp(names[i].name, word, size) == 0)
            return names[i].use;
    return SKIP;
}

/* Decides what each column is for; wrapped positions come before unwrapped ones. */
static iw_status
plan_columns(dump *self, iw_line columns, iw_error *err)
{
    bool have[POS + 3 * POSITIONS] = {false};
    const char *word;
    size_t size, n = 0;
    iw_line rest = columns;
    while (iw_field_word(&rest, &word, &size)) {
        if (n == COLUMNS_MAX)
            return iw_text_fail(self->text, err, IW_INVALID, "more than %d columns", COLUMNS_MAX);
        unsigned char use = column_use(word, size);
        /* A column that is there twice is read once. */
        self->use[n] = have[use] ? SKIP : use;
        have[use] = true;
        n++;
    }
    if (!have[ID])
        return iw_text_fail(self->text, err, IW_INVALID,
                            "no column 'id': LAMMPS changes the order of atoms, and only the id "
                            "tells which is which; dump it");
    size_t kind = 0;
    while (kind < POSITIONS &&
           !(have[POS + 3 * kind] && have[POS + 3 * kind + 1] && have[POS + 3 * kind + 2]))
        kind++;
    if (kind == POSITIONS)
        return iw_text_unexpected(self->text, columns,
                                  "columns x y z, xs ys zs, xu yu zu or xsu ysu zsu", err);
    self->scaled = kind == 1 || kind == 3;
    self->wrapped = kind < 2;
    self->has_velocities = have[VX] && have[VY] && have[VZ];
    if (!self->has_velocities && (have[VX] || have[VY] || have[VZ]))
        iw_notes_add(self->piece->notes, "%s: not all of vx, vy, vz are there: not used",
                     self->piece->path);
    self->has_type = have[TYPE];
    self->has_element = have[ELEMENT];
    self->has_mass = have[MASS];
    self->has_charge = have[CHARGE];
    self->n_columns = 0;
    for (size_t c = 0; c < n; c++) {
        unsigned char use = self->use[c];
        bool other_kind = use >= POS && (size_t)(use - POS) / 3 != kind;
        bool not_used = use >= VX && use < POS && !self->has_velocities;
        if (other_kind || not_used)
            self->use[c] = SKIP;
        else if (use >= POS)
            self->use[c] = (unsigned char)(POS + (use - POS) % 3);
        if (self->use[c] != SKIP)
            self->n_columns = c + 1;
    }
    return IW_OK;
}

static iw_status
read_row(dump *self, iw_line line, atom *row, double pos[3], double vel[3], iw_error *err)
{
    const iw_line whole = line;
    const char *word;
    size_t size;
    double *real = NULL;
    for (size_t c = 0; c < self->n_columns; c++) {
        bool ok;
        unsigned char use = self->use[c];
        switch (use) {
        case SKIP:
            ok = iw_field_word(&line, &word, &size);
            break;
        case ID:
            ok = iw_field_int(&line, &row->id);
            break;
        case TYPE:
            ok = iw_field_int(&line, &row->type);
            break;
        case ELEMENT:
            ok = iw_field_word(&line, &word, &size) && size <= IW_SPECIES_LENGTH;
            if (ok) {
                memset(row->element, 0, sizeof row->element);
                memcpy(row->element, word, size);
            }
            break;
        default:
            real = use >= POS    ? pos + (use - POS)
                   : use >= VX   ? vel + (use - VX)
                   : use == MASS ? &row->mass
                                 : &row->charge;
            ok = iw_field_real(&line, real);
            break;
        }
        if (!ok) {
            char excerpt[48], what[80];
            (void)snprintf(what, sizeof what, "a %s in column %zu of",
                           use == SKIP || use == ELEMENT ? "word"
                           : use == ID || use == TYPE    ? "whole number"
                                                         : "finite number",
                           c + 1);
            return iw_text_fail(self->text, err, IW_INVALID, "expected %s '%s'", what,
                                iw_line_excerpt(whole, excerpt));
        }
    }
    return IW_OK;
}

static size_t
find_atom(const dump *self, int64_t id)
{
    int64_t first = self->atoms[0].id;
    if (self->lookup) {
        if (id < first || (uint64_t)id - (uint64_t)first >= self->n_lookup)
            return SIZE_MAX;
        return (size_t)self->lookup[id - first] - 1; /* 0 becomes SIZE_MAX */
    }
    size_t low = 0, high = self->n_atoms;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (self->atoms[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < self->n_atoms && self->atoms[low].id == id ? low : SIZE_MAX;
}

/* Checks that the row is one of the run's atoms, unchanged, and the first of its id. */
static iw_status
place_row(dump *self, const atom *row, size_t *place, iw_error *err)
{
    *place = find_atom(self, row->id);
    if (*place == SIZE_MAX)
        return iw_text_fail(self->text, err, IW_INVALID,
                            "atom id %lld was not there before: the atoms of a run do not change",
                            (long long)row->id);
    const atom *was = &self->atoms[*place];
    if (self->seen[*place] == self->frame)
        return iw_text_fail(self->text, err, IW_INVALID, "atom id %lld comes twice in one frame",
                            (long long)row->id);
    if ((self->has_type && row->type != was->type) ||
        (self->has_element && strcmp(row->element, was->element) != 0))
        return iw_text_fail(self->text, err, IW_INVALID,
                            "atom id %lld was %s (type %lld) and is now %s (type %lld): the atoms "
                            "of a run do not change",
                            (long long)row->id, was->element, (long long)was->type, row->element,
                            (long long)row->type);
    self->seen[*place] = self->frame;
    return IW_OK;
}

/* From the dump's units and box to a place in space. */
static void
convert(const dump *self, const header *head, const double in[3], double out[3])
{
    const double *h = head->cell;
    double length = self->units->length_A;
    for (size_t x = 0; x < 3; x++) {
        double value = in[x];
        if (self->scaled)
            value = head->origin[x] + in[0] * h[x] + in[1] * h[3 + x] + in[2] * h[6 + x];
        out[x] = value * length;
    }
}

static iw_status
read_frame(dump *self, header *head, iw_frame *frame, iw_error *err)
{
    iw_line columns;
    iw_status status = read_header(self, head, &columns, err);
    if (status != IW_OK)
        return status;
    if ((size_t)head->n_atoms != self->n_atoms)
        return iw_fail(err, IW_INVALID,
                       "%s line %llu: %lld atoms, but %zu before: the atoms of a run do not change",
                       self->piece->path, (unsigned long long)self->piece->atoms_line,
                       (long long)head->n_atoms, self->n_atoms);
    bool wrapped = self->wrapped, velocities = self->has_velocities;
    bool named = self->has_type, elements = self->has_element;
    if ((status = plan_columns(self, columns, err)) != IW_OK)
        return status;
    if (wrapped != self->wrapped || velocities != self->has_velocities || named != self->has_type ||
        elements != self->has_element)
        return iw_text_fail(self->text, err, IW_INVALID,
                            "the columns are others than before; analyse the parts by themselves");
    self->frame++;
    double vel_factor = self->units->length_A / self->units->time_fs;
    for (size_t i = 0; i < self->n_atoms; i++) {
        iw_line line;
        atom row = {0};
        double pos[3] = {0}, vel[3] = {0};
        size_t place = 0;
        if ((status = iw_text_line(self->text, &line, err)) != IW_OK ||
            (status = read_row(self, line, &row, pos, vel, err)) != IW_OK ||
            (status = place_row(self, &row, &place, err)) != IW_OK)
            return status;
        convert(self, head, pos, frame->pos_A + 3 * place);
        for (size_t x = 0; x < 3; x++)
            frame->vel_A_fs[3 * place + x] = vel[x] * vel_factor;
    }
    return IW_OK;
}

static iw_status
dump_next(void *state, iw_frame *frame, iw_error *err)
{
    dump *self = state;
    header head;
    iw_text_mark(self->text);
    iw_status status = read_frame(self, &head, frame, err);
    if (status == IW_END && iw_text_past_mark(self->text))
        iw_notes_add(self->piece->notes, "%s: its last frame is cut short and left out",
                     self->piece->path);
    if (status == IW_AGAIN || status == IW_END)
        iw_text_back(self->text);
    if (status != IW_OK)
        return status;
    frame->step = head.step;
    if (head.has_time)
        frame->time_fs = head.time * self->units->time_fs;
    frame->has_velocities = self->has_velocities;
    frame->has_cell = head.periodic[0] || head.periodic[1] || head.periodic[2];
    for (size_t i = 0; i < 9; i++)
        frame->cell_A[i] = head.cell[i] * self->units->length_A;
    return IW_OK;
}

static iw_status
dump_open(void *state, iw_piece *piece, iw_error *err)
{
    dump *self = state;
    self->piece = piece;
    self->text = iw_text_open(piece->path, piece->follow, err);
    return self->text ? IW_OK : err->code;
}

static iw_status
choose_units(dump *self, const header *head, iw_error *err)
{
    const char *asked = self->piece->options->units;
    const char *style = asked ? asked : head->style[0] ? head->style : "metal";
    self->units = iw_lammps_units_find(style);
    if (!self->units)
        return iw_fail(err, IW_INVALID, "%s: units '%.20s' are not known; known are %s",
                       self->piece->path, style, iw_lammps_units_names());
    iw_notes *notes = self->piece->notes;
    if (!asked && !head->style[0])
        iw_notes_add(notes, "units are taken as LAMMPS metal (A, ps); --units names others");
    else if (asked && head->style[0] && strcmp(asked, head->style) != 0)
        iw_notes_add(notes, "%s: units %s as asked for; the file says %s", self->piece->path, asked,
                     head->style);
    if (strcmp(style, "lj") == 0)
        iw_notes_add(notes, "units lj have no dimension: read with sigma = 1 A, epsilon = 1 eV, "
                            "m = 1 amu, so tau = 10.18 fs");
    return IW_OK;
}

static int
compare_ids(const void *a, const void *b)
{
    int64_t x = ((const atom *)a)->id, y = ((const atom *)b)->id;
    return (x > y) - (x < y);
}

/* Reads the rows of the first frame; memory grows with the rows that are really there. */
static iw_status
read_atoms(dump *self, size_t n_atoms, iw_error *err)
{
    size_t capacity = 0;
    self->n_atoms = 0;
    while (self->n_atoms < n_atoms) {
        if (self->n_atoms == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            atom *grown = realloc(self->atoms, capacity * sizeof *grown);
            if (!grown)
                return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", capacity);
            self->atoms = grown;
        }
        iw_line line;
        double pos[3], vel[3];
        atom *row = &self->atoms[self->n_atoms];
        *row = (atom){.mass = (double)NAN};
        iw_status status = iw_text_line(self->text, &line, err);
        if (status == IW_OK)
            status = read_row(self, line, row, pos, vel, err);
        if (status != IW_OK)
            return status;
        self->n_atoms++;
    }
    qsort(self->atoms, n_atoms, sizeof *self->atoms, compare_ids);
    for (size_t i = 1; i < n_atoms; i++)
        if (self->atoms[i].id == self->atoms[i - 1].id)
            return iw_text_fail(self->text, err, IW_INVALID,
                                "atom id %lld comes twice in the frame that ends here",
                                (long long)self->atoms[i].id);
    return IW_OK;
}

/* A table from id to place, unless ids are so sparse that it would be mostly empty. */
static iw_status
make_lookup(dump *self, iw_error *err)
{
    uint64_t range = (uint64_t)self->atoms[self->n_atoms - 1].id - (uint64_t)self->atoms[0].id;
    self->seen = calloc(self->n_atoms + 1, sizeof *self->seen);
    if (self->seen && range < 4 * (uint64_t)self->n_atoms + 1024) {
        self->n_lookup = (size_t)range + 1;
        self->lookup = calloc(self->n_lookup, sizeof *self->lookup);
        for (size_t i = 0; self->lookup && i < self->n_atoms; i++)
            self->lookup[self->atoms[i].id - self->atoms[0].id] = (uint32_t)i + 1;
    }
    if (!self->seen || (self->n_lookup > 0 && !self->lookup))
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
    return IW_OK;
}

static iw_status
name_by_type(dump *self, const iw_names *types, iw_names *atoms, iw_error *err)
{
    for (size_t i = 0; i < self->n_atoms; i++) {
        int64_t type = self->atoms[i].type;
        if (type < 1 || (uint64_t)type > types->n)
            return iw_fail(
                err, IW_INVALID, "%s: atom id %lld has type %lld, but --species names %zu types",
                self->piece->path, (long long)self->atoms[i].id, (long long)type, types->n);
        const char *name = types->name[type - 1];
        iw_status status = iw_names_add(atoms, name, strlen(name), err);
        if (status != IW_OK)
            return status;
    }
    return IW_OK;
}

static iw_status
name_atoms(dump *self, iw_run_info *run, iw_error *err)
{
    const char *given = self->piece->options->species;
    iw_names names = {0}, atoms = {0};
    iw_status status = IW_OK;
    if (given)
        status = iw_names_parse(&names, given, err);
    else if (!self->has_element)
        status = iw_fail(err, IW_INVALID, "%s: atoms have %s: %s", self->piece->path,
                         self->has_type ? "types but no names" : "neither types nor names",
                         self->has_type ? "name the types with --species, as in --species Li,S"
                                        : "name them in the order of their ids with --species, as "
                                          "in --species Ga*54,N*54");
    int64_t types = 0;
    for (size_t i = 0; i < self->n_atoms; i++)
        types = self->atoms[i].type > types ? self->atoms[i].type : types;
    bool by_type =
        given && self->has_type && (names.n != self->n_atoms || (int64_t)names.n == types);
    if (status == IW_OK && by_type) {
        status = name_by_type(self, &names, &atoms, err);
    } else {
        bool carbon = self->has_element, types_differ = false;
        for (size_t i = 0; status == IW_OK && i < self->n_atoms; i++) {
            const char *name = self->has_element ? self->atoms[i].element : "X";
            carbon = carbon && strcmp(name, "C") == 0;
            types_differ = types_differ || self->atoms[i].type != self->atoms[0].type;
            status = iw_names_add(&atoms, name, strlen(name), err);
        }
        if (status == IW_OK && given)
            status = iw_names_override(&atoms, given, err);
        else if (carbon && types_differ)
            iw_notes_add(self->piece->notes,
                         "%s: every type is called C, which is what LAMMPS writes without "
                         "dump_modify element; --species gives the real names",
                         self->piece->path);
    }
    if (status == IW_OK)
        status = iw_names_set_atoms(&atoms, run, err);
    iw_names_fini(&names);
    iw_names_fini(&atoms);
    return status;
}

static iw_status
describe_atoms(dump *self, iw_run_info *run, iw_error *err)
{
    iw_status status = name_atoms(self, run, err);
    if (status != IW_OK)
        return status;
    if (self->has_charge && !(run->charge_e = calloc(self->n_atoms + 1, sizeof(double))))
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", self->n_atoms);
    for (size_t i = 0; i < self->n_atoms; i++) {
        if (self->has_mass)
            run->mass_amu[i] = self->atoms[i].mass * self->units->mass_amu;
        if (self->has_charge)
            run->charge_e[i] = self->atoms[i].charge * self->units->charge_e;
    }
    return IW_OK;
}

/* Steps and time from the first frame to the second; one frame alone tells neither. */
static iw_status
describe_time(dump *self, const header *first, iw_run_info *run, iw_error *err)
{
    header second;
    iw_line columns;
    iw_status status = read_header(self, &second, &columns, err);
    if (status == IW_END || (status == IW_AGAIN && !self->piece->first))
        return IW_OK;
    if (status != IW_OK)
        return status;
    if (second.step > first->step)
        run->stride = second.step - first->step;
    if (first->has_time && second.has_time && second.time > first->time)
        run->timestep_fs = (second.time - first->time) * self->units->time_fs / (double)run->stride;
    return IW_OK;
}

static iw_status
dump_describe(void *state, iw_run_info *run, iw_error *err)
{
    dump *self = state;
    header head;
    iw_line columns;
    iw_text_mark(self->text);
    iw_status status = read_header(self, &head, &columns, err);
    if (status == IW_OK)
        status = plan_columns(self, columns, err);
    if (status == IW_OK)
        status = choose_units(self, &head, err);
    if (status == IW_OK)
        status = read_atoms(self, (size_t)head.n_atoms, err);
    uint64_t atoms_line = self->piece->atoms_line;
    if (status == IW_OK)
        status = describe_time(self, &head, run, err);
    self->piece->atoms_line = atoms_line;
    if (status == IW_OK)
        status = make_lookup(self, err);
    if (status == IW_OK)
        status = describe_atoms(self, run, err);
    if (status != IW_OK)
        return status;
    run->wrapped = self->wrapped;
    bool any = head.periodic[0] || head.periodic[1] || head.periodic[2];
    bool all = head.periodic[0] && head.periodic[1] && head.periodic[2];
    if (!any)
        iw_notes_add(self->piece->notes, "%s: the box is not periodic: there is no cell",
                     self->piece->path);
    else if (!all)
        iw_notes_add(self->piece->notes,
                     "%s: the box is periodic in some directions only; it is taken as a cell in "
                     "all of them",
                     self->piece->path);
    iw_text_back(self->text);
    return IW_OK;
}

static void
dump_close(void *state)
{
    dump *self = state;
    iw_text_close(&self->text);
    free(self->atoms);
    free(self->lookup);
    free(self->seen);
}

static int
dump_guess(const iw_head *head)
{
    return head->size >= 6 && memcmp(head->data, "ITEM: ", 6) == 0 ? 100 : 0;
}

const iw_format iw_format_lammps = {
    .name = "lammps",
    .text = "LAMMPS text dump (dump custom, with ids)",
    .code = "LAMMPS",
    .dt_advice = "give --dt FS, the time from one frame to the next in fs (or write it to the "
                 "dump with dump_modify time yes)",
    .takes_units = true,
    .state_size = sizeof(dump),
    .guess = dump_guess,
    .open = dump_open,
    .describe = dump_describe,
    .next = dump_next,
    .close = dump_close,
    .text_at = offsetof(dump, text),
};
