/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_material.c - the parts of a record's table that are not of its motion: the structure of the
 * first frame, and what was imported for the run or its material. */
#include "publish/values.h"
#include "publish/words.h"

#include "publish/json.h"

#include <math.h>
#include <string.h>

static void
print_line(FILE *out, const char *key, double value, const char *unit, const char *note)
{
    char cell[IW_CELL];
    unit = strcmp(unit, "1") == 0 ? "" : unit;
    (void)fprintf(out, "  %-32s %12s", key, iw_cell_general(cell, value, 6));
    if (*note)
        (void)fprintf(out, " %-8s %s\n", unit, note);
    else
        (void)fprintf(out, "%s%s\n", *unit ? " " : "", unit);
}

void
iw_table_structure(FILE *out, const json_t *record)
{
    const json_t *structure = json_object_get(record, "structure");
    const char *group = json_string_value(json_object_get(structure, "space_group"));
    const char *remark = json_string_value(json_object_get(structure, "remark"));
    if (!json_is_object(structure))
        return;
    (void)fprintf(out, "\nStructure of the %s%s%s\n", iw_text_at(structure, "source"),
                  group ? ", space group " : "", group ? group : "");
    if (remark)
        (void)fprintf(out, "  no symmetry: %s\n", remark);
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++) {
        double value = iw_number_at(structure, row->key);
        if (strcmp(row->category, "structural") == 0 && isfinite(value))
            print_line(out, row->key, value, row->unit, "");
    }
}

void
iw_table_properties(FILE *out, const json_t *record)
{
    const json_t *list = json_object_get(record, "properties");
    const char *of = "";
    for (size_t i = 0; i < json_array_size(list); i++) {
        char note[200];
        const json_t *row = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(row, "text"));
        if (strncmp(iw_text_at(row, "descriptor"), "elastic_c", 9) == 0)
            continue; /* the tensor: what follows from it is read here */
        if (strcmp(of, iw_text_at(row, "of")) != 0)
            (void)fprintf(out, "\nOf the %s, imported\n", iw_text_at(row, "of"));
        of = iw_text_at(row, "of");
        (void)snprintf(note, sizeof note, "%.40s%s%.30s, %.100s", text ? text : "",
                       text ? ", " : "", iw_text_at(row, "method"), iw_text_at(row, "file"));
        iw_printable(note);
        print_line(out, iw_text_at(row, "descriptor"), iw_number_at(row, "value"),
                   iw_text_at(row, "unit"), note);
    }
}
