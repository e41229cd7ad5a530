/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef IW_VASP_FOLDER_H
#define IW_VASP_FOLDER_H
/* folder.h - the pieces of a VASP run in the folder where it ran. */
#include "adapters/folder.h"

/* Files of one kind ("vasprun.xml"), first piece first; the caller empties *out whatever comes.
 * INVALID: numbered folders that are no sequence. */
iw_status iw_vasp_folder(const char *folder, const char *word, iw_folder *out, iw_error *err);

#endif
