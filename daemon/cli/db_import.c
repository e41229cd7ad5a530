/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db_import.c - what runs do not measure into the database: tables of numbers, elastic tensors,
 * perfect structures.  Everything is read and checked before the database is touched. */
#include "filing.h"
#include "import_file.h"
#include "input.h"

#include "describe/elastic.h"
#include "describe/structure.h"
#include "groups.h"
#include "material.h"
#include "nearest.h"
#include "publish/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const iw_settings *settings;
    iw_store *to; /* NULL until everything has been read */
    const char *path;
    iw_import_file file;
    iw_import_table table; /* what is filed */
    char told[300];        /* what is said of it then */
} importing;

enum { TENSOR = 21, STRUCTURE = 32 };

static iw_status
one_set(importing *self, const char *method, size_t room, iw_error *err)
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
add(importing *self, const char *name, double value, const char *text, const char *unit,
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
read_table(importing *self, iw_error *err)
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

static iw_status
read_tensor(importing *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    double c[36];
    iw_elastic elastic;
    bool vasp = settings->order && strcmp(settings->order, "vasp") == 0;
    bool kbar = settings->elastic_units && strcmp(settings->elastic_units, "kbar") == 0;
    iw_status status = iw_import_tensor_parse(self->file.text, self->file.size, c, err);
    for (size_t i = 0; i < 36 && status == IW_OK; i++)
        c[i] *= kbar ? 0.1 : 1;
    if (status == IW_OK)
        status = iw_elastic_describe(c, vasp ? IW_ELASTIC_VASP : IW_ELASTIC_VOIGT, (double)NAN,
                                     (double)NAN, &elastic, err);
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
        status = iw_structure_describe(run, frame, groups.mobile, out, err);
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
take_structure(importing *self, const iw_run_info *run, const iw_structure *structure,
               iw_error *err)
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
    /* The symbol outlives the structure in the store's own row. */
    static char symbol[sizeof structure->symmetry.symbol];
    (void)snprintf(symbol, sizeof symbol, "%s", structure->symmetry.symbol);
    for (size_t i = 0; (name = iw_structure_number(structure, i, &value)); i++) {
        const iw_descriptor_row *about = iw_descriptor_find(name);
        bool group = strcmp(name, "space_group_number") == 0;
        if (isfinite(value) && self->table.sets[0].n < STRUCTURE)
            add(self, name, value, group ? symbol : NULL, about->unit, about->category);
    }
    (void)snprintf(self->told, sizeof self->told,
                   "structure of %.60s: %.60s, %zu atoms, %s, %d operations, tolerance %g A, %.4g "
                   "g/cm3",
                   self->settings->material, made_of.formula, structure->atoms,
                   structure->symmetry.number ? symbol : "no symmetry found",
                   structure->symmetry.operations, structure->symmetry.symprec_A,
                   structure->density_g_cm3);
    return IW_OK;
}

static iw_status
read_structure(importing *self, iw_error *err)
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

/* ---- all of them ---- */

/* A name that no run has may be a slip. */
static void
hint_at_material(importing *self, const json_t *names, const char *material)
{
    enum { MOST = 2000 };
    const char *list[MOST + 1];
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(names) && n < MOST; i++) {
        list[n] = json_string_value(json_array_get(names, i));
        if (strcmp(list[n++], material) == 0)
            return;
    }
    list[n] = NULL;
    const char *nearest = iw_nearest(material, list);
    iw_complain(self->settings, "note: no run in the database is of \"%s\"%s%s%s", material,
                nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

static iw_status
file_it(importing *self, iw_error *err)
{
    const iw_store_origin origin = {self->path, self->file.hash};
    json_t *names = NULL;
    iw_status status = iw_store_import(self->to, self->table.sets, self->table.n, &origin, err);
    if (status == IW_OK)
        status = iw_store_materials(self->to, &names, err);
    if (status)
        return status;
    (void)printf("%s: %s\n", self->path, self->told);
    for (size_t i = 0; i < self->table.n; i++)
        if (self->table.sets[i].material)
            hint_at_material(self, names, self->table.sets[i].material);
    json_decref(names);
    return IW_OK;
}

typedef iw_status (*kind_reader)(importing *self, iw_error *err);

static iw_status
take(importing *self, const char *path, kind_reader reads, iw_error *err)
{
    self->path = path;
    iw_status status = iw_import_read(path, &self->file, err);
    if (status == IW_OK && (status = reads(self, err)) != IW_OK && !strstr(err->text, path))
        (void)iw_prefix(err, "%s", path);
    if (status == IW_OK && self->to)
        status = file_it(self, err);
    iw_import_table_fini(&self->table);
    iw_import_fini(&self->file);
    return status;
}

static iw_status
take_all(importing *self, iw_error *err)
{
    const iw_settings *settings = self->settings;
    iw_status status = IW_OK;
    if (settings->structure)
        status = take(self, settings->structure, read_structure, err);
    if (status == IW_OK && settings->elastic)
        status = take(self, settings->elastic, read_tensor, err);
    for (size_t i = 0; i < settings->n_operands && status == IW_OK; i++)
        status = take(self, settings->operands[i], read_table, err);
    return status;
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
    if (take_all(&self,
                 &err)) /* once without a database: a mistake in the last file costs nothing */
        return iw_db_failed(settings, &err);
    self.to = iw_db_open_named(settings, false, &result);
    if (!self.to)
        return result;
    if (take_all(&self, &err))
        result = iw_db_failed(settings, &err);
    iw_store_close(&self.to);
    return result;
}
