/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fuzz_words.c - short texts that people and files give: the first byte says what the rest is. */
#include "adapters/format.h"
#include "charges.h"
#include "engine.h"
#include "fuzz_file.h"
#include "fuzz_input.h"
#include "fuzz_target.h"
#include "ionwatchd/mail.h"
#include "key.h"
#include "material.h"
#include "publish/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH = 600, ATOMS = 12 };

/* A number that is taken is the one that strtod reads. */
static void
number(const char *text)
{
    double value;
    if (!iw_parse_real(text, &value))
        return;
    char plain[LENGTH + 1], *end;
    (void)snprintf(plain, sizeof plain, "%s", text);
    for (char *at = plain; *at; at++) /* Fortran's exponents */
        if (*at == 'd' || *at == 'D')
            *at = 'e';
    if (!isfinite(value) || value != strtod(plain, &end) || end == plain)
        abort();
}

static void
atoms(fuzz_input *in, iw_run_info *run, char names[ATOMS][IW_SPECIES_LENGTH + 1])
{
    const char *species[ATOMS];
    size_t n = 1 + fuzz_byte(in) % (ATOMS - 1);
    for (size_t i = 0; i < n; i++)
        species[i] = fuzz_text(in, names[i], sizeof names[i]);
    iw_run_info_init(run);
    if (iw_run_info_set_atoms(run, n, species, NULL) != IW_OK)
        iw_run_info_fini(run);
}

static void
charges(fuzz_input *in)
{
    char list[LENGTH], names[ATOMS][IW_SPECIES_LENGTH + 1];
    iw_run_info run;
    iw_error err;
    iw_charges_kind kind = fuzz_byte(in) % 2 ? IW_CHARGES_EXACT : IW_CHARGES_TABLE;
    atoms(in, &run, names);
    (void)fuzz_text(in, list, sizeof list);
    bool sound = iw_charges_check(list, &err) == IW_OK;
    if (run.n_atoms > 0 && iw_charges_apply(&run, list, kind, &err) == IW_OK) {
        if (!sound)
            abort();
        for (size_t i = 0; run.charge_e && i < run.n_atoms; i++)
            if (!isfinite(run.charge_e[i]))
                abort();
    }
    iw_run_info_fini(&run);
}

/* The name does not depend on the order of the atoms. */
static void
material(fuzz_input *in)
{
    char names[ATOMS][IW_SPECIES_LENGTH + 1], text[LENGTH];
    const char *turned[ATOMS];
    iw_run_info run, other;
    iw_material a, b;
    atoms(in, &run, names);
    size_t n = run.n_atoms;
    for (size_t i = 0; i < n; i++)
        turned[i] = names[n - 1 - i];
    if (n > 0) {
        iw_material_of(&run, &a);
        iw_run_info_init(&other);
        if (iw_run_info_set_atoms(&other, n, turned, NULL) != IW_OK)
            abort();
        iw_material_of(&other, &b);
        if (strnlen(a.name, sizeof a.name) == sizeof a.name || strcmp(a.formula, b.formula) != 0)
            abort();
        iw_run_info_fini(&other);
        (void)iw_run_info_set_metadata(&run, "material", fuzz_text(in, text, sizeof text), NULL);
        iw_material_of(&run, &a);
        if (strnlen(a.name, sizeof a.name) == sizeof a.name)
            abort();
    }
    iw_run_info_fini(&run);
}

static void
names_of_atoms(const char *text)
{
    iw_names list = {0}, of_file = {0};
    iw_run_info run;
    iw_error err;
    iw_run_info_init(&run);
    if (iw_names_parse(&list, text, &err) == IW_OK && list.n > 0 && list.n < 100000)
        (void)iw_names_set_atoms(&list, &run, &err);
    if (iw_names_parse(&of_file, "Ga*3,N", &err) != IW_OK)
        abort();
    (void)iw_names_override(&of_file, text, &err);
    (void)iw_label_mass(text);
    iw_names_fini(&of_file);
    iw_names_fini(&list);
    iw_run_info_fini(&run);
}

static void
key_file(fuzz_input *in)
{
    char secret[IW_KEY_LENGTH + 1], open[IW_KEY_LENGTH + 1];
    fuzz_file file;
    iw_error err;
    fuzz_file_open(&file, in->at, in->left);
    iw_status status = iw_key_read_secret(file.path, secret, &err);
    if (iw_key_read_public(file.path, open, &err) != status)
        abort();
    if (status == IW_OK && (!iw_key_is_valid(secret, strlen(secret)) || strcmp(secret, open) != 0))
        abort();
    fuzz_file_close(&file);
}

/* What is cut stays a text, and what is to be printed steers no terminal. */
static void
for_people(char *text)
{
    char cut[24], whole[LENGTH + 1];
    iw_text_copy(whole, sizeof whole, text);
    iw_text_copy(cut, sizeof cut, text);
    if (strncmp(cut, text, strlen(cut)) != 0)
        abort();
    iw_printable(text);
    if (strlen(text) != strlen(whole))
        abort();
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f ||
            ((unsigned char)at[0] == 0xc2 && ((unsigned char)at[1] & 0xe0) == 0x80))
            abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input in = {data, size};
    uint8_t what = fuzz_byte(&in);
    char text[LENGTH + 1];
    iw_skip_options skip = {.rule = IW_SKIP_AUTO};
    if (what % 8 == 0) {
        charges(&in);
        return 0;
    }
    if (what % 8 == 1) {
        material(&in);
        return 0;
    }
    if (what % 8 == 2) {
        key_file(&in);
        return 0;
    }
    size_t got;
    const uint8_t *at = fuzz_take(&in, LENGTH, &got);
    if (got > 0)
        memcpy(text, at, got);
    text[got] = '\0';
    switch (what % 8) {
    case 3:
        names_of_atoms(text);
        break;
    case 4:
        if (iw_skip_parse(text, &skip, NULL) == IW_OK && skip.rule == IW_SKIP_FIXED &&
            !(isfinite(skip.fixed_ps) && skip.fixed_ps >= 0))
            abort();
        break;
    case 5:
        for_people(text);
        break;
    case 6:
        (void)iw_uuid_valid(text);
        break;
    default:
        number(text);
    }
    return 0;
}
