/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/json.h"
#include "publish/values.h"

#include <stdlib.h>
#include <string.h>

static json_t *
structure_json(const iw_structure *structure)
{
    double value;
    const char *name;
    bool found = structure->symmetry.number > 0;
    json_t *object = json_pack("{s:s, s:s?, s:s?}", "source", "first frame", "space_group",
                               found ? structure->symmetry.symbol : NULL, "remark",
                               structure->remark[0] ? structure->remark : NULL);
    for (size_t i = 0; object && (name = iw_structure_number(structure, i, &value)); i++)
        if (json_object_set_new(object, name, iw_json_number(value)) != 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

iw_status
iw_structure_of_run(const iw_snapshot *snapshot, const iw_run_info *run, const iw_frame *first,
                    iw_structure *out, iw_error *err)
{
    *out = (iw_structure){0};
    if (!first)
        return IW_OK;
    bool *mobile = calloc(run->n_species + 1, sizeof *mobile);
    if (!mobile)
        return iw_fail(err, IW_NO_MEMORY, "no memory for %zu species", run->n_species);
    for (size_t s = 0; s < run->n_species; s++)
        for (size_t m = 0; m < snapshot->n_mobile; m++)
            mobile[s] = mobile[s] || strcmp(run->species[s], snapshot->mobile[m]) == 0;
    iw_status status = iw_structure_describe(run, first, mobile, false, out, err);
    free(mobile);
    if (status == IW_OK || status == IW_NO_MEMORY)
        return status;
    *out = (iw_structure){0};
    return IW_OK;
}

bool
iw_record_add_structure(json_t *record, const iw_structure *structure)
{
    json_t *part = structure->atoms ? structure_json(structure) : json_null();
    return json_object_set_new(record, "structure", part) == 0;
}
