/* SPDX-License-Identifier: BSD-3-Clause */
#include "adapters/imd/imd.h"

#include <stdlib.h>
#include <string.h>

enum { GREETING = IW_IMD_HEADER + IW_IMD_HEADER + 7, SESSION_FLAGS = 7, ATOMS_MAX = INT32_MAX };

/* The packets of a frame; count 1, or the number of atoms. */
static const struct packet {
    iw_imd_kind kind;
    const char *name;
    size_t body, per_atom; /* bytes */
} packets[IW_IMD_KINDS] = {
    {IW_IMD_TIME, "time", 24, 0},
    {IW_IMD_ENERGIES, "energies", 40, 0},
    {IW_IMD_BOX, "box", 36, 0},
    {IW_IMD_COORDINATES, "coordinates", 0, 12},
    {IW_IMD_VELOCITIES, "velocities", 0, 12},
    {IW_IMD_FORCES, "forces", 0, 12},
};

struct iw_imd {
    size_t n_atoms;
    unsigned char greeting[GREETING];
    unsigned char *bytes; /* of one frame, once the session is known */
    size_t capacity, have;
    size_t read;             /* begin of the next header, which may not be there yet */
    size_t at[IW_IMD_KINDS]; /* of each body in bytes; 0: not there yet */
    bool greeted, is_engine, swapped;
    iw_imd_session session;
    iw_imd_frame frame;
    float *positions, *velocities; /* [n_atoms][3] */
    iw_error failure;
};

static uint32_t
big_endian(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void
iw_imd_header(unsigned char to[IW_IMD_HEADER], iw_imd_kind kind, uint32_t count)
{
    for (unsigned i = 0; i < 4; i++) {
        to[i] = (unsigned char)((uint32_t)kind >> (24 - 8 * i));
        to[4 + i] = (unsigned char)(count >> (24 - 8 * i));
    }
}

static uint32_t
word_of(const iw_imd *self, const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return self->swapped ? __builtin_bswap32(value) : value;
}

static uint64_t
long_of(const iw_imd *self, const unsigned char *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return self->swapped ? __builtin_bswap64(value) : value;
}

static double
double_of(const iw_imd *self, const unsigned char *at)
{
    uint64_t bits = long_of(self, at);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void
floats_of(const iw_imd *self, float *to, const unsigned char *at, size_t n)
{
    memcpy(to, at, n * sizeof *to);
    if (!self->swapped)
        return;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, to + i, sizeof bits);
        bits = __builtin_bswap32(bits);
        memcpy(to + i, &bits, sizeof bits);
    }
}

iw_imd *
iw_imd_new(size_t n_atoms, iw_error *err)
{
    iw_imd *self = n_atoms <= ATOMS_MAX ? calloc(1, sizeof *self) : NULL;
    if (!self) {
        (void)iw_fail(err, IW_NO_MEMORY, "no memory for frames of %zu atoms", n_atoms);
        return NULL;
    }
    self->n_atoms = n_atoms;
    return self;
}

void
iw_imd_destroy(iw_imd **selfp)
{
    iw_imd *self = *selfp;
    *selfp = NULL;
    if (!self)
        return;
    free(self->bytes);
    free(self->positions);
    free(self->velocities);
    free(self);
}

/* The handshake alone is awaited first: engines of another version send no session. */
void *
iw_imd_room(iw_imd *self, size_t *size)
{
    if (!self->greeted) {
        *size = (self->have < IW_IMD_HEADER ? IW_IMD_HEADER : GREETING) - self->have;
        return self->greeting + self->have;
    }
    *size = self->capacity - self->have;
    return self->bytes + self->have;
}

static bool
is_announced(const iw_imd *self, size_t packet)
{
    const iw_imd_session *session = &self->session;
    const bool flags[IW_IMD_KINDS] = {session->time,        session->energies,   session->box,
                                      session->coordinates, session->velocities, session->forces};
    return flags[packet];
}

static size_t
body_size(const iw_imd *self, size_t packet)
{
    return packets[packet].body + packets[packet].per_atom * self->n_atoms;
}

/* The version is in the engine's byte order, which it thereby tells. */
static iw_status
read_handshake(iw_imd *self, iw_error *err)
{
    uint32_t version;
    memcpy(&version, self->greeting + 4, sizeof version);
    self->swapped = version > UINT8_MAX;
    if (self->swapped)
        version = __builtin_bswap32(version);
    uint32_t kind = big_endian(self->greeting);
    if (kind != IW_IMD_HANDSHAKE || version > UINT8_MAX)
        return iw_fail(err, IW_PROTOCOL,
                       "no IMD engine: a connection begins with packet %d, not %u (right port?)",
                       IW_IMD_HANDSHAKE, kind);
    self->is_engine = true;
    if (version < IW_IMD_VERSION)
        return iw_fail(
            err, IW_UNSUPPORTED,
            "the engine speaks IMD version %u, which has neither velocities nor cell nor "
            "step numbers; version %d is needed: in LAMMPS of February 2025 on `fix imd "
            "... version 3`, in GROMACS `IMD-version = 3`, in NAMD `IMDversion 3`",
            version, IW_IMD_VERSION);
    if (version > IW_IMD_VERSION)
        return iw_fail(err, IW_UNSUPPORTED,
                       "the engine speaks IMD version %u; this program knows version %d", version,
                       IW_IMD_VERSION);
    return IW_OK;
}

static iw_status
read_session(iw_imd *self, iw_error *err)
{
    const unsigned char *at = self->greeting + IW_IMD_HEADER;
    uint32_t kind = big_endian(at), count = big_endian(at + 4);
    if (kind != IW_IMD_SESSION || count != SESSION_FLAGS)
        return iw_fail(err, IW_PROTOCOL,
                       "packet %u of count %u after the handshake, not session information (%d of "
                       "count %d)",
                       kind, count, IW_IMD_SESSION, SESSION_FLAGS);
    at += IW_IMD_HEADER;
    self->session = (iw_imd_session){at[0] != 0, at[1] != 0, at[2] != 0, at[3] != 0,
                                     at[4] != 0, at[5] != 0, at[6] != 0};
    for (size_t i = 0; i < IW_IMD_KINDS; i++)
        if (is_announced(self, i))
            self->capacity += IW_IMD_HEADER + body_size(self, i);
    if (self->capacity == 0)
        return iw_fail(err, IW_PROTOCOL, "the engine announces frames without anything in them");
    self->bytes = malloc(self->capacity);
    self->positions = malloc((3 * self->n_atoms + 1) * sizeof(float));
    self->velocities = malloc((3 * self->n_atoms + 1) * sizeof(float));
    if (!self->bytes || !self->positions || !self->velocities)
        return iw_fail(err, IW_NO_MEMORY, "no memory for frames of %zu atoms", self->n_atoms);
    self->greeted = true;
    self->have = 0;
    return IW_OK;
}

static iw_status
read_header(iw_imd *self, iw_error *err)
{
    const unsigned char *at = self->bytes + self->read;
    uint32_t kind = big_endian(at), count = big_endian(at + 4);
    size_t packet = 0;
    while (packet < IW_IMD_KINDS && packets[packet].kind != kind)
        packet++;
    if (packet == IW_IMD_KINDS)
        return iw_fail(err, IW_PROTOCOL, "packet %u of count %u within a frame", kind, count);
    const char *name = packets[packet].name;
    if (!is_announced(self, packet))
        return iw_fail(err, IW_PROTOCOL, "%s, which the engine did not announce", name);
    if (self->at[packet])
        return iw_fail(err, IW_PROTOCOL, "%s twice within a frame", name);
    if (packets[packet].per_atom && count != self->n_atoms)
        return iw_fail(err, IW_INVALID,
                       "%s of %u atoms, but the topology has %zu: is it another system, or does "
                       "the engine send a group of atoms?",
                       name, count, self->n_atoms);
    if (!packets[packet].per_atom && count != 1)
        return iw_fail(err, IW_PROTOCOL, "%s with count %u, not 1", name, count);
    self->at[packet] = self->read + IW_IMD_HEADER;
    self->read += IW_IMD_HEADER + body_size(self, packet);
    return IW_OK;
}

static void
read_frame(iw_imd *self)
{
    iw_imd_frame *frame = &self->frame;
    const iw_imd_session *session = &self->session;
    const unsigned char *body[IW_IMD_KINDS];
    for (size_t i = 0; i < IW_IMD_KINDS; i++)
        body[i] = self->bytes + self->at[i];
    *frame = (iw_imd_frame){0};
    if (session->energies) {
        float values[9];
        floats_of(self, values, body[1] + 4, 9);
        frame->step = (int32_t)word_of(self, body[1]);
        frame->temperature_K = values[0];
        frame->total_energy = values[1];
        frame->potential_energy = values[2];
    }
    if (session->time) {
        frame->dt = double_of(self, body[0]);
        frame->time = double_of(self, body[0] + 8);
        frame->step = (int64_t)long_of(self, body[0] + 16);
    }
    if (session->box)
        floats_of(self, frame->box, body[2], 9);
    if (session->coordinates) {
        floats_of(self, self->positions, body[3], 3 * self->n_atoms);
        frame->positions = self->positions;
    }
    if (session->velocities) {
        floats_of(self, self->velocities, body[4], 3 * self->n_atoms);
        frame->velocities = self->velocities;
    }
}

static iw_status
take(iw_imd *self, iw_imd_event *event, iw_error *err)
{
    iw_status status = IW_OK;
    if (!self->greeted) {
        if (self->have == IW_IMD_HEADER)
            status = read_handshake(self, err);
        else if (self->have == GREETING && (status = read_session(self, err)) == IW_OK)
            *event = IW_IMD_GREETED;
        return status;
    }
    while (status == IW_OK && self->read + IW_IMD_HEADER <= self->have)
        status = read_header(self, err);
    if (status == IW_OK && self->have == self->capacity) {
        read_frame(self);
        *event = IW_IMD_FRAMED;
        self->have = self->read = 0;
        memset(self->at, 0, sizeof self->at);
    }
    return status;
}

iw_status
iw_imd_took(iw_imd *self, size_t size, iw_imd_event *event, iw_error *err)
{
    *event = IW_IMD_MORE;
    if (self->failure.code == IW_OK) {
        self->have += size;
        (void)take(self, event, &self->failure);
    }
    if (self->failure.code != IW_OK && err)
        *err = self->failure;
    return self->failure.code;
}

bool
iw_imd_is_engine(const iw_imd *self)
{
    return self->is_engine;
}

bool
iw_imd_within_frame(const iw_imd *self)
{
    return self->greeted && self->have > 0;
}

bool
iw_imd_is_swapped(const iw_imd *self)
{
    return self->swapped;
}

size_t
iw_imd_frame_bytes(const iw_imd *self)
{
    return self->capacity;
}

const iw_imd_session *
iw_imd_session_of(const iw_imd *self)
{
    return &self->session;
}

const iw_imd_frame *
iw_imd_frame_of(const iw_imd *self)
{
    return &self->frame;
}
