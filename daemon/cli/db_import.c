/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db_import.c - what runs do not measure into the database: tables of numbers, elastic tensors,
 * perfect structures. */
#include "filing.h"
#include "import_file.h"
#include "input.h"

#include "describe/elastic.h"
#include "describe/structure.h"
#include "groups.h"
#include "material.h"
#include "nearest.h"
#include "publish/json.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A file, and what was read from it. */
typedef struct {
    const iw_settings *settings;
    const char *path;
    iw_import_file file;
    iw_import_table table;                                   /* what is filed */
    char symbol[sizeof((iw_structure *)0)->symmetry.symbol]; /* of a structure */
    char told[300];                                          /* what is said of it then */
} source;

enum { TENSOR = 21, STRUCTURE = 32 };

static iw_status
one_set(source *self, const char *method, size_t room, iw_error *err)
{
    self->table = (iw_import_table){.sets = calloc(1, sizeof *self->table.sets)};
    if (self->table.sets) {
        self->table.n = 1;
        self->table.sets[0] =
            (iw_store_properties){.material = self->settings->material,
                                  .method = method,
                                  .rows = calloc(room, sizeof(iw_store_property))};
    }
    return self->table.sets && self->table.sets[0].rows
               ? IW_OK
               : iw_fail(err, IW_NO_MEMORY, "no memory for %zu numbers", room);
}

static void
add(source *self, const char *name, double value, const char *text, const char *unit,
    const char *category)
{
    iw_store_properties *set = self->table.sets;
    iw_store_property *row = &set->rows[set->n];
    *row = (iw_store_property){.value = value,
                               .standard_error = (double)NAN,
                               .text = text,
                               .unit = unit,
                               .category = category};
    (void)snprintf(row->descriptor, sizeof row->descriptor, "%s", name);
    set->n++;
}

/* ---- tables ---- */

static iw_status
read_table(source *self, iw_error *err)
{
    iw_status status = iw_import_table_parse(self->file.text, self->file.size,
                                             self->settings->as_is, &self->table, err);
    bool runs = status == IW_OK && self->table.sets[0].run;
    size_t n = self->table.n;
    (void)snprintf(self->told, sizeof self->told, "%zu number%s of %zu %s%s", self->table.numbers,
                   self->table.numbers == 1 ? "" : "s", n, runs ? "run" : "material",
                   n == 1 ? "" : "s");
    return status;
}

/* ---- elastic tensors ---- */

static bool
is(const char *setting, const char *word)
{
    return setting && strcmp(setting, word) == 0;
}

static iw_status
read_tensor(source *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    iw_import_tensor tensor;
    iw_elastic elastic;
    iw_status status = iw_import_tensor_parse(self->file.text, self->file.size, &tensor, err);
    bool vasp = tensor.outcar || is(settings->order, "vasp");
    bool kbar = tensor.outcar || is(settings->elastic_units, "kbar");
    if (status == IW_OK && tensor.outcar &&
        (is(settings->order, "voigt") || is(settings->elastic_units, "GPa")))
        status = iw_fail(err, IW_INVALID,
                         "an OUTCAR is in kbar and in the order of VASP, whatever --order and "
                         "--elastic-units say");
    for (size_t i = 0; i < 36 && status == IW_OK; i++)
        tensor.c[i] *= kbar ? 0.1 : 1;
    if (status == IW_OK)
        status = iw_elastic_describe(tensor.c, vasp ? IW_ELASTIC_VASP : IW_ELASTIC_VOIGT,
                                     (double)NAN, (double)NAN, &elastic, err);
    if (status == IW_OK)
        status = one_set(self, "elastic", TENSOR, err);
    if (status)
        return status;
    for (size_t i = 0; i < 6; i++)
        for (size_t j = i; j < 6; j++) {
            char name[64];
            iw_store_elastic_name(i, j, name);
            add(self, name, elastic.c_GPa[i][j], NULL, "GPa", "mechanical");
        }
    (void)snprintf(self->told, sizeof self->told,
                   "elastic tensor of %s: bulk %.4g, shear %.4g, Young's modulus %.4g GPa (Hill)",
                   settings->material, elastic.hill.bulk_GPa, elastic.hill.shear_GPa,
                   elastic.hill.young_GPa);
    const char *doubt = iw_elastic_doubt(&elastic);
    if (doubt)
        iw_complain(settings, "note: %s: %s (--elastic-units, --order)", self->path, doubt);
    return IW_OK;
}

/* ---- perfect structures ---- */

static iw_status
describe_frame(const iw_settings *settings, const iw_run_info *run, const iw_frame *frame,
               iw_structure *out, iw_error *err)
{
    iw_engine_options options;
    iw_mobile_list mobile = {0};
    iw_groups groups = {0};
    iw_status status = iw_input_engine(settings, &options, &mobile, err);
    if (status == IW_OK)
        status = iw_groups_init(&groups, run, options.mobile, options.n_mobile, err);
    if (status == IW_OK)
        status = iw_structure_describe(run, frame, groups.mobile, true, out, err);
    iw_groups_fini(&groups);
    iw_mobile_list_fini(&mobile);
    return status;
}

static iw_status
first_frame(const iw_settings *settings, const char *path, iw_run_info *run, iw_frame *frame,
            iw_error *err)
{
    iw_settings input = *settings;
    input.operands = &path;
    input.n_operands = 1;
    input.dt_fs = 1; /* there is no time in a structure */
    iw_reader *reader = iw_input_open(&input, false, err);
    if (!reader)
        return err->code;
    iw_status status = iw_input_run(&input, reader, run, err);
    if (status == IW_OK)
        status = iw_frame_init(frame, run->n_atoms, err);
    if (status == IW_OK)
        status = iw_reader_next(reader, frame, err);
    iw_reader_close(&reader);
    return status;
}

static iw_status
take_structure(source *self, const iw_run_info *run, const iw_structure *structure, iw_error *err)
{
    double value;
    const char *name;
    iw_material made_of;
    iw_run_info bare = *run;
    bare.n_metadata = 0; /* the formula, not the name */
    iw_material_of(&bare, &made_of);
    iw_status status = one_set(self, "perfect", STRUCTURE, err);
    if (status)
        return status;
    memcpy(self->symbol, structure->symmetry.symbol, sizeof self->symbol);
    for (size_t i = 0; (name = iw_structure_number(structure, i, &value)); i++) {
        const iw_descriptor_row *about = iw_descriptor_find(name);
        bool group = strcmp(name, "space_group_number") == 0;
        if (isfinite(value) && self->table.sets[0].n < STRUCTURE)
            add(self, name, value, group ? self->symbol : NULL, about->unit, about->category);
    }
    const iw_symmetry *symmetry = &structure->symmetry;
    int used = snprintf(
        self->told, sizeof self->told, "structure of %.60s: %.60s, %zu atoms, %.4g g/cm3, ",
        self->settings->material, made_of.formula, structure->atoms, structure->density_g_cm3);
    char *rest = self->told + used;
    size_t room = sizeof self->told - (size_t)used;
    if (symmetry->number)
        (void)snprintf(rest, room, "%s, %d operation%s, tolerance %g A", self->symbol,
                       symmetry->operations, symmetry->operations == 1 ? "" : "s",
                       symmetry->symprec_A);
    else
        (void)snprintf(rest, room, "symmetry not known: %s", structure->remark);
    return IW_OK;
}

static iw_status
read_structure(source *self, iw_error *err)
{
    iw_run_info run;
    iw_frame frame = {0};
    iw_structure structure;
    iw_run_info_init(&run);
    iw_status status = first_frame(self->settings, self->path, &run, &frame, err);
    if (status == IW_OK)
        status = describe_frame(self->settings, &run, &frame, &structure, err);
    if (status == IW_OK)
        status = take_structure(self, &run, &structure, err);
    iw_frame_fini(&frame);
    iw_run_info_fini(&run);
    return status;
}

/* ---- all of them: read first, so that a mistake in the last one costs nothing ---- */

typedef struct {
    const iw_settings *settings;
    source *sources;
    size_t n;
    iw_store *to;
} importing;

typedef iw_status (*kind_reader)(source *self, iw_error *err);

static iw_status
read_next(importing *self, const char *path, kind_reader reads, iw_error *err)
{
    source *next = &self->sources[self->n++];
    next->settings = self->settings;
    next->path = path;
    iw_status status = iw_import_read(path, reads != read_structure, &next->file, err);
    if (status == IW_OK && (status = reads(next, err)) != IW_OK && !strstr(err->text, path))
        (void)iw_prefix(err, "%s", path);
    return status;
}

static iw_status
read_all(importing *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    iw_status status = IW_OK;
    self->sources = calloc(settings->n_operands + 2, sizeof *self->sources);
    if (!self->sources)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu files", settings->n_operands + 2);
    if (settings->structure)
        status = read_next(self, settings->structure, read_structure, err);
    if (status == IW_OK && settings->elastic)
        status = read_next(self, settings->elastic, read_tensor, err);
    for (size_t i = 0; i < settings->n_operands && status == IW_OK; i++)
        status = read_next(self, settings->operands[i], read_table, err);
    return status;
}

typedef struct {
    const source *from;
    size_t changed;
} import_to_file;

static iw_status
file_source(void *arg, iw_store *to, iw_error *err)
{
    import_to_file *one = arg;
    const source *from = one->from;
    const iw_store_origin origin = {from->path, from->file.hash};
    return iw_store_import(to, from->table.sets, from->table.n, &origin, &one->changed, err);
}

static iw_status
file_all(importing *self, iw_error *err)
{
    iw_status status = IW_OK;
    for (size_t i = 0; i < self->n && status == IW_OK; i++) {
        import_to_file one = {&self->sources[i], 0};
        status = iw_db_try(self->settings, self->to, file_source, &one, err);
        if (status == IW_OK)
            (void)printf("%s: %s%s\n", one.from->path, one.from->told,
                         one.changed ? "" : "; nothing that was not there already");
    }
    return status;
}

static void
free_all(importing *self)
{
    for (size_t i = 0; i < self->n; i++) {
        iw_import_table_fini(&self->sources[i].table);
        iw_import_fini(&self->sources[i].file);
    }
    free(self->sources);
    iw_store_close(&self->to);
}

/* ---- a material that no run is of may be a slip ---- */

static void
hint_at(const importing *self, const json_t *names, const char *material)
{
    enum { MOST = 2000 };
    const char *list[MOST + 1];
    size_t n = 0, i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        if (n < MOST)
            list[n++] = json_string_value(name);
    }
    list[n] = NULL;
    const char *nearest = iw_nearest(material, list);
    iw_complain(self->settings, "note: no run in the database is of \"%s\"%s%s%s", material,
                nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static iw_status
hint_at_slips(const importing *self, iw_error *err)
{
    enum { SHOWN = 5 };
    json_t *names = NULL, *known = json_object(), *name;
    size_t unknown = 0, i;
    iw_status status = iw_store_materials(self->to, &names, err);
    json_array_foreach(names, i, name)
    {
        (void)json_object_set_new(known, json_string_value(name), json_true());
    }
    for (i = 0; i < self->n && status == IW_OK; i++) {
        const iw_import_table *table = &self->sources[i].table;
        for (size_t k = 0; k < table->n; k++) {
            const char *material = table->sets[k].material;
            if (material && !json_object_get(known, material) && unknown++ < SHOWN)
                hint_at(self, names, material);
        }
    }
    if (unknown > SHOWN)
        iw_complain(self->settings, "note: nor of %zu more", unknown - SHOWN);
    json_decref(known);
    json_decref(names);
    return status;
}

static bool
is_name(const char *text)
{
    json_t *utf8 = json_string(text);
    bool fine = utf8 != NULL;
    for (const char *at = text; *at; at++)
        fine = fine && !iscntrl((unsigned char)*at);
    json_decref(utf8);
    return fine;
}

static bool
makes_sense(const iw_settings *settings)
{
    bool of_material = settings->structure || settings->elastic;
    if (!of_material && settings->n_operands == 0)
        iw_complain(settings, "nothing to import: a table, --elastic FILE or --structure FILE");
    else if (of_material && !settings->material)
        iw_complain(settings, "--%s needs --material NAME, of which it is",
                    settings->elastic ? "elastic" : "structure");
    else if (!of_material && settings->material)
        iw_complain(settings, "--material goes with --elastic and --structure; a table names its "
                              "materials in a column");
    else if (settings->material && !is_name(settings->material))
        iw_complain(settings, "--material: a name is UTF-8, without control characters");
    else if (!settings->elastic && (settings->order || settings->elastic_units))
        iw_complain(settings, "--order and --elastic-units go with --elastic");
    else
        return true;
    return false;
}

iw_exit
iw_command_db_import(const iw_settings *settings)
{
    importing self = {.settings = settings};
    iw_error err = {0};
    iw_exit result = IW_EXIT_OK;
    if (!makes_sense(settings))
        return IW_EXIT_USAGE;
    iw_status status = read_all(&self, &err);
    if (status == IW_OK && (self.to = iw_db_open_named(settings, false, &result))) {
        status = file_all(&self, &err);
        if (status == IW_OK)
            status = hint_at_slips(&self, &err);
    }
    free_all(&self);
    return status ? iw_db_failed(settings, &err) : result;
}
