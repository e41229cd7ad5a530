/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xyz.c - i-PI's trajectories: positions (PREFIX.pos_0.xyz) or centroids of paths (PREFIX.xc.xyz),
 * and the velocities of the same atoms beside them.
 *
 * Comment lines tell cell, step, quantity and units; where a unit is not told it is the atomic one,
 * as i-PI itself takes it.  Positions are not wrapped.  Time step and temperature are those of the
 * input in the same folder: see input.h.
 */
#include "adapters/xyz.h"
#include "adapters/ipi/files.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* One of the two files. */
typedef struct {
    bool velocities;
    int64_t bead; /* of the first frame; -1: none was read */
    bool tells_cell_unit;
    double cell_A[9];
    char expected[160]; /* words of a refusal */
} side;

typedef struct {
    iw_xyz_run xyz;
    side pos, vel;
    iw_ipi_input input;
    char prefix[IW_IPI_PREFIX];
    bool centroid;
} ipi;

static const char *
expect_unit(side *self, bool velocity, iw_line unit)
{
    (void)snprintf(self->expected, sizeof self->expected,
                   "a unit of %s in braces: atomic_unit, %s, with prefixes such as nano, not "
                   "'%.*s'",
                   velocity ? "velocity" : "length", velocity ? "m/s" : "angstrom, meter",
                   (int)(unit.end - unit.at < 40 ? unit.end - unit.at : 40), unit.at);
    return self->expected;
}

static const char *
read_comment(void *context, iw_line line, iw_xyz_comment *out)
{
    side *self = context;
    iw_ipi_comment comment;
    if (!iw_ipi_comment_read(line, &comment))
        return "i-PI's comment '# CELL(abcABC): A B C ALPHA BETA GAMMA  Step: N'";
    bool position = comment.quantity == IW_IPI_POSITIONS || comment.quantity == IW_IPI_X_CENTROID;
    bool velocity = comment.quantity == IW_IPI_VELOCITIES || comment.quantity == IW_IPI_V_CENTROID;
    if (self->velocities ? !velocity : !position)
        return self->velocities ? "velocities or v_centroid in the comment"
                                : "positions or x_centroid in the comment";
    if (self->bead >= 0 && comment.bead != self->bead)
        return "the bead of the frames before";
    double cell = iw_ipi_unit(IW_IPI_LENGTH, comment.cell_unit.at,
                              (size_t)(comment.cell_unit.end - comment.cell_unit.at));
    out->factor = iw_ipi_unit(velocity ? IW_IPI_VELOCITY : IW_IPI_LENGTH, comment.unit.at,
                              (size_t)(comment.unit.end - comment.unit.at));
    if (isnan(out->factor))
        return expect_unit(self, velocity, comment.unit);
    if (isnan(cell))
        return expect_unit(self, false, comment.cell_unit);
    self->bead = comment.bead;
    self->tells_cell_unit = comment.tells_cell_unit;
    for (size_t i = 0; i < 9; i++)
        self->cell_A[i] = comment.cell[i] * cell;
    out->step = comment.step;
    return NULL;
}

/* What the first comment says.  AGAIN, END: it is not there yet; what is wrong in it is said when
 * the frame is read. */
static iw_status
peek(const ipi *self, iw_ipi_comment *own, iw_error *err)
{
    iw_head head = {NULL, NULL, 0};
    iw_line line;
    enum { SIZE = 4096 };
    iw_status status = iw_text_peek(self->xyz.pos.text, SIZE, &head.data, &head.size, err);
    if (status != IW_OK)
        return status;
    if (iw_head_line(&head, 1, &line)) {
        if (!iw_ipi_comment_read(line, own))
            *own = (iw_ipi_comment){.quantity = IW_IPI_OTHER};
        return IW_OK;
    }
    return self->xyz.piece->follow ? IW_AGAIN : IW_END;
}

static iw_status
refuse_bead(const ipi *self, const iw_ipi_comment *own, iw_error *err)
{
    return iw_fail(err, IW_INVALID,
                   "%s holds bead %lld of a path of several: a bead is hotter than the atom that "
                   "it stands for; name the file of x_centroid, beside that of v_centroid",
                   self->xyz.piece->path, (long long)own->bead);
}

static iw_status
ipi_open(void *state, iw_piece *piece, iw_error *err)
{
    ipi *self = state;
    self->pos = (side){.bead = -1};
    self->vel = (side){.bead = -1, .velocities = true};
    self->xyz.pos.read_comment = self->xyz.vel.read_comment = read_comment;
    self->xyz.pos.context = &self->pos;
    self->xyz.vel.context = &self->vel;
    iw_ipi_prefix(piece->path, self->prefix);
    iw_ipi_comment own;
    iw_ipi_beside beside;
    iw_status status = iw_xyz_open(&self->xyz, piece, err);
    if (status == IW_OK)
        status = peek(self, &own, err);
    if (status == IW_OK)
        status = iw_ipi_look_beside(&beside, piece->path, &own, err);
    if (status != IW_OK)
        return status;
    self->centroid = own.quantity == IW_IPI_X_CENTROID;
    if (!self->centroid && (own.bead > 0 || beside.beads))
        return refuse_bead(self, &own, err);
    if (beside.several) {
        iw_notes_add(piece->notes, "%s: several files beside it hold its velocities: none is used",
                     piece->path);
        return IW_OK;
    }
    if (beside.velocities[0])
        return iw_xyz_open_velocities(&self->xyz, beside.velocities, err);
    if (piece->follow && piece->first && beside.awaited)
        return iw_fail(err, IW_AGAIN, "%s: the velocities beside it are not written yet",
                       piece->path);
    iw_notes_add(piece->notes,
                 "no velocities beside %s: positions of six digits make poor ones; let i-PI write "
                 "%s as well",
                 piece->path, self->centroid ? "v_centroid" : "velocities");
    return IW_OK;
}

static iw_status
describe_input(ipi *self, const iw_xyz_start *start, iw_run_info *run, iw_error *err)
{
    iw_piece *piece = self->xyz.piece;
    const iw_ipi_input *input = &self->input;
    if (start->n == 2 && start->when[1].epoch == 0 && start->when[1].step > start->when[0].step)
        run->stride = start->when[1].step - start->when[0].step;
    run->timestep_fs = input->timestep_fs;
    if (!isnan(input->timestep_fs))
        iw_notes_add(piece->notes, "the time step, %g fs, is that of %s", input->timestep_fs,
                     input->from);
    if (iw_ipi_thermostat(input))
        run->temperature_K = input->temperature_K;
    if (!self->pos.tells_cell_unit)
        iw_notes_add(piece->notes,
                     "%s: comments have no cell{...}: the cell is read in atomic units, as i-PI "
                     "does",
                     piece->path);
    if (!iw_path_beside(piece->path, "EXIT", piece->stop_file))
        piece->stop_file[0] = '\0';
    return input->ensemble[0] ? iw_run_info_set_metadata(run, "ensemble", input->ensemble, err)
                              : IW_OK;
}

static iw_status
ipi_describe(void *state, iw_run_info *run, iw_error *err)
{
    ipi *self = state;
    iw_xyz_start start;
    iw_status status = iw_xyz_describe(&self->xyz, &start, err);
    if (status == IW_OK)
        status = iw_ipi_input_read(&self->input, self->xyz.piece->path, self->prefix, err);
    if (status == IW_OK && !self->centroid && self->input.beads > 1) {
        const iw_ipi_comment own = {.bead = self->pos.bead};
        return refuse_bead(self, &own, err);
    }
    if (status == IW_OK)
        status = describe_input(self, &start, run, err);
    if (status == IW_OK)
        status = iw_xyz_set_atoms(&self->xyz, run, err);
    run->wrapped = false;
    return status;
}

static iw_status
ipi_next(void *state, iw_frame *frame, iw_error *err)
{
    ipi *self = state;
    iw_when when = {0};
    iw_status status = iw_xyz_read(&self->xyz, &when, frame, err);
    if (status == IW_AGAIN || status == IW_END)
        iw_xyz_back(&self->xyz);
    if (status != IW_OK)
        return status;
    frame->has_cell = true;
    memcpy(frame->cell_A, self->pos.cell_A, sizeof self->pos.cell_A);
    iw_xyz_take(&self->xyz, when, frame);
    return IW_OK;
}

static void
ipi_close(void *state)
{
    ipi *self = state;
    iw_xyz_fini(&self->xyz);
}

static int
ipi_guess(const iw_head *head)
{
    iw_line count, comment;
    iw_ipi_comment its;
    int64_t n;
    bool is = iw_head_line(head, 0, &count) && iw_field_int(&count, &n) && iw_field_none(&count) &&
              iw_head_line(head, 1, &comment) && iw_ipi_comment_read(comment, &its);
    return is ? 95 : 0;
}

const iw_format iw_format_ipi = {
    .name = "ipi",
    .text = "i-PI positions or x_centroid, with velocities or v_centroid beside it",
    .code = "i-PI",
    .dt_advice = "there is no input.xml or RESTART of it in the folder, or several that differ: "
                 "give --dt FS, the time from one frame to the next",
    .state_size = sizeof(ipi),
    .guess = ipi_guess,
    .find = iw_ipi_find,
    .open = ipi_open,
    .describe = ipi_describe,
    .next = ipi_next,
    .close = ipi_close,
    .text_at = offsetof(ipi, xyz.pos.text),
};
