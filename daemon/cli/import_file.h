/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_IMPORT_FILE_H
#define IW_IMPORT_FILE_H
/* import_file.h - what `ionwatch db import` reads: tables and elastic tensors, as text or JSON. */
#include "store/store.h"

/* A file as a whole, and what it is known by. */
typedef struct {
    char *text; /* ends with a NUL; NULL unless it was asked for */
    size_t size;
    char hash[48]; /* "xxh3:" and 32 hexadecimal digits */
} iw_import_file;

/* Reads it once, from its beginning to its end: a pipe will do.  IO; NO_MEMORY: 64 MiB or more. */
/* Without text: a file of any size, but not a pipe, which can be read once only. */
iw_status iw_import_read(const char *path, bool text, iw_import_file *out, iw_error *err);
void iw_import_fini(iw_import_file *self);

/* Numbers by material or by run.  Owns its arrays and texts. */
typedef struct {
    iw_store_properties *sets;
    size_t n;
    size_t numbers; /* in all of them */
    json_t *rows;   /* what the texts are borrowed from */
    json_t *places; /* of sets: {"material": {name: place}, "run": {..}} */
} iw_import_table;

/* CSV (RFC 4180, a line of names first) or JSON (an array of objects; a value is a number, null or
 * {"value", "stderr"}), with a column "material" or "run".  Empty, null, NA and NaN are no number.
 * INVALID with line or row: names and units see units.h; what is no number; a material twice with
 * different values. */
iw_status iw_import_table_parse(const char *text, size_t size, bool as_is, iw_import_table *out,
                                iw_error *err);
void iw_import_table_fini(iw_import_table *self);

typedef struct {
    double c[36];
    bool outcar; /* VASP's own: kbar, and its order of rows and columns */
} iw_import_tensor;

/* 6 rows of 6 numbers, or one half of them (rows of 6, 5, ... 1 or of 1, 2, ... 6), commas or
 * blanks between them, # before remarks; or JSON: an array, or one in "elastic_tensor" or "c_GPa";
 * or the last "TOTAL ELASTIC MODULI (kBar)" of an OUTCAR. */
iw_status iw_import_tensor_parse(const char *text, size_t size, iw_import_tensor *out,
                                 iw_error *err);

#endif
