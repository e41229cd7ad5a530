/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/notice.h"

#include "ionwatchd/log.h"
#include "publish/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT = 400 }; /* what comes from outside is cut to this */

static void
put(json_t *object, const char *key, json_t *value, bool *ok)
{
    if (json_object_set_new(object, key, value) != 0)
        *ok = false;
}

static void
put_text(json_t *object, const char *key, const char *text, bool *ok)
{
    char cut[TEXT];
    iw_text_copy(cut, sizeof cut, text ? text : "");
    put(object, key, iw_json_text(cut), ok);
}

static void
put_number(json_t *object, const char *key, double value, bool *ok)
{
    put(object, key, iw_json_number(value), ok);
}

json_t *
iw_notice_json(const char *event, iw_severity severity, const iw_notice *notice)
{
    static const iw_run_info nobody;
    const iw_run_info *run = notice->run ? notice->run : &nobody;
    iw_summary unknown;
    iw_summary_init(&unknown);
    const iw_summary *summary = notice->summary ? notice->summary : &unknown;
    iw_material material = {0};
    if (notice->run)
        iw_material_of(run, &material);
    bool ok = true;
    char now[32];
    iw_timestamp(now);
    json_t *json = json_object();
    put_text(json, "event", event, &ok);
    put_text(json, "severity", iw_severity_name(severity), &ok);
    put_text(json, "text", notice->text, &ok);
    put_text(json, "time", now, &ok);
    put_text(json, "run", run->id, &ok);
    put_text(json, "name", run->name, &ok);
    put_text(json, "material", material.name, &ok);
    put_text(json, "code", run->code, &ok);
    put(json, "frame", notice->frame ? json_integer((json_int_t)notice->frame) : json_null(), &ok);
    put_number(json, "time_ps", notice->time_ps, &ok);
    put_number(json, "temperature_K", summary->temperature_K, &ok);
    put_number(json, "D_cm2_s", summary->D_cm2_s, &ok);
    put_number(json, "stderr_cm2_s", summary->stderr_cm2_s, &ok);
    put_number(json, "relative_error", summary->relative_error, &ok);
    if (ok)
        return json;
    json_decref(json);
    return NULL;
}

void
iw_notice_send(void *herald, const iw_notice *notice)
{
    iw_error err;
    if (!herald)
        return;
    json_t *json =
        iw_notice_json(iw_event_id(notice->kind), iw_event_severity(notice->kind), notice);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    iw_mail *mail = text ? iw_mail_new(IW_MAIL_NOTICE, 0) : NULL;
    json_decref(json);
    if (mail && iw_buffer_append(&mail->json, text, strlen(text), &err) == IW_OK) {
        if (notice->run)
            memcpy(mail->id, notice->run->id, sizeof mail->id);
        mail->seq = notice->number;
        mail->event = notice->kind;
        (void)iw_mail_send(herald, &mail);
    }
    iw_mail_destroy(&mail);
    free(text);
}
