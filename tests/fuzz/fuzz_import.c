/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_import.c - what `ionwatch db import` reads: the first byte says whether it is a table (as it
 * stands, or of known names only) or an elastic tensor. */
#include "fuzz_target.h"

#include "cli/import_file.h"
#include "describe/elastic.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is taken is what a database takes. */
static void
check_table(const iw_import_table *table)
{
    size_t numbers = 0;
    for (size_t s = 0; s < table->n; s++) {
        const iw_store_properties *set = &table->sets[s];
        if (!set->material == !set->run)
            abort();
        for (size_t i = 0; i < set->n; i++, numbers++)
            if (isnan(set->rows[i].value) || !set->rows[i].descriptor[0] || !set->rows[i].unit)
                abort();
    }
    if (numbers != table->numbers || numbers == 0)
        abort();
}

static void
check_tensor(const iw_import_tensor *tensor)
{
    iw_elastic elastic;
    iw_error err = {0};
    double value;
    if (iw_elastic_describe(tensor->c, tensor->outcar ? IW_ELASTIC_VASP : IW_ELASTIC_VOIGT, 1, 10,
                            &elastic, &err) != IW_OK)
        return;
    for (size_t i = 0; iw_elastic_number(&elastic, i, &value); i++)
        if (!isfinite(value))
            abort();
    (void)iw_elastic_doubt(&elastic);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    iw_error err = {0};
    if (size == 0)
        return 0;
    (void)gsl_set_error_handler_off();
    char *text = malloc(size); /* the kind's place is the NUL's */
    if (!text)
        abort();
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 3 < 2) {
        iw_import_table table;
        if (iw_import_table_parse(text, size - 1, data[0] % 3 == 1, &table, &err) == IW_OK)
            check_table(&table);
        iw_import_table_fini(&table);
    } else {
        iw_import_tensor tensor;
        if (iw_import_tensor_parse(text, size - 1, &tensor, &err) == IW_OK)
            check_tensor(&tensor);
    }
    free(text);
    return 0;
}
