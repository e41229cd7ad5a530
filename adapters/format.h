/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_FORMAT_H
#define IW_FORMAT_H
/*
 * format.h - what a trajectory format provides: one const table at the end of its file, listed in
 * reader.c; and what the formats share.
 *
 * A format knows one file (a piece of a run) at a time.  Joining pieces, frame numbers, masses,
 * charges and options that overrule the file are the reader's.
 */
#include "adapters/folder.h"
#include "frame.h"
#include "reader.h"
#include "text.h"

/* Remarks for the user; a text that is there already is not added again. */
typedef struct {
    char **text;
    size_t n, given;
} iw_notes;

void iw_notes_add(iw_notes *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void iw_notes_fini(iw_notes *self);

/* Names of atoms or types. */
typedef struct {
    char (*name)[IW_SPECIES_LENGTH + 1];
    size_t n, capacity;
} iw_names;

iw_status iw_names_add(iw_names *self, const char *name, size_t size, iw_error *err);
/* "Li,S" or "Ga*54,N*54" */
iw_status iw_names_parse(iw_names *self, const char *list, iw_error *err);
iw_status iw_names_set_atoms(const iw_names *self, iw_run_info *run, iw_error *err);
/* One name for each atom, or one name for all, in the place of the file's. */
iw_status iw_names_override(iw_names *self, const char *list, iw_error *err);
void iw_names_fini(iw_names *self);

/* The element that a label means: "LI" and "Li1" are Li.  NAN for none. */
double iw_label_mass(const char *label);

/* One piece, as the reader hands it to a format.  Outlives the state. */
typedef struct {
    const char *path;
    const iw_reader_options *options;
    bool follow; /* the file may grow */
    bool first;  /* the run is described by this piece */
    iw_notes *notes;
    uint64_t atoms_line; /* set by describe: the line that says how many atoms there are */
    char stop_file[IW_PATH_LENGTH]; /* set by open or describe where the code has one: making it
                                       ends the run as the code ends it */
    bool over;                      /* set by next: the MD code has written its last word */
    bool anew; /* set by next: the frame is the first of a run that was appended to the file */
} iw_piece;

/* The beginning of a file. */
typedef struct {
    const char *name; /* of the file, without its folder */
    const char *data;
    size_t size;
} iw_head;

/* Line n (from 0) of the head; false when it is not there in full. */
bool iw_head_line(const iw_head *head, size_t n, iw_line *line);

/* Files that people have beside the ones that are read, by their first bytes: what it is; or NULL.
 */
const char *iw_familiar(const char *data, size_t size);

typedef struct {
    const char *name;      /* for --format */
    const char *text;      /* for lists */
    const char *code;      /* of the run; "" where the format does not tell */
    const char *dt_advice; /* what to do when the files do not tell the spacing of frames */
    size_t state_size;     /* zeroed by the reader */
    bool takes_units;      /* the option units is for it */
    bool appends;          /* a file may hold runs one after the other: see anew of iw_piece */
    /* 0: not this format; higher: more likely, 100: certain. */
    int (*guess)(const iw_head *head);
    iw_status (*open)(void *state, iw_piece *piece, iw_error *err);
    /* The file of frames that a folder, or an input or output file of the code, stands for; it need
     * not exist yet.  OK; NOT_FOUND: there is nothing of this code; INVALID: there are several, and
     * err names them.  NULL: a folder says nothing. */
    iw_status (*find)(const char *path, bool folder, char found[IW_PATH_LENGTH], iw_error *err);
    /* Pieces of a run in its folder, in order, none if there are none: the format that finds the
     * most is taken, the earlier one of two; the caller empties *found.  INVALID.  Pieces that come
     * or are written anew while the folder is followed go on with the run.  NULL: none. */
    iw_status (*pieces)(const char *folder, iw_folder *found, iw_error *err);
    /* Fills atoms, charges, timestep_fs (NAN: not told), stride, temperature_K, wrapped, and masses
     * where the file has them; the next call of next gives the first frame.  AGAIN: more must be
     * written first. */
    iw_status (*describe)(void *state, iw_run_info *run, iw_error *err);
    /* Fills step, positions and what else there is; time_fs stays NAN where the file has none.
     * AGAIN and END leave the state as it was. */
    iw_status (*next)(void *state, iw_frame *frame, iw_error *err);
    void (*close)(void *state); /* harmless on zeroed and half-opened state */
    /* How far a text is read is known from its iw_text *, at this offset in the state; what is no
     * text has the two calls. */
    size_t text_at;
    void (*progress)(const void *state, uint64_t *done, uint64_t *total);
    bool (*seekable)(const void *state);
} iw_format;

extern const iw_format iw_format_vasprun, iw_format_outcar, iw_format_xdatcar, iw_format_cp2k,
    iw_format_lammps, iw_format_extxyz, iw_format_iwlog, iw_format_pwout, iw_format_cpx,
    iw_format_ipi;

#endif
