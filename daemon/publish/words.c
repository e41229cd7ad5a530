/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/words.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 79 };

void
iw_printable(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            *at = '?';
        else if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* the controls U+0080 to U+009F */
            at[0] = at[1] = '?';
    }
}

const char *
iw_record_words(const json_t *object, const char *key, char line[IW_LINE])
{
    (void)snprintf(line, IW_LINE, "%s", iw_text_at(object, key));
    iw_printable(line);
    return line;
}

const char *
iw_cell_general(char cell[IW_CELL], double value, int digits)
{
    if (isfinite(value) && fabs(value) < 1e7 && fabs(value) >= pow(10.0, digits))
        (void)snprintf(cell, IW_CELL, "%.0f", value);
    else if (isfinite(value))
        (void)snprintf(cell, IW_CELL, "%.*g", digits, value);
    else
        (void)snprintf(cell, IW_CELL, "-");
    return cell;
}

const char *
iw_cell_exact(char cell[IW_CELL], double value)
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(cell, IW_CELL, "%.*g", digits, value);
        if (strtod(cell, NULL) == value)
            break;
    }
    return cell;
}

void
iw_line_paragraph(FILE *out, int indent, const char *words)
{
    int column = indent;
    while (*words) {
        size_t n = strcspn(words, " ");
        if (column > indent && column + 1 + (int)n > WIDTH) {
            (void)fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", (int)n, words);
        column += (int)n;
        words += n;
        words += strspn(words, " ");
    }
    (void)fputc('\n', out);
}

void
iw_line_append(char line[IW_LINE], const char *format, ...)
{
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + used, IW_LINE - used, format, args);
    va_end(args);
}
