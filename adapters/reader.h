/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_READER_H
#define IW_READER_H
/*
 * reader.h - trajectory files as a stream of frames.
 *
 * One reader serves finished and growing files: a last frame that is only half written is awaited
 * (IW_AGAIN), never an error while following.  Files may be compressed (gz, xz, zst; finished files
 * only); several paths are consecutive pieces of one run.  No reader holds more than a few frames.
 * A format is one file in adapters/<code>/ that ends in a const iw_format table.
 *
 * A path may also be the folder of a run, or an input or output file of its code where the format
 * finds the frames from there.
 */
#include "frame.h"

typedef struct iw_reader iw_reader;

typedef struct {
    const char *format;   /* name of a format, or NULL: told from the file's name and first lines */
    double dt_fs;         /* spacing of frames in fs; NAN: from the files */
    double temperature_K; /* target; NAN: from the files, where they have it */
    const char *units; /* LAMMPS unit style (NULL: from the file, else "metal"); for the velocities
                          of extended XYZ "A/fs" or "real" (NULL: this), "A/ps" or "metal", "ase" */
    const char *species; /* "Li,S": names of LAMMPS types 1, 2, ... or of VASP's blocks of atoms, or
                            one name for each atom ("Ga*54,N*54"); NULL: from the file */
    const char *charges; /* "Li=1,Cl=-1"; what it does not name: from the file; NULL: likewise */
    const char *name;    /* of the run; NULL: from the path */
    bool follow;         /* the last piece may grow: its end is IW_AGAIN, not IW_END */
    const char *masses;  /* "X=12.3,Y=4" in amu, before what file and element say; or NULL */
} iw_reader_options;

void iw_reader_options_init(iw_reader_options *options);

/* Opens the pieces, reads what is needed to know the run (the first frame), and rewinds.  NULL with
 * err: NOT_FOUND, INVALID (with file and line), UNSUPPORTED (unknown format, with the known ones),
 * AGAIN (follow: the file does not hold its first frames yet: two, where the spacing of frames is
 * told from them).  The options are copied. */
iw_reader *iw_reader_open(const char *const *paths, size_t n_paths,
                          const iw_reader_options *options, iw_error *err);
void iw_reader_close(iw_reader **self);

/* The run: id is fresh (an iwlog's own where it has one), atoms, masses (from iw_element_mass where
 * the file has none), frame spacing as timestep_fs * stride, target temperature, metadata "files".
 * Valid until close. */
const iw_run_info *iw_reader_run(const iw_reader *self);

/* Fills the next frame (of run->n_atoms atoms).  Step numbers are the file's; where a later piece
 * counts anew, they go on from the piece before it, and a first frame that repeats the last one
 * keeps its number.  OK; AGAIN (follow only: nothing complete yet);
 * END; INVALID or CORRUPT with file and line: reading cannot go on.  Frames already read stay
 * valid. */
iw_status iw_reader_next(iw_reader *self, iw_frame *frame, iw_error *err);

/* Back to the first frame.  UNSUPPORTED for a pipe. */
iw_status iw_reader_rewind(iw_reader *self, iw_error *err);

/* Names and one line of text of the known formats: "xdatcar", "VASP XDATCAR", ...; false past the
 * last one.  For --help. */
bool iw_reader_format(size_t index, const char **name, const char **text);

/* The file that ends the MD code once it is made (PROJECT.EXIT); "" where none is known. */
const char *iw_reader_stop_file(const iw_reader *self);

/* The MD code has written its last word into the piece that is read. */
bool iw_reader_over(const iw_reader *self);

/* Share of the bytes read, 0 to 1; NAN when not known. */
double iw_reader_progress(const iw_reader *self);

/* A remark on the input that the user should see ("dt from INCAR: POTIM 1.5 x NBLOCK 10"); NULL
 * when there are no more.  Each is given once. */
const char *iw_reader_note(iw_reader *self);

#endif
