/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/target.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_utf8(const char *text, size_t size)
{
    json_t *value = json_stringn(text, size); /* NULL if it is not */
    json_decref(value);
    return value != NULL;
}

/* Decodes size bytes; "+" is a blank in queries alone. */
static iw_status
decode(const char *from, size_t size, bool query, char *to, size_t room, iw_error *err)
{
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)from[i];
        if (c == '%') {
            int high = i + 2 < size ? hex_digit(from[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(from[i + 2]) : -1;
            if (low < 0)
                return iw_fail(err, IW_INVALID, "a %% is followed by two hexadecimal digits");
            c = (unsigned char)(16 * high + low);
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        if (c == 0)
            return iw_fail(err, IW_INVALID, "a zero byte");
        if (used + 1 >= room)
            return iw_fail(err, IW_INVALID, "a part is longer than %zu bytes", room - 1);
        to[used++] = (char)c;
    }
    to[used] = '\0';
    return is_utf8(to, used) ? IW_OK : iw_fail(err, IW_INVALID, "not UTF-8");
}

static iw_status
take_parameter(const char *at, size_t size, iw_target *target, iw_error *err)
{
    const char *equals = memchr(at, '=', size);
    size_t key = equals ? (size_t)(equals - at) : size;
    size_t n = target->n_parameters;
    if (n == IW_TARGET_PARAMETERS)
        return iw_fail(err, IW_INVALID, "more than %d parameters", IW_TARGET_PARAMETERS);
    if (decode(at, key, true, target->parameters[n].key, IW_TARGET_KEY, err) != IW_OK ||
        decode(equals ? equals + 1 : at, equals ? size - key - 1 : 0, true,
               target->parameters[n].value, IW_TARGET_WORD, err) != IW_OK)
        return IW_INVALID;
    if (iw_target_parameter(target, target->parameters[n].key))
        return iw_fail(err, IW_INVALID, "the parameter \"%s\" is there twice",
                       target->parameters[n].key);
    target->n_parameters++;
    return IW_OK;
}

iw_status
iw_target_parse(const char *raw, iw_target *target, iw_error *err)
{
    target->n_segments = target->n_parameters = 0;
    if (*raw != '/')
        return iw_fail(err, IW_INVALID, "a path begins with /");
    const char *at = raw + 1;
    while (*at && *at != '?') {
        size_t size = strcspn(at, "/?");
        if (target->n_segments == IW_TARGET_SEGMENTS)
            return iw_fail(err, IW_INVALID, "more than %d parts", IW_TARGET_SEGMENTS);
        if (decode(at, size, false, target->segments[target->n_segments], IW_TARGET_WORD, err) !=
            IW_OK)
            return IW_INVALID;
        target->n_segments++;
        at += size;
        if (*at == '/' && at[1] != '\0' && at[1] != '?')
            at++;
        else if (*at == '/') /* a / at the end is a part of its own, and nothing has such */
            return iw_fail(err, IW_INVALID, "a path does not end with /");
    }
    while (*at) { /* ? or & */
        at++;
        size_t size = strcspn(at, "&");
        if (size > 0 && take_parameter(at, size, target, err) != IW_OK)
            return IW_INVALID;
        at += size;
    }
    return IW_OK;
}

const char *
iw_target_parameter(const iw_target *target, const char *key)
{
    for (size_t i = 0; i < target->n_parameters; i++)
        if (strcmp(target->parameters[i].key, key) == 0)
            return target->parameters[i].value;
    return NULL;
}

bool
iw_cookie_find(const char *header, const char *name, char *value, size_t room)
{
    size_t length = strlen(name);
    for (const char *at = header; at && *at;) {
        at += strspn(at, " ;");
        size_t size = strcspn(at, ";");
        if (size > length && strncmp(at, name, length) == 0 && at[length] == '=') {
            size_t used = size - length - 1;
            if (used >= room)
                return false;
            memcpy(value, at + length + 1, used);
            value[used] = '\0';
            return true;
        }
        at += size;
    }
    return false;
}

bool
iw_accepts_gzip(const char *header)
{
    for (const char *at = header; at && *at;) {
        at += strspn(at, " \t,");
        size_t size = strcspn(at, ",");
        size_t word = strcspn(at, " \t;,");
        if (word == 4 && strncasecmp(at, "gzip", 4) == 0) {
            const char *q = memchr(at, '=', size);
            return !q || strtod(q + 1, NULL) > 0;
        }
        at += size;
    }
    return false;
}

bool
iw_etag_matches(const char *header, const char *etag)
{
    size_t length = strlen(etag);
    for (const char *at = header; at && *at;) {
        at += strspn(at, " \t,");
        if (*at == '*')
            return true;
        if (strncmp(at, "W/", 2) == 0)
            at += 2;
        size_t size = strcspn(at, ",");
        while (size > 0 && (at[size - 1] == ' ' || at[size - 1] == '\t'))
            size--;
        if (size == length && strncmp(at, etag, length) == 0)
            return true;
        at += strcspn(at, ",");
    }
    return false;
}

bool
iw_host_of(const char *header, char *host, size_t room)
{
    const char *at = header;
    if (strncasecmp(at, "http://", 7) == 0)
        at += 7;
    else if (strncasecmp(at, "https://", 8) == 0)
        at += 8;
    bool bracket = *at == '[';
    at += bracket;
    size_t size = strcspn(at, bracket ? "]" : ":");
    const char *rest = at + size + (bracket && at[size] == ']');
    bool good =
        size > 0 && size < room && (!bracket || at[size] == ']') &&
        (*rest == '\0' || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")] == '\0'));
    for (size_t i = 0; good && i < size; i++) {
        unsigned char c = (unsigned char)at[i];
        good = isalnum(c) || c == '.' || c == '-' || c == '_' || (bracket && c == ':');
        host[i] = (char)tolower(c);
    }
    host[good ? size : 0] = '\0';
    if (good && size > 1 && host[size - 1] == '.') /* the root of names */
        host[size - 1] = '\0';
    return good;
}

bool
iw_host_is_address(const char *host)
{
    struct in6_addr any;
    return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}
