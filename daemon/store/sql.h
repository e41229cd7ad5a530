/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_STORE_SQL_H
#define IW_STORE_SQL_H
/* sql.h - statements, and values on their way into one and out of a row, the same for every
 * database. */
#include "error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Static storage: a statement is prepared once for a connection and known by its address. */
typedef struct {
    const char *sql;   /* one statement; its parameters are $1, $2, ... */
    const char *doing; /* "filing a descriptor": for messages */
} iw_sql_statement;

enum { IW_SQL_VALUES = 48 }; /* most parameters of a statement */

typedef enum { IW_SQL_NULL, IW_SQL_INTEGER, IW_SQL_REAL, IW_SQL_TEXT, IW_SQL_BYTES } iw_sql_kind;

typedef struct {
    iw_sql_kind kind;
    int64_t integer;
    double real;
    const char *text;           /* TEXT; borrowed, as is bytes */
    const unsigned char *bytes; /* BYTES */
    size_t size;
} iw_sql_value;

iw_sql_value iw_sql_integer(int64_t value);
iw_sql_value iw_sql_number(double value);     /* not finite: NULL; no negative zero */
iw_sql_value iw_sql_text(const char *value);  /* NULL: NULL */
iw_sql_value iw_sql_member(const json_t *of); /* a number or text in JSON; all else is NULL */
iw_sql_value iw_sql_bytes(const void *bytes, size_t size);

/* object[name] = value.  A text whose column is called "..._json" is parsed and loses that ending;
 * bytes are little-endian doubles and become an array.  CORRUPT, NO_MEMORY. */
iw_status iw_sql_put(json_t *object, const char *name, const iw_sql_value *value, iw_error *err);

void iw_sql_put_f64(unsigned char *to, double value); /* 8 bytes, little-endian */
double iw_sql_get_f64(const unsigned char *from);

/* Takes the rows of a result one by one, as objects, borrowed for the call; what it returns ends
 * the reading if it is not OK. */
typedef iw_status (*iw_sql_each)(void *arg, json_t *row, iw_error *err);
/* One that keeps them: arg is a JSON array. */
iw_status iw_sql_keep(void *array, json_t *row, iw_error *err);

#endif
