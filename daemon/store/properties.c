/* SPDX-License-Identifier: GPL-3.0-or-later */
/* properties.c - what is known of a material or a run and was not measured by one: it comes in from
 * tables, structures and elastic tensors, all of an import or nothing. */
#include "store_internal.h"

#include "describe/elastic.h"
#include "publish/json.h"
#include "publish/values.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* ---- one row ---- */

typedef struct {
    const char *file, *hash, *time;
} provenance;

static iw_status
put_of_material(iw_store *self, const char *material, const char *method,
                const iw_store_property *row, const provenance *from, iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO material_descriptors (material, descriptor, method, value, stderr, text, "
        "unit, "
        "category, file, hash, imported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
        "ON CONFLICT (material, descriptor, method) DO UPDATE SET value = excluded.value, stderr = "
        "excluded.stderr, text = excluded.text, unit = excluded.unit, category = "
        "excluded.category, file = excluded.file, hash = excluded.hash, imported_at = "
        "excluded.imported_at",
        "filing what is known of a material"};
    const iw_sql_value values[] = {iw_sql_text(material),
                                   iw_sql_text(row->descriptor),
                                   iw_sql_text(method),
                                   iw_sql_number(row->value),
                                   iw_sql_number(row->standard_error),
                                   iw_sql_text(row->text),
                                   iw_sql_text(row->unit),
                                   iw_sql_text(row->category),
                                   iw_sql_text(from->file),
                                   iw_sql_text(from->hash),
                                   iw_sql_text(from->time)};
    return iw_store_change(self, &insert, values, 11, err);
}

static iw_status
put_of_run(iw_store *self, int64_t run, const iw_store_property *row, const provenance *from,
           iw_error *err)
{
    static const iw_sql_statement insert = {
        "INSERT INTO run_descriptors (run, descriptor, method, value, stderr, unit, category, "
        "file, "
        "hash, imported_at) VALUES ($1, $2, 'imported', $3, $4, $5, $6, $7, $8, $9) ON CONFLICT "
        "(run, descriptor) DO UPDATE SET value = excluded.value, stderr = excluded.stderr, unit = "
        "excluded.unit, category = excluded.category, file = excluded.file, hash = excluded.hash, "
        "imported_at = excluded.imported_at",
        "filing what was imported for a run"};
    const iw_sql_value values[] = {iw_sql_integer(run),       iw_sql_text(row->descriptor),
                                   iw_sql_number(row->value), iw_sql_number(row->standard_error),
                                   iw_sql_text(row->unit),    iw_sql_text(row->category),
                                   iw_sql_text(from->file),   iw_sql_text(from->hash),
                                   iw_sql_text(from->time)};
    return iw_store_change(self, &insert, values, 9, err);
}

/* ---- what follows from the tensor ---- */

static iw_status
read_material(iw_store *self, const char *material, json_t **rows, iw_error *err)
{
    static const iw_sql_statement read = {
        "SELECT descriptor, method, value, stderr, text, unit, category, file, hash, imported_at "
        "FROM material_descriptors WHERE material = $1 ORDER BY method DESC, descriptor",
        "reading what is known of a material"};
    return iw_store_select(self, &read, &material, 1, rows, err);
}

/* By this method, or by any (NULL): the perfect structure's goes before an imported one. */
static const json_t *
known(const json_t *rows, const char *descriptor, const char *method)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *one = json_array_get(rows, i);
        if (strcmp(iw_text_at(one, "descriptor"), descriptor) == 0 &&
            (!method || strcmp(iw_text_at(one, "method"), method) == 0))
            return one;
    }
    return NULL;
}

void
iw_store_elastic_name(size_t i, size_t j, char name[64])
{
    (void)snprintf(name, 64, "elastic_c%zu%zu_GPa", (i < j ? i : j) + 1, (i < j ? j : i) + 1);
}

static iw_status
put_elastic(iw_store *self, const char *material, const iw_elastic *elastic, const provenance *from,
            iw_error *err)
{
    iw_status status = IW_OK;
    double value;
    const char *name;
    for (size_t i = 0; status == IW_OK && (name = iw_elastic_number(elastic, i, &value)); i++) {
        const iw_descriptor_row *about = iw_descriptor_find(name);
        iw_store_property row = {.value = value,
                                 .standard_error = (double)NAN,
                                 .unit = about->unit,
                                 .category = about->category};
        (void)snprintf(row.descriptor, sizeof row.descriptor, "%s", name);
        if (isfinite(value))
            status = put_of_material(self, material, "elastic", &row, from, err);
    }
    return status;
}

/* Structure, density or tensor of the material may be new. */
static iw_status
derive_elastic(iw_store *self, const char *material, iw_error *err)
{
    static const iw_sql_statement remove = {
        "DELETE FROM material_descriptors WHERE material = $1 AND method = 'elastic' AND "
        "descriptor NOT LIKE 'elastic_c%'",
        "removing what followed from a tensor"};
    json_t *rows = NULL;
    const json_t *first = NULL;
    double c[36];
    char name[64];
    iw_elastic elastic;
    iw_status status = read_material(self, material, &rows, err);
    for (size_t i = 0; i < 36 && status == IW_OK; i++) {
        iw_store_elastic_name(i / 6, i % 6, name);
        const json_t *element = known(rows, name, "elastic");
        c[i] = iw_number_at(element, "value");
        first = element ? element : first;
    }
    iw_sql_value value = iw_sql_text(material);
    if (status == IW_OK && first)
        status = iw_elastic_describe(
            c, IW_ELASTIC_VOIGT, iw_number_at(known(rows, "density_g_cm3", NULL), "value"),
            iw_number_at(known(rows, "volume_per_atom_A3", NULL), "value"), &elastic, err);
    if (status == IW_OK && first)
        status = iw_store_change(self, &remove, &value, 1, err);
    if (status == IW_OK && first) {
        provenance from = {iw_text_at(first, "file"), iw_text_at(first, "hash"),
                           iw_text_at(first, "imported_at")};
        status = put_elastic(self, material, &elastic, &from, err);
    }
    json_decref(rows);
    return status;
}

/* ---- what is there as it comes ---- */

static bool
same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* To the last bit, and from the same file. */
static bool
is_filed(const json_t *rows, const iw_store_property *row, const char *method,
         const provenance *from)
{
    const json_t *one = known(rows, row->descriptor, method);
    return one && same(iw_number_at(one, "value"), row->value) &&
           same(iw_number_at(one, "stderr"), row->standard_error) &&
           strcmp(iw_text_at(one, "text"), row->text ? row->text : "") == 0 &&
           strcmp(iw_text_at(one, "unit"), row->unit) == 0 &&
           strcmp(iw_text_at(one, "category"), row->category) == 0 &&
           strcmp(iw_text_at(one, "file"), from->file) == 0 &&
           strcmp(iw_text_at(one, "hash"), from->hash) == 0;
}

/* How many numbers came in by a method; what followed from a tensor did not. */
static size_t
count_of(const json_t *rows, const char *method)
{
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *one = json_array_get(rows, i);
        n += strcmp(iw_text_at(one, "method"), method) == 0 &&
             (strcmp(method, "elastic") != 0 ||
              strncmp(iw_text_at(one, "descriptor"), "elastic_c", 9) == 0);
    }
    return n;
}

static iw_status
is_set_filed(iw_store *self, const iw_store_properties *set, int64_t run, const provenance *from,
             bool *filed, iw_error *err)
{
    static const iw_sql_statement of_run = {
        "SELECT descriptor, method, value, stderr, NULL AS text, unit, category, file, hash FROM "
        "run_descriptors WHERE run = $1",
        "reading what was imported for a run"};
    json_t *rows = NULL;
    char number[32];
    const char *text = number;
    (void)snprintf(number, sizeof number, "%lld", (long long)run);
    iw_status status = set->run ? iw_store_select(self, &of_run, &text, 1, &rows, err)
                                : read_material(self, set->material, &rows, err);
    *filed = strcmp(set->method, "imported") == 0 || count_of(rows, set->method) == set->n;
    for (size_t i = 0; i < set->n && *filed; i++)
        *filed = is_filed(rows, &set->rows[i], set->method, from);
    json_decref(rows);
    return status;
}

/* ---- all of an import ---- */

static iw_status
empty_method(iw_store *self, const iw_store_properties *set, iw_error *err)
{
    static const iw_sql_statement remove = {
        "DELETE FROM material_descriptors WHERE material = $1 AND method = $2",
        "removing what was known of a material"};
    const iw_sql_value values[] = {iw_sql_text(set->material), iw_sql_text(set->method)};
    return iw_store_change(self, &remove, values, 2, err);
}

static iw_status
number_of_run(iw_store *self, const char *run, int64_t *number, iw_error *err)
{
    static const iw_sql_statement read = {"SELECT run FROM runs WHERE id = $1",
                                          "looking for the run"};
    char id[IW_ID_LENGTH + 1];
    json_t *rows = NULL;
    iw_status status = iw_store_resolve(self, run, id, err);
    const char *text = id;
    if (status == IW_OK)
        status = iw_store_select(self, &read, &text, 1, &rows, err);
    *number = json_integer_value(json_object_get(json_array_get(rows, 0), "run"));
    json_decref(rows);
    return status;
}

static iw_status
put_rows(iw_store *self, const iw_store_properties *set, int64_t run, const provenance *from,
         iw_error *err)
{
    iw_status status = IW_OK;
    if (strcmp(set->method, "imported") != 0)
        status = empty_method(self, set, err);
    for (size_t i = 0; i < set->n && status == IW_OK; i++)
        status = set->run
                     ? put_of_run(self, run, &set->rows[i], from, err)
                     : put_of_material(self, set->material, set->method, &set->rows[i], from, err);
    return status;
}

static iw_status
put_set(iw_store *self, const iw_store_properties *set, const provenance *from, size_t *changed,
        iw_error *err)
{
    int64_t run = 0;
    bool filed = false;
    iw_status status = set->run ? number_of_run(self, set->run, &run, err) : IW_OK;
    if (status == IW_OK)
        status = is_set_filed(self, set, run, from, &filed, err);
    if (status == IW_OK && !filed)
        status = put_rows(self, set, run, from, err);
    if (status == IW_OK && set->material)
        status = derive_elastic(self, set->material, err);
    *changed += !filed;
    return status;
}

iw_status
iw_store_import(iw_store *self, const iw_store_properties *sets, size_t n,
                const iw_store_origin *origin, size_t *changed, iw_error *err)
{
    char now[32];
    time_t seconds = time(NULL);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    (void)strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", &utc);
    const provenance from = {origin->file, origin->hash, now};
    *changed = 0;
    iw_status status = self->backend->begin(self->state, true, err);
    /* One at a time: they may name the same materials in another order. */
    if (status == IW_OK)
        status = self->backend->lock(self->state, "import", err);
    for (size_t i = 0; i < n && status == IW_OK; i++)
        status = put_set(self, &sets[i], &from, changed, err);
    return iw_store_end(self, status, err);
}

iw_status
iw_store_attach_properties(iw_store *self, const char *id, json_t *record, iw_error *err)
{
    static const iw_sql_statement read = {
        "SELECT 'run' AS \"of\", d.descriptor, d.value, d.stderr, NULL AS text, d.unit, d.method, "
        "d.category, d.file, d.imported_at FROM run_descriptors d JOIN runs r ON r.run = d.run "
        "WHERE r.id = $1 UNION ALL SELECT 'material', d.descriptor, d.value, d.stderr, d.text, "
        "d.unit, d.method, d.category, d.file, d.imported_at FROM material_descriptors d JOIN runs "
        "r ON r.material = d.material WHERE r.id = $1 ORDER BY 1 DESC, method DESC, category, "
        "descriptor",
        "reading what was imported"};
    json_t *rows = NULL;
    iw_status status = iw_store_select(self, &read, &id, 1, &rows, err);
    if (status == IW_OK && json_array_size(rows) > 0 &&
        json_object_set(record, "properties", rows) != 0)
        status = iw_fail(err, IW_NO_MEMORY, "no memory for the record of run %s", id);
    json_decref(rows);
    return status;
}
