/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_options.c - any words behind `ionwatch`: the first byte chooses the command, each line is a
 * word.  What is taken lies in its range. */
#include "cli/options.h"
#include "fuzz_target.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 32 };

/* Whether a value that was given can be. */
static bool
is_sound(const iw_cli_option *option, const char *at)
{
    double number;
    long count;
    const char *text;
    switch (option->type) {
    case IW_OPT_NUMBER:
        memcpy(&number, at, sizeof number);
        return number >= option->least && number <= option->most;
    case IW_OPT_COUNT:
        memcpy(&count, at, sizeof count);
        return (double)count >= option->least && (double)count <= option->most;
    case IW_OPT_CHOICE:
        memcpy(&text, at, sizeof text);
        return strstr(option->choices, text) != NULL;
    case IW_OPT_TEXT:
        memcpy(&text, at, sizeof text);
        return *text != '\0';
    case IW_OPT_FLAG:
        break;
    }
    return true;
}

static void
check(const iw_command *command, const iw_settings *settings)
{
    iw_settings fresh;
    iw_settings_init(&fresh);
    for (size_t t = 0; t < IW_OPTION_TABLES && command->options[t]; t++)
        for (const iw_cli_option *option = command->options[t]; option->name; option++) {
            const char *at = (const char *)settings + option->offset;
            size_t size = option->type == IW_OPT_FLAG ? sizeof(bool) : sizeof(double);
            if (memcmp(at, (const char *)&fresh + option->offset, size) != 0 &&
                !is_sound(option, at))
                abort();
        }
}

bool
iw_interrupted(void)
{
    return false;
}

void
iw_pause(double seconds)
{
    (void)seconds;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    size_t n_commands = 0;
    while (iw_commands[n_commands].name)
        n_commands++;
    if (!nowhere)
        nowhere = fopen("/dev/null", "w");
    if (!nowhere || n_commands == 0)
        abort();
    const iw_command *command = &iw_commands[(size ? data[0] : 0) % n_commands];
    size_t left = size ? size - 1 : 0;
    char *text = malloc(left + 1), *words[WORDS + 1] = {NULL};
    if (!text)
        abort();
    if (left > 0)
        memcpy(text, data + 1, left);
    text[left] = '\0';
    int n = 0;
    for (char *word = text, *next; word && n < WORDS; word = next) {
        next = strchr(word, '\n');
        if (next)
            *next++ = '\0';
        words[n++] = word;
    }
    iw_settings settings;
    bool help = false;
    iw_settings_init(&settings);
    FILE *err = stderr;
    stderr = nowhere;
    iw_exit result = iw_options_parse(command, n, words, &settings, &help);
    stderr = err;
    if (result == IW_EXIT_OK && !help) {
        if (settings.n_operands > (size_t)n || (int)settings.n_operands < command->least)
            abort();
        check(command, &settings);
    } else if (result != IW_EXIT_OK && result != IW_EXIT_USAGE) {
        abort();
    }
    free(text);
    return 0;
}
