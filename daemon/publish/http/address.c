/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/http/address.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
take_port(const char *text, iw_address *to)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits >= sizeof to->port || text[digits] || strtol(text, NULL, 10) > 65535)
        return false;
    memcpy(to->port, text, digits + 1);
    return true;
}

/* An address with colons of its own stands in brackets. */
static bool
take_host(const char *text, size_t size, iw_address *to)
{
    bool bracket = size > 2 && text[0] == '[' && text[size - 1] == ']';
    const char *host = bracket ? text + 1 : text;
    size_t length = bracket ? size - 2 : size;
    if (length == 0 || length >= sizeof to->host || strcspn(host, "[]") < length ||
        (!bracket && memchr(host, ':', length)))
        return false;
    memcpy(to->host, host, length);
    to->host[length] = '\0';
    return true;
}

iw_status
iw_address_parse(const char *text, iw_address *address, iw_error *err)
{
    *address = (iw_address){0};
    const char *path = strncmp(text, "unix:", 5) == 0 ? text + 5 : NULL;
    const char *colon = strrchr(text, ':');
    if (strcmp(text, "off") == 0)
        return IW_OK;
    if (path && (*path != '/' || strlen(path) >= sizeof address->path))
        return iw_fail(err, IW_INVALID, "an absolute path of at most %zu characters is wanted",
                       sizeof address->path - 1);
    if (path) {
        (void)snprintf(address->path, sizeof address->path, "%s", path);
        return IW_OK;
    }
    if (colon && take_port(colon + 1, address) && take_host(text, (size_t)(colon - text), address))
        return IW_OK;
    return iw_fail(err, IW_INVALID,
                   "ADDRESS:PORT, unix:PATH or off is wanted, as 127.0.0.1:8417 or [::1]:8417");
}
