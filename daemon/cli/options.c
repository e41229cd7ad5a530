/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include "nearest.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- parsing ---- */

typedef struct {
    const iw_command *command;
    iw_settings *settings;
} parser;

static iw_exit usage(const parser *self, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static iw_exit
usage(const parser *self, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)fprintf(stderr, "ionwatch %s: %s\n(`ionwatch %s --help` lists the options)\n",
                  self->command->name, text, self->command->name);
    return IW_EXIT_USAGE;
}

/* By long name, of the given length, or by letter. */
static const iw_cli_option *
find(const iw_command *command, const char *name, size_t length, char letter)
{
    for (size_t t = 0; t < IW_OPTION_TABLES && command->options[t]; t++) {
        for (const iw_cli_option *option = command->options[t]; option->name; option++) {
            bool same =
                name && strlen(option->name) == length && strncmp(option->name, name, length) == 0;
            if (same || (letter && option->letter == letter))
                return option;
        }
    }
    return NULL;
}

static iw_exit
unknown(const parser *self, const char *word)
{
    enum { LONGEST = 40 };
    const char *names[64];
    size_t n = 0;
    for (size_t t = 0; t < IW_OPTION_TABLES && self->command->options[t]; t++)
        for (const iw_cli_option *o = self->command->options[t]; o->name && n < 62; o++)
            names[n++] = o->name;
    names[n++] = "help";
    names[n] = NULL;
    char name[LONGEST + 1];
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *nearest = iw_nearest(name + strspn(name, "-"), names);
    if (nearest)
        return usage(self, "unknown option %s; did you mean --%s?", name, nearest);
    return usage(self, "unknown option %s", name);
}

/* True where text is one of the words of "a|b|c". */
static bool
is_choice(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; *at; at += strspn(at, "|")) {
        size_t word = strcspn(at, "|");
        if (word == length && strncmp(at, text, length) == 0)
            return true;
        at += word;
    }
    return false;
}

static iw_exit
store_number(const parser *self, const iw_cli_option *option, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    const char *unit = option->unit ? option->unit : "";
    if (end == text || *end || !isfinite(value))
        return usage(self, "--%s %s: not a number", option->name, text);
    if (option->type == IW_OPT_COUNT && value != floor(value))
        return usage(self, "--%s %s: not a whole number", option->name, text);
    if (value < option->least || value > option->most)
        return usage(self, "--%s %s: must be from %g to %g%s%s", option->name, text, option->least,
                     option->most, *unit ? " " : "", unit);
    char *to = (char *)self->settings + option->offset;
    if (option->type == IW_OPT_COUNT)
        *(long *)(void *)to = (long)value;
    else
        *(double *)(void *)to = value;
    return IW_EXIT_OK;
}

static iw_exit
store_value(const parser *self, const iw_cli_option *option, const char *text)
{
    void *to = (char *)self->settings + option->offset;
    switch (option->type) {
    case IW_OPT_FLAG:
        *(bool *)to = true;
        return IW_EXIT_OK;
    case IW_OPT_NUMBER:
    case IW_OPT_COUNT:
        return store_number(self, option, text);
    case IW_OPT_CHOICE:
        if (!is_choice(option->choices, text))
            return usage(self, "--%s %s: must be one of %s", option->name, text, option->choices);
        break;
    case IW_OPT_TEXT:
        if (!*text)
            return usage(self, "--%s: the value is empty", option->name);
        break;
    }
    *(const char **)to = text;
    return IW_EXIT_OK;
}

/* One word that begins with "-"; takes its value from the next word where it needs one. */
static iw_exit
parse_option(const parser *self, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char *equals = strchr(word, '=');
    const iw_cli_option *option;
    if (word[1] == '-') {
        size_t length = equals ? (size_t)(equals - word) - 2 : strlen(word + 2);
        option = find(self->command, word + 2, length, 0);
    } else {
        equals = NULL;
        option = word[2] ? NULL : find(self->command, NULL, 0, word[1]);
    }
    if (!option)
        return unknown(self, word);
    if (option->type == IW_OPT_FLAG) {
        if (equals)
            return usage(self, "--%s takes no value", option->name);
        return store_value(self, option, "");
    }
    if (equals)
        return store_value(self, option, equals + 1);
    if (*at + 1 >= argc)
        return usage(self, "--%s needs a value: %s", option->name, option->argument);
    return store_value(self, option, argv[++*at]);
}

iw_exit
iw_options_parse(const iw_command *command, int argc, char **argv, iw_settings *settings,
                 bool *help)
{
    parser self = {command, settings};
    int operands = 0;
    bool only_operands = false;
    settings->command = command->name;
    *help = false;
    for (int at = 0; at < argc; at++) {
        char *word = argv[at];
        if (!only_operands && strcmp(word, "--") == 0) {
            only_operands = true;
        } else if (!only_operands && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            *help = true;
            return IW_EXIT_OK;
        } else if (!only_operands && word[0] == '-' && word[1]) {
            iw_exit status = parse_option(&self, argc, argv, &at);
            if (status)
                return status;
        } else {
            argv[operands++] = word; /* never ahead of at */
        }
    }
    settings->operands = (const char *const *)argv;
    settings->n_operands = (size_t)operands;
    if (operands > 0 && operands < command->least)
        return usage(&self, "%s: only %s is given", command->arguments, argv[0]);
    if (operands < command->least)
        return usage(&self, "%s is missing", command->arguments);
    if (command->most >= 0 && operands > command->most)
        return usage(&self, "too many arguments, beginning with %s", argv[command->most]);
    return IW_EXIT_OK;
}

/* ---- help ---- */

enum { HELP_INDENT = 30, HELP_WIDTH = 96 };

/* Words from column HELP_INDENT on, folded. */
static void
fold(FILE *out, const char *words)
{
    int column = HELP_INDENT;
    while (*words) {
        int length = (int)strcspn(words, " ");
        if (column > HELP_INDENT && column + 1 + length > HELP_WIDTH) {
            (void)fprintf(out, "\n%*s", HELP_INDENT, "");
            column = HELP_INDENT;
        } else if (column > HELP_INDENT) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", length, words);
        column += length;
        words += length;
        words += strspn(words, " ");
    }
    (void)fputc('\n', out);
}

static void
help_row(const iw_cli_option *option, FILE *out)
{
    char left[64], right[400];
    int used = option->letter
                   ? snprintf(left, sizeof left, "-%c, --%s", option->letter, option->name)
                   : snprintf(left, sizeof left, "    --%s", option->name);
    if (option->type != IW_OPT_FLAG)
        (void)snprintf(left + used, sizeof left - (size_t)used, " %s", option->argument);
    (void)snprintf(right, sizeof right, "%s%s%s%s%s%s", option->help, option->choices ? ": " : "",
                   option->choices ? option->choices : "", option->fallback ? " [" : "",
                   option->fallback ? option->fallback : "", option->fallback ? "]" : "");
    (void)fprintf(out, "  %-27s ", left);
    fold(out, right);
}

void
iw_options_help(const iw_command *command, FILE *out)
{
    (void)fprintf(out, "usage: ionwatch %s%s%s%s\n\n%s.\n", command->name,
                  *command->arguments ? " " : "", command->arguments,
                  command->options[0] ? " [options]" : "", command->summary);
    if (command->details)
        (void)fprintf(out, "%s\n", command->details);
    if (command->options[0])
        (void)fprintf(out, "\nOptions [default]:\n");
    for (size_t t = 0; t < IW_OPTION_TABLES && command->options[t]; t++)
        for (const iw_cli_option *option = command->options[t]; option->name; option++)
            help_row(option, out);
    (void)fprintf(out, "  -h, --help                  this text\n\nExamples:\n%s",
                  command->examples);
}
