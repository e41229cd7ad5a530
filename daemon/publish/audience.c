/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "publish/audience.h"

#include <stdlib.h>
#include <string.h>

struct iw_audience {
    size_t n;
    struct topic {
        int who; /* the first who wanted it */
        unsigned char size;
        char text[IW_AUDIENCE_TOPIC];
    } topics[IW_AUDIENCE_TOPICS];
};

iw_audience *
iw_audience_new(void)
{
    return calloc(1, sizeof(iw_audience));
}

void
iw_audience_destroy(iw_audience **audience)
{
    free(*audience);
    *audience = NULL;
}

void
iw_audience_clear(iw_audience *self)
{
    self->n = 0;
}

static size_t
find(const iw_audience *self, const char *text, size_t size)
{
    size_t i = 0;
    while (i < self->n &&
           (self->topics[i].size != size || memcmp(self->topics[i].text, text, size) != 0))
        i++;
    return i;
}

static iw_status
add(iw_audience *self, int who, const char *text, size_t size, iw_error *err)
{
    size_t own = 0;
    for (size_t i = 0; i < self->n; i++)
        own += self->topics[i].who == who;
    if (own >= IW_AUDIENCE_OWN)
        return iw_fail(err, IW_REFUSED, "a subscriber has %d topics at most, \"\" is all runs",
                       IW_AUDIENCE_OWN);
    if (self->n == IW_AUDIENCE_TOPICS)
        return iw_fail(err, IW_FULL, "subscribers have %d topics at most", IW_AUDIENCE_TOPICS);
    struct topic *topic = &self->topics[self->n++];
    topic->who = who;
    topic->size = (unsigned char)size;
    memcpy(topic->text, text, size);
    return IW_OK;
}

iw_status
iw_audience_hear(iw_audience *self, int who, const void *word, size_t size, iw_error *err)
{
    const char *bytes = word;
    if (size == 0 || (bytes[0] != 0 && bytes[0] != 1))
        return iw_fail(err, IW_REFUSED, "a subscriber has nothing to say but topics");
    bool begins = bytes[0] == 1;
    const char *text = bytes + 1;
    size--;
    if (size > IW_AUDIENCE_TOPIC)
        return begins ? iw_fail(err, IW_REFUSED, "a topic is a run id, or how it begins: %d bytes",
                                IW_AUDIENCE_TOPIC)
                      : IW_OK;
    size_t i = find(self, text, size);
    if (begins)
        return i < self->n ? IW_OK : add(self, who, text, size, err);
    if (i < self->n)
        self->topics[i] = self->topics[--self->n];
    return IW_OK;
}

bool
iw_audience_wants(const iw_audience *self, const char *topic)
{
    size_t length = strlen(topic);
    for (size_t i = 0; i < self->n; i++)
        if (self->topics[i].size <= length &&
            memcmp(self->topics[i].text, topic, self->topics[i].size) == 0)
            return true;
    return false;
}
