/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/environment.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VALUE = 512, NAME = 64 };

static void
value_of(const json_t *value, char text[VALUE])
{
    text[0] = '\0';
    if (json_is_string(value))
        (void)snprintf(text, VALUE, "%s", json_string_value(value));
    else if (json_is_integer(value))
        (void)snprintf(text, VALUE, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        (void)snprintf(text, VALUE, "%.10g", json_real_value(value));
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = ' ';
}

static void
name_of(const char *key, char name[NAME])
{
    int size = snprintf(name, NAME, "IONWATCH_%s", key);
    for (int i = 0; i < size && i < NAME; i++)
        name[i] = (char)toupper((unsigned char)name[i]);
}

static char *
variable(const char *key, const json_t *value)
{
    char name[NAME], text[VALUE];
    char *line = malloc(NAME + VALUE + 1);
    if (!line)
        return NULL;
    name_of(key, name);
    value_of(value, text);
    (void)snprintf(line, NAME + VALUE + 1, "%s=%s", name, text);
    return line;
}

/* Does a line "NAME=..." name one of the notice's? */
static bool
is_ours(json_t *notice, const char *line)
{
    char name[NAME];
    const char *key;
    json_t *value;
    json_object_foreach(notice, key, value)
    {
        name_of(key, name);
        size_t size = strlen(name);
        if (strncmp(line, name, size) == 0 && line[size] == '=')
            return true;
    }
    return false;
}

char **
iw_environment_new(json_t *notice)
{
    size_t n = 0, room = json_object_size(notice) + 1;
    const char *key;
    json_t *value;
    for (char **at = environ; *at; at++)
        room++;
    char **lines = calloc(room, sizeof *lines);
    if (!lines)
        return NULL;
    json_object_foreach(notice, key, value)
    {
        lines[n] = variable(key, value);
        if (lines[n++])
            continue;
        iw_environment_free(&lines);
        return NULL;
    }
    for (char **at = environ; *at; at++) {
        if (is_ours(notice, *at))
            continue;
        lines[n] = strdup(*at);
        if (!lines[n++]) {
            iw_environment_free(&lines);
            return NULL;
        }
    }
    return lines;
}

void
iw_environment_free(char ***environment)
{
    for (char **at = *environment; at && *at; at++)
        free(*at);
    free(*environment);
    *environment = NULL;
}
