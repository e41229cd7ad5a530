/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H
/* store_folder.h - a database file in a temporary folder of its own, for the tests of the store. */

typedef struct {
    char folder[64], path[128];
} store_folder;

/* 0, or -1 where there is no such folder to be had. */
int store_folder_make(store_folder *self);
/* Removes the database with what SQLite leaves beside it, and the folder. */
int store_folder_remove(const store_folder *self);

#endif
