/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_AVERAGES_H
#define IW_TEST_AVERAGES_H
/* averages.h - what a run of model.h comes to, as text, for tests that want it alike to the last
 * bit. */
#include "model.h"
#include "publish/json.h"

/* Groups, transport and history of the record at full length; freed by the caller. */
static inline char *
model_averages(iw_engine *engine)
{
    iw_snapshot *snapshot = model_snapshot(engine);
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_FULL);
    json_t *parts = json_pack("[O, O, O]", json_object_get(json, "groups"),
                              json_object_get(json, "transport"), json_object_get(json, "history"));
    char *text = json_dumps(parts, JSON_COMPACT);
    json_decref(parts);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
    return text;
}

#endif
