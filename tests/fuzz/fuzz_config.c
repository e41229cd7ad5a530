/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_config.c - any bytes as the daemon's settings: lines up to a form feed are words of the
 * command line, what follows is the file, and every "key = value" of it is also what a run asks for
 * in its metadata.  Whatever is said, the settings stay within their ranges and the engine gets
 * options that it takes. */
#include "charges.h"
#include "fuzz_file.h"
#include "fuzz_target.h"
#include "ionwatchd/config.h"

#include <math.h>
#include <string.h>

enum { WORDS = 24 };

static void
check(const iw_config *config)
{
    for (const iw_option *option = iw_config_options; option->key; option++) {
        const char *at = (const char *)config + option->offset;
        double value;
        unsigned count;
        switch (option->type) {
        case IW_OPTION_REAL:
            memcpy(&value, at, sizeof value);
            if (isnan(value) ? strcmp(option->initial, "auto") != 0
                             : value < option->min || value > option->max)
                abort();
            break;
        case IW_OPTION_COUNT:
            memcpy(&count, at, sizeof count);
            if (count < option->min || count > option->max)
                abort();
            break;
        case IW_OPTION_TEXT:
        case IW_OPTION_CHARGES:
            if (strnlen(at, IW_CONFIG_TEXT) == IW_CONFIG_TEXT)
                abort();
            break;
        default:
            break;
        }
    }
    if (config->mobile.n > IW_CONFIG_MOBILE || config->listen.n > IW_CONFIG_LISTEN ||
        (config->skip.rule == IW_SKIP_FIXED &&
         !(config->skip.fixed_ps >= 0 && isfinite(config->skip.fixed_ps))))
        abort();
}

/* "key = value" lines as metadata; text is cut up. */
static void
ask_for(iw_run_info *run, char *text)
{
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *equals = strchr(line, '=');
        if (!equals || run->n_metadata >= WORDS)
            continue;
        *equals = '\0';
        size_t size = strcspn(line, " ");
        line[size] = '\0';
        (void)iw_run_info_set_metadata(run, line, equals + 1 + strspn(equals + 1, " "), NULL);
    }
}

static void
configure_run(iw_config *config, char *text)
{
    static const char *const atoms[] = {"Li", "S", "Li", "X"};
    const char *mobile[IW_CONFIG_MOBILE];
    iw_engine_options options;
    iw_run_info run;
    iw_error err;
    iw_run_info_init(&run);
    if (iw_run_info_set_atoms(&run, 4, atoms, &err) != IW_OK)
        abort();
    for (size_t i = 0; i < 4; i++)
        run.mass_amu[i] = 1;
    run.timestep_fs = 1;
    ask_for(&run, text);
    (void)iw_config_of_run(config, &run, &err);
    check(config);
    (void)iw_config_charges(config, &run, &err);
    for (size_t i = 0; run.charge_e && i < run.n_atoms; i++)
        if (!isfinite(run.charge_e[i]))
            abort();
    iw_config_engine(config, mobile, &options);
    for (size_t i = 0; i < options.n_mobile; i++)
        if (strlen(options.mobile[i]) >= IW_CONFIG_TEXT)
            abort();
    iw_run_info_fini(&run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char program[] = "ionwatchd", minus_c[] = "-c";
    const uint8_t *feed = size ? memchr(data, '\f', size) : NULL;
    size_t head = feed ? (size_t)(feed - data) : size;
    const uint8_t *rest = feed ? feed + 1 : data + size;
    size_t n_rest = size - head - (feed ? 1 : 0);
    char *text = malloc(head + 1), *pairs = malloc(n_rest + 1), *words[WORDS + 4] = {program};
    int n = 1;
    fuzz_file file;
    if (!text || !pairs)
        abort();
    if (head)
        memcpy(text, data, head);
    text[head] = '\0';
    if (n_rest)
        memcpy(pairs, rest, n_rest);
    pairs[n_rest] = '\0';
    fuzz_file_open(&file, rest, n_rest);
    if (feed) {
        words[n++] = minus_c;
        words[n++] = file.path;
    }
    for (char *word = text, *next; word && n < WORDS; word = next) {
        next = strchr(word, '\n');
        if (next)
            *next++ = '\0';
        if (strcmp(word, "-c") != 0) /* no other file of this machine */
            words[n++] = word;
    }
    iw_config config;
    iw_config_action action;
    iw_error err;
    iw_config_init(&config);
    if (iw_config_arguments(&config, n, words, &action, &err) == IW_OK) {
        check(&config);
        (void)iw_config_complete(&config, &err);
    }
    configure_run(&config, pairs);
    fuzz_file_close(&file);
    free(text);
    free(pairs);
    return 0;
}
