/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/explain.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *const labels[IW_EXPLAIN_LINES] = {
    "What:", "How:", "Usual:", "Error:", "Beware:", "More:"};

/* The word in one of the parts of a list. */
static int
is_in(const char *list, const char *separators, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        size_t part = strcspn(list, separators);
        if (part == length && strncasecmp(list, word, part) == 0)
            return 1;
        list += part;
        list += strspn(list, separators);
    }
    return 0;
}

const iw_explanation *
iw_explain_find(const char *word)
{
    for (const iw_explanation *row = iw_explanations; row->keys; row++)
        if (is_in(row->keys, " ", word))
            return row;
    for (const iw_explanation *row = iw_explanations; row->keys; row++)
        if (is_in(row->headings, "|", word))
            return row;
    return NULL;
}

void
iw_explain_print(const iw_explanation *row, FILE *out)
{
    const char *const lines[] = {row->what, row->how, row->usual, row->error, row->beware};
    for (size_t i = 0; i < IW_EXPLAIN_LINES - 1; i++)
        (void)fprintf(out, "%-8s%s\n", labels[i], lines[i]);
    (void)fprintf(out, "%-8sdocs/physics.md, \"%s\"\n", labels[IW_EXPLAIN_LINES - 1], row->section);
}

static int
first_length(const iw_explanation *row)
{
    return (int)strcspn(row->keys, " ");
}

/* The parts of a list, each in quotes. */
static void
print_list(FILE *out, const char *list, const char *separators, const char *quote)
{
    const char *between = "";
    while (*list) {
        int part = (int)strcspn(list, separators);
        (void)fprintf(out, "%s%s%.*s%s", between, quote, part, list, quote);
        list += part;
        list += strspn(list, separators);
        between = ", ";
    }
}

void
iw_explain_list(FILE *out)
{
    int widest = 0;
    for (const iw_explanation *row = iw_explanations; row->keys; row++)
        widest = first_length(row) > widest ? first_length(row) : widest;
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        bool last = !*row->headings; /* no blanks at the end of a line */
        (void)fprintf(out, "%-*.*s  %-*s", widest, first_length(row), row->keys, last ? 0 : 15,
                      row->unit);
        print_list(out, row->headings, "|", "");
        (void)fputc('\n', out);
    }
}

void
iw_explain_page(FILE *out)
{
    (void)fprintf(out, "# What each number means\n\n"
                       "Six lines on every number of a record; `ionwatch explain NAME` prints "
                       "them.\nMade by `ionwatch explain --markdown`.\n");
    for (const iw_explanation *row = iw_explanations; row->keys; row++) {
        (void)fprintf(out, "\n## %.*s\n\n", first_length(row), row->keys);
        if (row->keys[first_length(row)]) {
            (void)fprintf(out, "In JSON ");
            print_list(out, row->keys, " ", "`");
            (void)fprintf(out, ". ");
        }
        if (*row->headings) {
            (void)fprintf(out, "In tables ");
            print_list(out, row->headings, "|", "`");
            (void)fprintf(out, ". ");
        }
        (void)fprintf(out, "Unit: %s.\n\n```\n", row->unit);
        iw_explain_print(row, out);
        (void)fprintf(out, "```\n");
    }
}
