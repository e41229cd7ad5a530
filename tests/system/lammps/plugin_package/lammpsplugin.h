/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef LMP_LAMMPSPLUGIN_H
#define LMP_LAMMPSPLUGIN_H
/*
 * lammpsplugin.h - what LAMMPS' PLUGIN package declares, as far as a fix needs it.
 *
 * Debian's LAMMPS is built without that package and does not bring the header; this one lets the
 * tests compile and call the door that `plugin load` would use.
 */
extern "C" {
typedef void *(lammpsplugin_factory2)(void *, int, char **);

typedef struct {
    const char *version;
    const char *style;
    const char *name;
    const char *info;
    const char *author;
    union {
        void *v1;
        lammpsplugin_factory2 *v2;
    } creator;
    void *handle;
} lammpsplugin_t;

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t *, void *);
}

#endif
