/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/imd/topology_internal.h"

#include "charges.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD_SIZE = 1 << 14 };

/* A name without the digits behind it: "Li12" is Li. */
static iw_status
add_label(iw_topology *self, const char *label, size_t size, iw_error *err)
{
    while (size > 0 && (label[size - 1] == ' ' || isdigit((unsigned char)label[size - 1])))
        size--;
    while (size > 0 && (*label == ' ' || isdigit((unsigned char)*label))) { /* PDB: " 1HB" */
        label++;
        size--;
    }
    return iw_names_add(&self->names, label, size, err);
}

/* ---- PDB: columns 13-16 name, 77-78 element ---- */

static bool
is_record(iw_line line, const char *name)
{
    size_t size = strlen(name);
    return (size_t)(line.end - line.at) >= size && memcmp(line.at, name, size) == 0;
}

static bool
is_pdb(const iw_head *head)
{
    iw_line line;
    for (size_t i = 0; i < 200 && iw_head_line(head, i, &line); i++)
        if (is_record(line, "ATOM  ") || is_record(line, "HETATM"))
            return true;
    return false;
}

static iw_status
read_pdb(iw_text *text, const char *species, const char *units, iw_topology *to, iw_error *err)
{
    (void)species;
    (void)units;
    iw_line line;
    iw_status status;
    while ((status = iw_text_line(text, &line, err)) == IW_OK) {
        if (is_record(line, "END") && to->names.n > 0) /* of the first model */
            return IW_OK;
        if (!is_record(line, "ATOM  ") && !is_record(line, "HETATM"))
            continue;
        size_t length = (size_t)(line.end - line.at);
        if (length < 16)
            return iw_text_fail(text, err, IW_INVALID, "an atom without a name");
        bool element = length >= 78 && isalpha((unsigned char)line.at[77]);
        status =
            element ? add_label(to, line.at + 76, 2, err) : add_label(to, line.at + 12, 4, err);
        if (status != IW_OK)
            return status;
    }
    return status == IW_END ? IW_OK : status;
}

/* ---- GRO: a title, the number of atoms, rows with the name in columns 11-15 ---- */

static bool
is_gro(const iw_head *head)
{
    iw_line line;
    int64_t n;
    double x;
    if (!iw_head_line(head, 1, &line) || !iw_field_int(&line, &n) || !iw_field_none(&line) ||
        !iw_head_line(head, 2, &line) || line.end - line.at < 44)
        return false;
    iw_line residue = {line.at, line.at + 5}, position = {line.at + 20, line.at + 28};
    return iw_field_int(&residue, &n) && iw_field_real(&position, &x);
}

static iw_status
read_gro(iw_text *text, const char *species, const char *units, iw_topology *to, iw_error *err)
{
    (void)species;
    (void)units;
    iw_line line;
    int64_t n = 0;
    iw_status status = iw_text_skip(text, 1, err);
    if (status == IW_OK && (status = iw_text_line(text, &line, err)) == IW_OK &&
        !iw_field_int(&line, &n))
        status = iw_text_fail(text, err, IW_INVALID, "expected the number of atoms");
    for (int64_t i = 0; i < n && status == IW_OK; i++) {
        status = iw_text_line(text, &line, err);
        if (status == IW_OK && line.end - line.at < 20)
            status = iw_text_fail(text, err, IW_INVALID, "an atom without a name");
        if (status == IW_OK)
            status = add_label(to, line.at + 10, 5, err);
    }
    return status;
}

/* ---- POSCAR: line 6 names of species, line 7 how many atoms each has ---- */

static bool
is_poscar(const iw_head *head)
{
    iw_line names, counts, how;
    int64_t n;
    double scale;
    if (!iw_head_line(head, 1, &how) || !iw_field_real(&how, &scale) || !iw_field_none(&how) ||
        !iw_head_line(head, 5, &names) || !iw_head_line(head, 6, &counts) ||
        !iw_head_line(head, 7, &how))
        return false;
    const char *word;
    size_t size;
    if (!iw_field_word(&names, &word, &size) || !isalpha((unsigned char)*word) ||
        !iw_field_int(&counts, &n) || !iw_field_word(&how, &word, &size) ||
        !strchr("DdCcKkSs", *word))
        return false;
    /* An XDATCAR begins alike, and goes on with "Direct configuration=". */
    return !iw_field_word(&how, &word, &size) || size < 6 || memcmp(word, "config", 6) != 0;
}

/* The names of the sixth line, without what may follow the element: "Li_sv", "Li/7f3c". */
static iw_status
read_kinds(iw_text *text, iw_names *kinds, iw_error *err)
{
    iw_line line;
    const char *word;
    size_t size;
    iw_status status = iw_text_skip(text, 5, err);
    if (status == IW_OK)
        status = iw_text_line(text, &line, err);
    while (status == IW_OK && iw_field_word(&line, &word, &size)) {
        size_t until = 0;
        while (until < size && isalpha((unsigned char)word[until]))
            until++;
        status = iw_names_add(kinds, word, until, err);
    }
    return status;
}

/* Numbers of atoms; each atom must have its line, so that no number asks for more than the file. */
static iw_status
read_blocks(iw_text *text, const iw_names *kinds, iw_topology *to, iw_error *err)
{
    iw_line line;
    int64_t *counts = calloc(kinds->n + 1, sizeof *counts);
    if (!counts)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", kinds->n);
    iw_status status = iw_text_line(text, &line, err);
    for (size_t k = 0; status == IW_OK && k < kinds->n; k++)
        if (!iw_field_int(&line, &counts[k]) || counts[k] < 0)
            status = iw_text_fail(text, err, IW_INVALID, "expected %zu numbers of atoms", kinds->n);
    if (status == IW_OK)
        status = iw_text_line(text, &line, err);
    if (status == IW_OK && line.at < line.end && strchr("Ss", *line.at)) /* selective dynamics */
        status = iw_text_skip(text, 1, err);
    for (size_t k = 0; k < kinds->n; k++) {
        for (int64_t i = 0; status == IW_OK && i < counts[k]; i++) {
            status = iw_text_line(text, &line, err);
            if (status == IW_OK)
                status = iw_names_add(&to->names, kinds->name[k], strlen(kinds->name[k]), err);
        }
    }
    free(counts);
    return status;
}

static iw_status
read_poscar(iw_text *text, const char *species, const char *units, iw_topology *to, iw_error *err)
{
    (void)species;
    (void)units;
    iw_names kinds = {0};
    iw_status status = read_kinds(text, &kinds, err);
    if (status == IW_OK)
        status = read_blocks(text, &kinds, to, err);
    iw_names_fini(&kinds);
    return status;
}

static const iw_topology_kind pdb = {is_pdb, read_pdb}, gro = {is_gro, read_gro},
                              poscar = {is_poscar, read_poscar};

/* ---- all of them ---- */

static iw_status
set_run(iw_topology *atoms, iw_text *text, const iw_reader_options *options, bool by_type,
        iw_run_info *run, iw_error *err)
{
    const char *path = iw_text_path(text);
    if (atoms->names.n == 0)
        return iw_fail(err, IW_INVALID, "%s has no atoms", path);
    iw_status status = IW_OK;
    if (options->species && !by_type)
        status = iw_names_override(&atoms->names, options->species, err);
    if (status == IW_OK)
        status = iw_names_set_atoms(&atoms->names, run, err);
    for (size_t i = 0; status == IW_OK && i < run->n_atoms; i++)
        run->mass_amu[i] =
            atoms->mass_amu ? atoms->mass_amu[i] : iw_label_mass(run->species[run->kind[i]]);
    if (status == IW_OK && options->masses)
        status = iw_masses_apply(run, options->masses, err);
    for (size_t i = 0; status == IW_OK && i < run->n_atoms; i++) {
        const char *name = run->species[run->kind[i]];
        if (!(run->mass_amu[i] > 0.0) || isinf(run->mass_amu[i]))
            status = iw_fail(err, IW_INVALID,
                             "%s: atom %zu is '%s', which is no element: name the atoms with "
                             "--species, or give a mass with --masses %s=NUMBER (amu)",
                             path, i + 1, name, name);
    }
    if (status == IW_OK && atoms->charge_e) {
        run->charge_e = atoms->charge_e;
        atoms->charge_e = NULL;
    }
    if (status == IW_OK && options->charges)
        status = iw_charges_apply(run, options->charges, IW_CHARGES_EXACT, err);
    return status;
}

static iw_status
read_trajectory(const char *path, const iw_reader_options *options, iw_run_info *run, iw_error *err)
{
    iw_reader_options first = *options;
    first.dt_fs = 1.0; /* the time between frames is the engine's to tell */
    first.follow = false;
    iw_reader *reader = iw_reader_open(&path, 1, &first, err);
    if (!reader)
        return err->code;
    const iw_run_info *from = iw_reader_run(reader);
    iw_status status = iw_run_info_copy(run, from, err);
    iw_reader_close(&reader);
    return status;
}

iw_status
iw_topology_read(const char *path, const iw_reader_options *options, const char *units,
                 iw_run_info *run, iw_error *err)
{
    static const iw_topology_kind *const kinds[] = {&iw_topology_lammps, &pdb, &gro, &poscar, NULL};
    iw_error ignored = {0};
    err = err ? err : &ignored;
    if (options->format)
        return read_trajectory(path, options, run, err);
    iw_text *text = iw_text_open(path, false, err);
    if (!text)
        return err->code;
    iw_text_trust_end(text);
    iw_head head = {path, NULL, 0};
    iw_status status = iw_text_peek(text, HEAD_SIZE, &head.data, &head.size, err);
    size_t k = 0;
    while (status == IW_OK && kinds[k] && !kinds[k]->is(&head))
        k++;
    if (status == IW_OK && !kinds[k]) {
        status = read_trajectory(path, options, run, err);
    } else if (status == IW_OK) {
        iw_topology atoms = {0};
        status = kinds[k]->read(text, options->species, units, &atoms, err);
        if (status == IW_END)
            status = iw_fail(err, IW_INVALID, "%s ends before its last atom", path);
        if (status == IW_OK)
            status = set_run(&atoms, text, options, kinds[k] == &iw_topology_lammps, run, err);
        iw_names_fini(&atoms.names);
        free(atoms.mass_amu);
        free(atoms.charge_e);
    }
    iw_text_close(&text);
    return status;
}
