/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "herald/argv.h"

#include <string.h>

/* One word; *from ends behind it.  False when it is not ended. */
static bool
take_word(const char **from, char **to)
{
    char quote = '\0';
    const char *at = *from;
    for (; *at && (quote || !strchr(" \t", *at)); at++) {
        bool escapes = *at == '\\' && (!quote || (quote == '"' && (at[1] == '"' || at[1] == '\\')));
        if (escapes && !at[1])
            return false;
        if (escapes)
            *(*to)++ = *++at;
        else if (!quote && (*at == '\'' || *at == '"'))
            quote = *at;
        else if (quote == *at)
            quote = '\0';
        else
            *(*to)++ = *at;
    }
    *(*to)++ = '\0';
    *from = at;
    return !quote;
}

iw_status
iw_argv_split(const char *line, iw_argv *argv, iw_error *err)
{
    char *to = argv->text;
    argv->n = 0;
    argv->words[0] = NULL;
    if (strlen(line) >= IW_ARGV_TEXT)
        return iw_fail(err, IW_INVALID, "a command has at most %d characters", IW_ARGV_TEXT - 1);
    for (const char *at = line + strspn(line, " \t"); *at; at += strspn(at, " \t")) {
        if (argv->n == IW_ARGV_WORDS)
            return iw_fail(err, IW_INVALID, "a command has at most %d words", IW_ARGV_WORDS);
        argv->words[argv->n] = to;
        if (!take_word(&at, &to))
            return iw_fail(err, IW_INVALID, "a quote or a backslash is not ended");
        argv->words[++argv->n] = NULL;
    }
    if (argv->n > 0 && !argv->words[0][0])
        return iw_fail(err, IW_INVALID, "a command begins with a program, not with an empty word");
    return IW_OK;
}
