/* SPDX-License-Identifier: GPL-3.0-or-later */
/* explain.c - six lines on a number. */
#include "options.h"

#include "nearest.h"
#include "publish/explain.h"
#include "publish/json.h"

#include <string.h>
#include <unistd.h>

enum { NAMES = 400, NAME = 40 };

/* Every word of every row, for the complaint about one that is none of them. */
typedef struct {
    char text[NAMES][NAME];
    const char *names[NAMES + 1];
    size_t n;
} vocabulary;

static void
add(vocabulary *self, const char *list, const char *separators)
{
    while (*list && self->n < NAMES) {
        int part = (int)strcspn(list, separators);
        (void)snprintf(self->text[self->n], NAME, "%.*s", part, list);
        self->names[self->n] = self->text[self->n];
        self->n++;
        list += part;
        list += strspn(list, separators);
    }
}

static iw_exit
unknown(const iw_settings *settings, const char *word)
{
    static vocabulary all;
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        add(&all, row->keys, " ");
        add(&all, row->headings, "|");
    }
    all.names[all.n] = NULL;
    const char *nearest = iw_nearest(word, all.names);
    if (nearest)
        iw_complain(settings, "nothing is called \"%s\"; did you mean \"%s\"?", word, nearest);
    else
        iw_complain(settings, "nothing is called \"%s\"; `ionwatch explain` lists all names", word);
    return IW_EXIT_USAGE;
}

/* The one list of descriptors, which programs read as JSON. */
static iw_exit
print_catalogue(const iw_settings *settings)
{
    if (!settings->json) {
        for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++)
            (void)printf("%-35s %-9s %-9s %-12s %s\n", row->key, row->symbol, row->unit,
                         row->category, row->definition);
        return IW_EXIT_OK;
    }
    json_t *list = json_array();
    for (const iw_descriptor_row *row = iw_descriptor_catalogue; row->key; row++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", row->key, "symbol",
                            row->symbol, "unit", row->unit, "category", row->category, "definition",
                            row->definition, "source", row->source));
    iw_exit result = iw_print_json(settings, list, false);
    json_decref(list);
    return result;
}

iw_exit
iw_command_explain(const iw_settings *settings)
{
    if (settings->json && !settings->catalogue) {
        iw_complain(settings, "--json goes with --catalogue");
        return IW_EXIT_USAGE;
    }
    if (settings->catalogue)
        return print_catalogue(settings);
    if (settings->markdown) {
        iw_explain_page(stdout);
    } else if (settings->n_operands == 0) {
        iw_explain_list(stdout);
    } else {
        const iw_explanation *row = iw_explain_find(settings->operands[0]);
        if (!row)
            return unknown(settings, settings->operands[0]);
        iw_explain_print(row, stdout);
    }
    return IW_EXIT_OK;
}

void
iw_explain_hint(void)
{
    if (isatty(1) == 1)
        (void)printf("\n`ionwatch explain QUANTITY` tells what each number means\n");
}
