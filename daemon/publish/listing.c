/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/listing.h"

#include "publish/values.h"

#include <stdint.h>
#include <string.h>

bool
iw_run_has_ended(const char *state)
{
    static const char *const going[] = {"running", "stalled", "waiting for disk", "ending"};
    for (size_t i = 0; i < sizeof going / sizeof *going; i++)
        if (!state || strcmp(state, going[i]) == 0)
            return false;
    return true;
}

static bool
has_run(const json_t *filed, const char *id)
{
    size_t i;
    json_t *run;
    json_array_foreach((json_t *)(uintptr_t)filed, i, run)
    {
        const json_t *record = json_object_get(run, "record");
        if (strcmp(iw_text_at(json_object_get(record, "run"), "id"), id) == 0)
            return true;
    }
    return false;
}

bool
iw_row_counts(const json_t *row, const char *material, const json_t *filed)
{
    bool ended = iw_run_has_ended(json_string_value(json_object_get(row, "state")));
    return strcmp(iw_text_at(row, "material"), material) == 0 &&
           !(ended && has_run(filed, iw_text_at(row, "id")));
}
