/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/vasp/file.h"

#include <stdio.h>
#include <string.h>

iw_status
iw_vasp_file_open(iw_vasp_file *self, iw_piece *piece, iw_error *err)
{
    self->piece = piece;
    if (!iw_path_beside(piece->path, "STOPCAR", piece->stop_file))
        piece->stop_file[0] = '\0';
    iw_vasp_settings_init(&self->settings);
    (void)snprintf(self->settings.path, sizeof self->settings.path, "%s", piece->path);
    self->text = iw_text_open(piece->path, piece->follow, err);
    return self->text ? IW_OK : err->code;
}

void
iw_vasp_file_close(iw_vasp_file *self)
{
    iw_text_close(&self->text);
    iw_vasp_blocks_fini(&self->blocks);
}

iw_status
iw_vasp_file_describe(iw_vasp_file *self, int64_t stride, iw_run_info *run, iw_error *err)
{
    iw_status status = iw_vasp_blocks_describe(&self->blocks, self->piece, run, err);
    if (status != IW_OK)
        return status;
    run->wrapped = true;
    if (self->version[0] && !(run->code_version = strdup(self->version)))
        return iw_fail(err, IW_NO_MEMORY, "no memory for the version of the code");
    self->stride = stride;
    return iw_vasp_settings_describe(&self->settings, stride, self->piece, run, err);
}

iw_status
iw_vasp_file_end(const iw_vasp_file *self, iw_status status, bool begun)
{
    if (status == IW_END && begun)
        iw_notes_add(self->piece->notes, "%s: its last frame is cut short and left out",
                     self->piece->path);
    if (status == IW_AGAIN || status == IW_END)
        iw_text_back(self->text);
    return status;
}

void
iw_vasp_file_count(iw_vasp_file *self, int64_t step, iw_frame *frame)
{
    self->given++;
    frame->has_cell = true;
    frame->step = step;
    frame->time_fs = (double)step * self->settings.potim_fs;
}
