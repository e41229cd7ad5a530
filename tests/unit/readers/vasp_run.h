/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_VASP_RUN_H
#define IW_VASP_RUN_H
/* vasp_run.h - the files of a VASP run, written as VASP writes them: two Li and a S whose fractions
 * and cell are known for every step. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VASP_ATOMS = 3, VASP_TEXT = 1 << 17 };

typedef struct {
    int first, last;   /* steps, from 0; last excluded */
    int nblock;        /* of XDATCAR and OUTCAR */
    const char *extra; /* more of the <incar>, or "" */
    const char *version;
    int learned; /* every so-manieth step is of the learned force field; 0: none */
    bool ended;  /* VASP has said its last word */
} vasp_run;

static inline double
vasp_fraction(int step, int atom, int x)
{
    /* eight decimals, as VASP prints them; one atom crosses the border */
    double value = 0.1 + 0.3 * atom + 0.07 * x + 0.004 * step * (1 + atom) * (x + 1 == 3 ? -1 : 1);
    value -= floor(value);
    return round(value * 1e8) / 1e8;
}

static inline void
vasp_cell(int step, double cell[9])
{
    const double start[9] = {6.0, 0.0, 0.0, -1.25, 5.5, 0.0, 0.5, -10.25, 12.0};
    for (int i = 0; i < 9; i++)
        cell[i] = round(start[i] * (1.0 + 0.001 * step) * 1e8) / 1e8;
}

static inline double
vasp_energy(int step)
{
    return -12.5 - 0.125 * step;
}

static inline double
vasp_kinetic(int step)
{
    return 0.25 + 0.015625 * step;
}

__attribute__((format(printf, 2, 3))) static inline void
vasp_add(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text + used, VASP_TEXT - used, format, args);
    va_end(args);
}

static inline void
vasp_rows(char *text, const char *indent, const double *rows, int n)
{
    for (int i = 0; i < n; i++)
        vasp_add(text, "%s<v> %16.8f %16.8f %16.8f </v>\n", indent, rows[3 * i], rows[3 * i + 1],
                 rows[3 * i + 2]);
}

static inline void
vasp_structure(char *text, const char *name, int step)
{
    double cell[9], f[3 * VASP_ATOMS];
    vasp_cell(step, cell);
    for (int i = 0; i < 3 * VASP_ATOMS; i++)
        f[i] = vasp_fraction(step, i / 3, i % 3);
    vasp_add(text, "  <structure%s%s%s>\n   <crystal>\n    <varray name=\"basis\" >\n",
             *name ? " name=\"" : "", name, *name ? "\" " : "");
    vasp_rows(text, "     ", cell, 3);
    vasp_add(text, "    </varray>\n    <i name=\"volume\">      1.00 </i>\n"
                   "    <varray name=\"rec_basis\" >\n");
    vasp_rows(text, "     ", cell, 3);
    vasp_add(text, "    </varray>\n   </crystal>\n   <varray name=\"positions\" >\n");
    vasp_rows(text, "    ", f, VASP_ATOMS);
    vasp_add(text, "   </varray>\n  </structure>\n");
}

static inline void
vasp_step(char *text, const vasp_run *run, int step)
{
    bool learned = run->learned > 0 && step % run->learned == 0;
    const double forces[3 * VASP_ATOMS] = {0.125};
    if (!learned)
        vasp_add(text, " <calculation>\n  <scstep>\n   <time name=\"dav\">    0.93    1.09</time>\n"
                       "   <energy>\n    <i name=\"e_fr_energy\">    999.00000000 </i>\n"
                       "   </energy>\n  </scstep>\n");
    vasp_structure(text, "", step);
    vasp_add(text, "  <varray name=\"forces\" >\n");
    vasp_rows(text, "   ", forces, VASP_ATOMS);
    vasp_add(text,
             "  </varray>\n  <energy>\n   <i name=\"e_fr_energy\"> %16.8f </i>\n"
             "   <i name=\"e_0_energy\">   111.00000000 </i>\n   <i name=\"kinetic\"> %16.8f </i>\n"
             "   <i name=\"lattice kinetic\">      0.50000000 </i>\n"
             "   <i name=\"total\">   222.00000000 </i>\n  </energy>\n"
             "  <time name=\"totalsc\">   12.07   12.68</time>\n%s",
             vasp_energy(step), vasp_kinetic(step), learned ? "" : " </calculation>\n");
}

/* The caller frees the text, as of the two below. */
static inline char *
vasp_vasprun(const vasp_run *run)
{
    char *text = calloc(1, VASP_TEXT);
    vasp_add(text,
             "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<modeling>\n <generator>\n"
             "  <i name=\"program\" type=\"string\">vasp </i>\n"
             "  <i name=\"version\" type=\"string\">%s  </i>\n </generator>\n <incar>\n"
             "  <i name=\"POTIM\">      7.00000000</i>\n%s </incar>\n",
             run->version ? run->version : "6.3.2", run->extra ? run->extra : "");
    vasp_structure(text, "primitive_cell", run->first);
    vasp_add(text,
             " <parameters>\n  <separator name=\"general\" >\n"
             "   <i type=\"string\" name=\"SYSTEM\">Li & S <old></i>\n  </separator>\n"
             "  <i type=\"int\" name=\"IBRION\">     0</i>\n"
             "  <i name=\"POTIM\">      1.50000000</i>\n"
             "  <i type=\"int\" name=\"NBLOCK\">     %d</i>\n"
             "  <i name=\"TEBEG\">    600.00000000</i>\n  <i name=\"TEEND\">    600.00000000</i>\n"
             "  <i type=\"int\" name=\"MDALGO\">     2</i>\n"
             "  <v name=\"POMASS\">      7.01600000     32.06600000</v>\n </parameters>\n"
             " <atominfo>\n  <atoms>       3 </atoms>\n  <types>       2 </types>\n"
             "  <array name=\"atoms\" >\n   <set>\n    <rc><c>Li</c><c>   1</c></rc>\n"
             "    <rc><c>Li</c><c>   1</c></rc>\n    <rc><c>S </c><c>   2</c></rc>\n   </set>\n"
             "  </array>\n  <array name=\"atomtypes\" >\n   <dimension dim=\"1\">type</dimension>\n"
             "   <set>\n    <rc><c>   2</c><c>Li</c><c>      7.01000000</c><c>      1.0</c></rc>\n"
             "    <rc><c>   1</c><c>S </c><c>     32.06600000</c><c>      6.0</c></rc>\n   </set>\n"
             "  </array>\n </atominfo>\n",
             run->nblock);
    vasp_structure(text, "initialpos", run->first);
    for (int step = run->first; step < run->last; step++)
        vasp_step(text, run, step);
    if (run->ended) {
        vasp_structure(text, "finalpos", run->last);
        vasp_add(text, "</modeling>\n");
    }
    return text;
}

static inline char *
vasp_xdatcar(const vasp_run *run)
{
    char *text = calloc(1, VASP_TEXT);
    for (int step = run->first, n = 1; step < run->last; step += run->nblock, n++) {
        double cell[9];
        vasp_cell(step, cell);
        vasp_add(text, "Li and S\n           1\n");
        for (int i = 0; i < 3; i++)
            vasp_add(text, " %13.8f %13.8f %13.8f\n", cell[3 * i], cell[3 * i + 1],
                     cell[3 * i + 2]);
        vasp_add(text, "   Li   S\n     2     1\nDirect configuration=%6d\n", n);
        for (int i = 0; i < VASP_ATOMS; i++)
            vasp_add(text, "  %11.8f %11.8f %11.8f\n", vasp_fraction(step, i, 0),
                     vasp_fraction(step, i, 1), vasp_fraction(step, i, 2));
    }
    return text;
}

static inline void
vasp_outcar_cell(char *text, int step)
{
    double cell[9];
    vasp_cell(step, cell);
    vasp_add(text, "  volume of cell :     1762.42\n"
                   "      direct lattice vectors                 reciprocal lattice vectors\n");
    for (int i = 0; i < 3; i++)
        vasp_add(text, "   %13.9f%13.9f%13.9f%13.9f%13.9f%13.9f\n", cell[3 * i], cell[3 * i + 1],
                 cell[3 * i + 2], 0.1, -0.1, 0.1);
}

static inline char *
vasp_outcar(const vasp_run *run)
{
    char *text = calloc(1, VASP_TEXT);
    vasp_add(text,
             " vasp.%s 05Feb16 (build Sep 29 2016 21:08:01) gamma-only\n \n"
             " POTCAR:    PAW_PBE Li 17Jan2003\n   VRHFIN =Li: s1p0\n"
             "   POMASS =    7.010; ZVAL   =    1.000    mass and valenz\n"
             "   VRHFIN =S : s2p4\n   POMASS =   32.066; ZVAL   =    6.000    mass and valenz\n",
             run->version ? run->version : "5.4.1");
    vasp_outcar_cell(text, run->first);
    vasp_add(text,
             "   ions per type =               2   1\n   NSW    =     10    number of steps\n"
             "   NBLOCK = %6d;   KBLOCK =      1    inner block; outer block\n"
             "   IBRION =      0    ionic relax: 0-MD 1-quasi-New 2-CG\n"
             "   POTIM  = 1.5000    time-step for ionic-motion\n"
             "   TEBEG  =  600.0;   TEEND  = 600.0 temperature during run\n"
             "  Mass of Ions in am\n   POMASS =   7.02 32.07\n  Ionic Valenz\n"
             "                MDALGO =   2\n",
             run->nblock);
    for (int step = run->first; step < run->last; step++) {
        vasp_add(text, "---------------- Iteration %6d(   1)  ------------\n", step + 1);
        if ((step - run->first) % run->nblock == 0) {
            double cell[9];
            vasp_cell(step, cell);
            vasp_outcar_cell(text, step);
            vasp_add(text,
                     " POSITION                             TOTAL-FORCE (eV/Angst)\n ------\n");
            for (int i = 0; i < VASP_ATOMS; i++) {
                double f[3], r[3];
                for (int x = 0; x < 3; x++)
                    f[x] = vasp_fraction(step, i, x);
                for (int x = 0; x < 3; x++)
                    r[x] = f[0] * cell[x] + f[1] * cell[3 + x] + f[2] * cell[6 + x];
                vasp_add(text, " %12.5f %12.5f %12.5f    %13.6f %13.6f %13.6f\n", r[0], r[1], r[2],
                         0.125, 0.0, -0.125);
            }
            vasp_add(text, " ------\n    total drift:     0.000000  0.000000  0.000000\n");
        }
        vasp_add(text,
                 "  free  energy   TOTEN  =    %14.8f eV\n"
                 "  kinetic energy EKIN   =    %14.6f\n"
                 "  kin. lattice  EKIN_LAT=         0.000000  (temperature  %6.2f K)\n"
                 "  total energy   ETOTAL =    %14.6f eV\n     LOOP+:  cpu time   13.2630\n",
                 vasp_energy(step), vasp_kinetic(step), 600.0 + step,
                 vasp_energy(step) + vasp_kinetic(step));
    }
    if (run->ended)
        vasp_add(text, "                 Voluntary context switches:         1283\n");
    return text;
}

#endif
