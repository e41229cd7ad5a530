/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sql.h"

#include <math.h>
#include <string.h>

iw_sql_value
iw_sql_integer(int64_t value)
{
    return (iw_sql_value){.kind = IW_SQL_INTEGER, .integer = value};
}

iw_sql_value
iw_sql_number(double value)
{
    if (!isfinite(value))
        return (iw_sql_value){.kind = IW_SQL_NULL};
    return (iw_sql_value){.kind = IW_SQL_REAL, .real = value == 0 ? 0 : value};
}

iw_sql_value
iw_sql_text(const char *value)
{
    if (!value)
        return (iw_sql_value){.kind = IW_SQL_NULL};
    return (iw_sql_value){.kind = IW_SQL_TEXT, .text = value};
}

iw_sql_value
iw_sql_member(const json_t *of)
{
    if (json_is_integer(of))
        return iw_sql_integer(json_integer_value(of));
    if (json_is_real(of))
        return iw_sql_number(json_real_value(of));
    return iw_sql_text(json_string_value(of));
}

iw_sql_value
iw_sql_bytes(const void *bytes, size_t size)
{
    return (iw_sql_value){.kind = IW_SQL_BYTES, .bytes = bytes, .size = size};
}

void
iw_sql_put_f64(unsigned char *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (unsigned i = 0; i < 8; i++)
        to[i] = (unsigned char)(bits >> 8 * i);
}

double
iw_sql_get_f64(const unsigned char *from)
{
    uint64_t bits = 0;
    double value;
    for (unsigned i = 0; i < 8; i++)
        bits |= (uint64_t)from[i] << 8 * i;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static json_t *
real(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *
numbers(const unsigned char *bytes, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++)
        (void)json_array_append_new(array, real(iw_sql_get_f64(bytes + 8 * i)));
    return array;
}

static json_t *
json_of(const iw_sql_value *value, bool is_json)
{
    switch (value->kind) {
    case IW_SQL_INTEGER:
        return json_integer(value->integer);
    case IW_SQL_REAL:
        return real(value->real);
    case IW_SQL_TEXT:
        return is_json ? json_loads(value->text, JSON_DECODE_ANY, NULL) : json_string(value->text);
    case IW_SQL_BYTES:
        return numbers(value->bytes, value->size / 8);
    default:
        return json_null();
    }
}

iw_status
iw_sql_put(json_t *object, const char *name, const iw_sql_value *value, iw_error *err)
{
    char key[128];
    size_t length = strlen(name);
    bool is_json = length > 5 && strcmp(name + length - 5, "_json") == 0;
    (void)snprintf(key, sizeof key, "%.*s", (int)(is_json ? length - 5 : length), name);
    if (json_object_set_new(object, key, json_of(value, is_json)) != 0)
        return iw_fail(err, IW_CORRUPT, "column %s of a row cannot be read", key);
    return IW_OK;
}

iw_status
iw_sql_keep(void *array, json_t *row, iw_error *err)
{
    return json_array_append(array, row) == 0 ? IW_OK
                                              : iw_fail(err, IW_NO_MEMORY, "no memory for rows");
}
