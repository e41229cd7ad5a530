/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * topology_lammps.c - a LAMMPS data file: "N atoms" and "N atom types" at its top, a section
 * Masses, a section Atoms whose columns the style names ("Atoms # charge"); type labels in a
 * section of their own or as comments behind the masses.
 *
 * LAMMPS sends atoms by id, and so they are sorted here.
 */
#include "adapters/imd/topology_internal.h"
#include "adapters/lammps/units.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPES_MAX = 1000, ATOMS_MAX = 1000000000 };

typedef struct {
    int64_t id, type;
    double charge;
} atom;

typedef struct {
    iw_text *text;
    const iw_lammps_units *units;
    int64_t n_atoms, n_types;
    double mass[TYPES_MAX + 1]; /* by type, 0: none */
    char label[TYPES_MAX + 1][IW_SPECIES_LENGTH + 1];
    atom *atoms;
    bool has_charge;
} data_file;

static bool
is_data(const iw_head *head)
{
    iw_line line;
    for (size_t i = 1; i < 40 && iw_head_line(head, i, &line); i++) {
        int64_t n;
        const char *word;
        size_t size;
        if (iw_field_int(&line, &n) && iw_field_word(&line, &word, &size) && size == 5 &&
            memcmp(word, "atoms", 5) == 0)
            return true;
    }
    return false;
}

/* Cuts a comment off; *comment is what it says. */
static iw_line
without_comment(iw_line line, iw_line *comment)
{
    const char *hash =
        line.at < line.end ? memchr(line.at, '#', (size_t)(line.end - line.at)) : NULL;
    *comment = (iw_line){hash ? hash + 1 : line.end, line.end};
    return (iw_line){line.at, hash ? hash : line.end};
}

/* The next line that is not empty. */
static iw_status
next_line(data_file *self, iw_line *line, iw_line *comment, iw_error *err)
{
    for (;;) {
        iw_status status = iw_text_line(self->text, line, err);
        if (status != IW_OK)
            return status;
        *line = without_comment(*line, comment);
        if (!iw_field_none(line))
            return IW_OK;
    }
}

static bool
is_word(iw_line line, const char *text)
{
    const char *word;
    size_t size;
    for (const char *at = text; *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (!iw_field_word(&line, &word, &size) || size != length || memcmp(word, at, size) != 0)
            return false;
        at += length;
    }
    return iw_field_none(&line);
}

static bool
is_type(const data_file *self, int64_t type)
{
    return type >= 1 && type <= self->n_types;
}

/* "1 6.94  # Li" */
static iw_status
read_masses(data_file *self, iw_error *err)
{
    for (int64_t i = 0; i < self->n_types; i++) {
        iw_line line, comment;
        iw_status status = next_line(self, &line, &comment, err);
        if (status != IW_OK)
            return status;
        iw_line rest = line;
        int64_t type = 0;
        double mass;
        if (!iw_field_int(&rest, &type) || !is_type(self, type) || !iw_field_real(&rest, &mass) ||
            !(mass > 0.0))
            return iw_text_unexpected(self->text, line, "a type and its mass", err);
        self->mass[type] = mass * self->units->mass_amu;
        const char *word;
        size_t size;
        char name[IW_SPECIES_LENGTH + 1] = "";
        if (iw_field_word(&comment, &word, &size) && size <= IW_SPECIES_LENGTH)
            memcpy(name, word, size);
        if (!self->label[type][0] && !isnan(iw_label_mass(name)))
            memcpy(self->label[type], name, sizeof name);
    }
    return IW_OK;
}

static iw_status
read_labels(data_file *self, iw_error *err)
{
    for (int64_t i = 0; i < self->n_types; i++) {
        iw_line line, comment;
        iw_status status = next_line(self, &line, &comment, err);
        if (status != IW_OK)
            return status;
        iw_line rest = line;
        int64_t type = 0;
        const char *word;
        size_t size;
        if (!iw_field_int(&rest, &type) || !is_type(self, type) ||
            !iw_field_word(&rest, &word, &size) || size > IW_SPECIES_LENGTH)
            return iw_text_unexpected(self->text, line, "a type and its label", err);
        memset(self->label[type], 0, sizeof self->label[type]);
        memcpy(self->label[type], word, size);
    }
    return IW_OK;
}

static bool
field_type(const data_file *self, iw_line *line, int64_t *type)
{
    const char *word;
    size_t size;
    if (iw_field_int(line, type))
        return is_type(self, *type);
    if (!iw_field_word(line, &word, &size))
        return false;
    for (*type = 1; *type <= self->n_types; ++*type)
        if (strlen(self->label[*type]) == size && memcmp(self->label[*type], word, size) == 0)
            return true;
    return false;
}

/* What stands between id and position in each atom style: m molecule, t type, q charge. */
static const struct {
    const char *name, *columns;
} styles[] = {{"atomic", "t"}, {"charge", "tq"}, {"molecular", "mt"},
              {"bond", "mt"},  {"angle", "mt"},  {"full", "mtq"}};

/* The style that the section names, else the one that has as many columns. */
static const char *
columns_of(iw_line style, iw_line row)
{
    const char *word;
    size_t size, fields = 0;
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        if (is_word(style, styles[i].name))
            return styles[i].columns;
    if (!iw_field_none(&style))
        return NULL;
    while (iw_field_word(&row, &word, &size))
        fields++;
    return fields == 5 || fields == 8 ? "t" : fields == 7 || fields == 10 ? "mtq" : NULL;
}

static iw_status
read_atom(data_file *self, iw_line line, const char *columns, atom *to, iw_error *err)
{
    iw_line rest = line;
    int64_t molecule;
    double x;
    bool ok = iw_field_int(&rest, &to->id);
    for (const char *at = columns; ok && *at; at++)
        ok = *at == 'm'   ? iw_field_int(&rest, &molecule)
             : *at == 't' ? field_type(self, &rest, &to->type)
                          : iw_field_real(&rest, &to->charge);
    for (int i = 0; ok && i < 3; i++)
        ok = iw_field_real(&rest, &x);
    return ok ? IW_OK
              : iw_text_unexpected(self->text, line, "an atom of the style that the section names",
                                   err);
}

/* As rows come: the number at the top of a damaged file may be anything. */
static iw_status
make_room(data_file *self, int64_t *capacity, iw_error *err)
{
    int64_t grown = *capacity ? 2 * *capacity : 1024;
    atom *atoms = realloc(self->atoms, (size_t)grown * sizeof *atoms);
    if (!atoms)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %lld atoms", (long long)grown);
    memset(atoms + *capacity, 0, (size_t)(grown - *capacity) * sizeof *atoms);
    self->atoms = atoms;
    *capacity = grown;
    return IW_OK;
}

static iw_status
read_atoms(data_file *self, iw_line style, iw_error *err)
{
    char name[48];
    (void)iw_line_excerpt(style, name);
    iw_line named = {name, name + strlen(name)}; /* the line goes with the next one */
    const char *columns = NULL;
    int64_t capacity = 0;
    for (int64_t i = 0; i < self->n_atoms; i++) {
        iw_line line, comment;
        iw_status status = next_line(self, &line, &comment, err);
        if (status != IW_OK)
            return status;
        if (i == 0 && !(columns = columns_of(named, line)))
            return iw_text_fail(self->text, err, IW_INVALID,
                                "the columns of the section Atoms are not known: it names its "
                                "style in a comment, as in \"Atoms # charge\" (atomic, charge, "
                                "molecular, bond, angle or full)");
        if (i == capacity && (status = make_room(self, &capacity, err)) != IW_OK)
            return status;
        if ((status = read_atom(self, line, columns, &self->atoms[i], err)) != IW_OK)
            return status;
    }
    self->has_charge = columns && strchr(columns, 'q') != NULL;
    return IW_OK;
}

static iw_status
read_sections(data_file *self, iw_error *err)
{
    iw_line line, comment;
    iw_status status = iw_text_skip(self->text, 1, err);
    while (status == IW_OK && !self->atoms) {
        if ((status = next_line(self, &line, &comment, err)) != IW_OK)
            break;
        iw_line rest = line;
        int64_t n;
        if (is_word(line, "Masses")) {
            status = read_masses(self, err);
        } else if (is_word(line, "Atom Type Labels")) {
            status = read_labels(self, err);
        } else if (is_word(line, "Atoms")) {
            if (self->n_atoms < 1 || self->n_types < 1)
                return iw_text_fail(self->text, err, IW_INVALID,
                                    "atoms come before their number and that of their types");
            status = read_atoms(self, comment, err);
        } else if (iw_field_int(&rest, &n)) {
            bool types = is_word(rest, "atom types"), atoms = is_word(rest, "atoms");
            if ((types || atoms) && (n < 1 || n > (types ? TYPES_MAX : ATOMS_MAX)))
                return iw_text_fail(self->text, err, IW_INVALID, "%lld is not possible here",
                                    (long long)n);
            if (types)
                self->n_types = n;
            else if (atoms)
                self->n_atoms = n;
        }
    }
    return status;
}

/* Types that nobody has named, by what is known of them. */
static iw_status
ask_for_names(const data_file *self, iw_error *err)
{
    char list[200] = "";
    size_t used = 0;
    for (int64_t t = 1; t <= self->n_types && used + 24 < sizeof list; t++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%lld: %.6g amu",
                                 t > 1 ? ", " : "", (long long)t, self->mass[t]);
    return iw_fail(err, IW_INVALID,
                   "%s does not name its atom types (%s): do so with --species, as in --species "
                   "Li,S",
                   iw_text_path(self->text), list);
}

static iw_status
name_types(data_file *self, const char *species, iw_error *err)
{
    iw_names names = {0};
    iw_status status = species ? iw_names_parse(&names, species, err) : IW_OK;
    if (status == IW_OK && species && names.n != (size_t)self->n_types)
        status = iw_fail(err, IW_INVALID, "--species %.60s: %zu names for %lld atom types of %s",
                         species, names.n, (long long)self->n_types, iw_text_path(self->text));
    for (int64_t t = 1; t <= self->n_types && status == IW_OK; t++) {
        if (species)
            memcpy(self->label[t], names.name[t - 1], sizeof self->label[t]);
        if (!self->label[t][0])
            status = ask_for_names(self, err);
        double element = iw_label_mass(self->label[t]);
        if (status != IW_OK || self->mass[t] == 0.0)
            self->mass[t] = element;
        else if (!isnan(element) && fabs(self->mass[t] - element) > 0.25 * element)
            status = iw_fail(err, IW_INVALID,
                             "%s: atom type %lld has a mass of %g amu, but %s has %g: are the "
                             "names in the order of the types, and the units right?",
                             iw_text_path(self->text), (long long)t, self->mass[t], self->label[t],
                             element);
    }
    iw_names_fini(&names);
    return status;
}

static int
by_id(const void *a, const void *b)
{
    int64_t x = ((const atom *)a)->id, y = ((const atom *)b)->id;
    return (x > y) - (x < y);
}

static iw_status
hand_over(const data_file *self, iw_topology *to, iw_error *err)
{
    size_t n = (size_t)self->n_atoms;
    if (!self->atoms)
        return iw_fail(err, IW_INVALID, "%s has no section Atoms", iw_text_path(self->text));
    qsort(self->atoms, n, sizeof *self->atoms, by_id);
    to->mass_amu = calloc(n, sizeof *to->mass_amu);
    to->charge_e = self->has_charge ? calloc(n, sizeof *to->charge_e) : NULL;
    if (!to->mass_amu || (self->has_charge && !to->charge_e))
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu atoms", n);
    iw_status status = IW_OK;
    for (size_t i = 0; i < n && status == IW_OK; i++) {
        const atom *from = &self->atoms[i];
        if (i > 0 && from->id == from[-1].id)
            status = iw_fail(err, IW_INVALID, "%s: atom id %lld is there twice",
                             iw_text_path(self->text), (long long)from->id);
        else
            status = iw_names_add(&to->names, self->label[from->type],
                                  strlen(self->label[from->type]), err);
        to->mass_amu[i] = self->mass[from->type];
        if (to->charge_e)
            to->charge_e[i] = from->charge * self->units->charge_e;
    }
    return status;
}

static iw_status
read_data(iw_text *text, const char *species, const char *units, iw_topology *to, iw_error *err)
{
    data_file *self = calloc(1, sizeof *self);
    if (!self)
        return iw_fail(err, IW_NO_MEMORY, "no memory to read %s", iw_text_path(text));
    self->text = text;
    self->units = iw_lammps_units_find(units);
    if (!self->units) /* of the protocol: masses in amu, charges in e, as in these */
        self->units = iw_lammps_units_find("metal");
    iw_status status = read_sections(self, err);
    if (status == IW_OK)
        status = name_types(self, species, err);
    if (status == IW_OK)
        status = hand_over(self, to, err);
    free(self->atoms);
    free(self);
    return status;
}

const iw_topology_kind iw_topology_lammps = {is_data, read_data};
