/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "material.h"

#include <stdio.h>
#include <string.h>

/* Pauling's electronegativities in hundredths; only their order matters here. */
static const struct {
    char symbol[3];
    short hundredths;
} elements[] = {
    /* clang-format off */
    {"H", 220},  {"D", 220},  {"Li", 98},  {"Be", 157}, {"B", 204},  {"C", 255},  {"N", 304},
    {"O", 344},  {"F", 398},  {"Na", 93},  {"Mg", 131}, {"Al", 161}, {"Si", 190}, {"P", 219},
    {"S", 258},  {"Cl", 316}, {"K", 82},   {"Ca", 100}, {"Sc", 136}, {"Ti", 154}, {"V", 163},
    {"Cr", 166}, {"Mn", 155}, {"Fe", 183}, {"Co", 188}, {"Ni", 191}, {"Cu", 190}, {"Zn", 165},
    {"Ga", 181}, {"Ge", 201}, {"As", 218}, {"Se", 255}, {"Br", 296}, {"Kr", 300}, {"Rb", 82},
    {"Sr", 95},  {"Y", 122},  {"Zr", 133}, {"Nb", 160}, {"Mo", 216}, {"Tc", 190}, {"Ru", 220},
    {"Rh", 228}, {"Pd", 220}, {"Ag", 193}, {"Cd", 169}, {"In", 178}, {"Sn", 196}, {"Sb", 205},
    {"Te", 210}, {"I", 266},  {"Xe", 260}, {"Cs", 79},  {"Ba", 89},  {"La", 110}, {"Ce", 112},
    {"Pr", 113}, {"Nd", 114}, {"Pm", 113}, {"Sm", 117}, {"Eu", 120}, {"Gd", 120}, {"Tb", 120},
    {"Dy", 122}, {"Ho", 123}, {"Er", 124}, {"Tm", 125}, {"Yb", 110}, {"Lu", 127}, {"Hf", 130},
    {"Ta", 150}, {"W", 236},  {"Re", 190}, {"Os", 220}, {"Ir", 220}, {"Pt", 228}, {"Au", 254},
    {"Hg", 200}, {"Tl", 162}, {"Pb", 233}, {"Bi", 202}, {"Po", 200}, {"At", 220}, {"Fr", 70},
    {"Ra", 90},  {"Ac", 110}, {"Th", 130}, {"Pa", 150}, {"U", 138},  {"Np", 136}, {"Pu", 128},
    /* clang-format on */
};

/* Other labels come last. */
static short
rank(const char *symbol)
{
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (strcmp(symbol, elements[i].symbol) == 0)
            return elements[i].hundredths;
    return 1000;
}

static bool
before(const char *a, const char *b)
{
    return rank(a) != rank(b) ? rank(a) < rank(b) : strcmp(a, b) < 0;
}

static size_t
common_divisor(size_t a, size_t b)
{
    while (b > 0) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

void
iw_formula(const char *const *species, const size_t *atoms, size_t n, char text[IW_MATERIAL_SIZE])
{
    size_t divisor = 0, used = 0;
    for (size_t s = 0; s < n; s++)
        divisor = common_divisor(atoms[s], divisor);
    text[0] = '\0';
    const char *last = NULL;
    for (size_t done = 0; done < n; done++) {
        size_t next = n;
        for (size_t s = 0; s < n; s++) /* the first that stands behind the last one */
            if ((!last || before(last, species[s])) &&
                (next == n || before(species[s], species[next])))
                next = s;
        if (next == n)
            break;
        last = species[next];
        size_t count = divisor ? atoms[next] / divisor : 0;
        char part[64] = "";
        if (count == 1)
            (void)snprintf(part, sizeof part, "%s", last);
        else if (count > 1)
            (void)snprintf(part, sizeof part, "%s%zu", last, count);
        if (used + strlen(part) >= IW_MATERIAL_SIZE)
            break;
        used += (size_t)snprintf(text + used, IW_MATERIAL_SIZE - used, "%s", part);
    }
}

void
iw_material_of(const iw_run_info *run, iw_material *out)
{
    const char *species[IW_MAX_SPECIES];
    size_t atoms[IW_MAX_SPECIES] = {0};
    for (size_t s = 0; s < run->n_species; s++)
        species[s] = run->species[s];
    for (size_t i = 0; i < run->n_atoms; i++)
        atoms[run->kind[i]]++;
    iw_formula(species, atoms, run->n_species, out->formula);

    const char *given = iw_run_info_metadata(run, "material");
    given = given ? given + strspn(given, " \t") : "";
    size_t length = strlen(given);
    while (length > 0 && (given[length - 1] == ' ' || given[length - 1] == '\t'))
        length--;
    if (length >= IW_MATERIAL_SIZE) /* not through the middle of a character */
        for (length = IW_MATERIAL_SIZE - 1; length > 0 && (given[length] & 0xc0) == 0x80;)
            length--;
    out->named = length > 0;
    (void)snprintf(out->name, sizeof out->name, "%.*s",
                   (int)(out->named ? length : strlen(out->formula)),
                   out->named ? given : out->formula);
}
