/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_TEST_AVERAGES_H
#define IW_TEST_AVERAGES_H
/* averages.h - what a run of model.h comes to, as text, for tests that want it alike to the last
 * bit. */
#include "model.h"
#include "publish/json.h"

/* Groups and transport of the record at full length; freed by the caller. */
static inline char *
model_averages(iw_engine *engine)
{
    iw_snapshot *snapshot = model_snapshot(engine);
    json_t *json = iw_snapshot_json(snapshot, IW_JSON_FULL);
    json_t *both =
        json_pack("[O, O]", json_object_get(json, "groups"), json_object_get(json, "transport"));
    char *text = json_dumps(both, JSON_COMPACT);
    json_decref(both);
    json_decref(json);
    iw_snapshot_unref(&snapshot);
    return text;
}

#endif
