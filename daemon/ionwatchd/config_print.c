/* SPDX-License-Identifier: GPL-3.0-or-later */
/* config_print.c - the table of options as people read it. */
#include "config.h"

#include <string.h>

static void
print_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t column = 0;
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, " ");
        if (column == 0 || column + size + 1 > 72) {
            fprintf(out, "%s%s", column ? "\n" : "", indent);
            column = 0;
        } else {
            fputc(' ', out);
        }
        fprintf(out, "%.*s", (int)size, at);
        column += size + 1;
        at += size + (at[size] ? 1 : 0);
    }
    fputc('\n', out);
}

static void
print_bounds(FILE *out, const iw_option *option)
{
    if (option->type == IW_OPTION_CHOICE)
        fprintf(out, " %s", option->choices);
    else if (option->type == IW_OPTION_REAL || option->type == IW_OPTION_COUNT)
        fprintf(out, " %.10g to %.10g%s%s", option->min, option->max, *option->unit ? " " : "",
                option->unit);
    if (*option->initial)
        fprintf(out, " (default %s)", option->initial);
}

static void
print_switch(FILE *out, const iw_option *option)
{
    fputs("  --", out);
    for (const char *at = option->key; *at; at++)
        fputc(*at == '_' ? '-' : *at, out);
    fputs(option->type == IW_OPTION_FLAG ? "" : " VALUE", out);
}

void
iw_config_help(FILE *out)
{
    fputs("usage: ionwatchd [-c FILE] [--OPTION VALUE]...\n\n"
          "Takes frames from running molecular-dynamics codes, analyses them live, and files\n"
          "finished runs in a database.  Stops in order at SIGTERM or SIGINT.\n\n"
          "  -c FILE          read options from a file; the command line wins\n"
          "  --print-config   print a sample file with every option, and exit\n"
          "  --print-metrics  print what each metric of GET /metrics means, and exit\n"
          "  --test-notice    run the command of on_event once, say how that went, and exit\n"
          "  -h, --help       print this text, and exit\n"
          "  -V, --version    print the version, and exit\n",
          out);
    const char *section = "";
    for (const iw_option *option = iw_config_options; option->key; option++) {
        if (strcmp(section, option->section) != 0)
            fprintf(out, "\n[%s]\n", section = option->section);
        print_switch(out, option);
        if (option->type != IW_OPTION_FLAG)
            print_bounds(out, option);
        fputc('\n', out);
        print_wrapped(out, "        ", option->help);
    }
    fputs("\nexamples:\n"
          "  ionwatchd\n"
          "  ionwatchd --listen ipc:///tmp/me/ionwatch.sock --data /scratch/me/ionwatch\n"
          "  ionwatchd -c ~/.config/ionwatchd.conf --stop stop --target 0.1\n",
          out);
}

void
iw_config_sample(FILE *out)
{
    fputs("; ionwatchd.conf - every option with its default; uncomment what you change.\n"
          "; Made by: ionwatchd --print-config\n",
          out);
    const char *section = "";
    for (const iw_option *option = iw_config_options; option->key; option++) {
        if (strcmp(section, option->section) != 0)
            fprintf(out, "\n[%s]\n", section = option->section);
        fputc('\n', out);
        print_wrapped(out, "; ", option->help);
        if (option->type == IW_OPTION_CHOICE)
            fprintf(out, "; one of %s\n", option->choices);
        else if (option->type == IW_OPTION_REAL || option->type == IW_OPTION_COUNT)
            fprintf(out, "; %.10g to %.10g%s%s\n", option->min, option->max,
                    *option->unit ? " " : "", option->unit);
        fprintf(out, ";%s =%s%s\n", option->key, *option->initial ? " " : "", option->initial);
    }
}
