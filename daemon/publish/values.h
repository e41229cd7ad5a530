/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_VALUES_H
#define IW_VALUES_H
/* values.h - numbers and texts into JSON and out of it: null is NAN, what is missing is "". */
#include <jansson.h>
#include <math.h>

/* New reference, as of json_real. */
static inline json_t *
iw_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* New reference.  Texts come from outside: what is not UTF-8 must not cost all that stands around
 * it.  NULL is "". */
static inline json_t *
iw_json_text(const char *text)
{
    json_t *value = json_string(text ? text : "");
    return value ? value : json_string("(not UTF-8)");
}

static inline double
iw_number_of(const json_t *value)
{
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static inline double
iw_number_at(const json_t *object, const char *key)
{
    return iw_number_of(json_object_get(object, key));
}

static inline const char *
iw_text_at(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

#endif
