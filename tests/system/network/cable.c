/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "cable.h"

#include "iw_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PACKET = 2048, WAITING = 4096 };

typedef struct {
    double due_ms;
    uint64_t number; /* in the order of arrival */
    size_t size;
    int to;
    unsigned char bytes[PACKET];
} packet;

/* A host: its namespace and the other end of its device. */
typedef struct {
    const char *address;
    int space, device;
    char why[200];
} host;

struct cable {
    host hosts[2];
    int home;     /* namespace that the process began in */
    int ended[2]; /* pipe: the passing thread ends when it closes */
    pthread_t thread;
    pthread_mutex_t lock; /* of quality and counts */
    cable_quality quality;
    cable_counts counts;
    packet *waiting[WAITING];    /* NULL: a free place */
    uint64_t arrived, newest[2]; /* newest: number of the last packet that was passed on */
    uint64_t seed;
};

static double
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

static int
bring_up(int control, const char *device)
{
    struct ifreq request = {0};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    if (ioctl(control, SIOCGIFFLAGS, &request) != 0)
        return -1;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP | IFF_RUNNING);
    return ioctl(control, SIOCSIFFLAGS, &request);
}

static int
give_address(int control, const char *device, unsigned long what, const char *text)
{
    struct ifreq request = {0};
    struct sockaddr_in address = {.sin_family = AF_INET};
    (void)inet_pton(AF_INET, text, &address.sin_addr);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", device);
    memcpy(&request.ifr_addr, &address, sizeof address);
    return ioctl(control, what, &request);
}

/* On a thread of its own, which takes its namespace with it. */
static void *
make_host(void *argument)
{
    host *self = argument;
    struct ifreq request = {.ifr_name = "line0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    const char *what = "a network namespace";
    int control = -1;
    bool good = unshare(CLONE_NEWNET) == 0;
    if (good) {
        what = "a TUN device";
        self->space = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
        self->device = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        good = self->space >= 0 && self->device >= 0 && control >= 0 &&
               ioctl(self->device, TUNSETIFF, &request) == 0;
    }
    good = good && give_address(control, "line0", SIOCSIFADDR, self->address) == 0 &&
           give_address(control, "line0", SIOCSIFNETMASK, "255.255.255.0") == 0 &&
           bring_up(control, "line0") == 0 && bring_up(control, "lo") == 0;
    if (!good)
        (void)snprintf(self->why, sizeof self->why, "%s: %s", what, strerror(errno));
    if (control >= 0)
        (void)close(control);
    return NULL;
}

static void
pass_on(cable *self, packet **place, double now)
{
    packet *p = *place;
    if (p->due_ms > now)
        return;
    *place = NULL;
    bool passed = write(self->hosts[p->to].device, p->bytes, p->size) == (ssize_t)p->size;
    (void)pthread_mutex_lock(&self->lock);
    self->counts.passed += passed;
    self->counts.lost += !passed;
    self->counts.overtaken += p->number < self->newest[p->to];
    (void)pthread_mutex_unlock(&self->lock);
    if (p->number > self->newest[p->to])
        self->newest[p->to] = p->number;
    free(p);
}

/* Takes a packet from a host's device; false when there is none. */
static bool
take(cable *self, int from, double now)
{
    packet *p = malloc(sizeof *p);
    ssize_t size = p ? read(self->hosts[from].device, p->bytes, sizeof p->bytes) : -1;
    if (size <= 0) {
        free(p);
        return false;
    }
    (void)pthread_mutex_lock(&self->lock);
    cable_quality quality = self->quality;
    (void)pthread_mutex_unlock(&self->lock);
    size_t place = 0;
    while (place < WAITING && self->waiting[place])
        place++;
    if (place == WAITING || quality.cut[from] || iw_test_uniform(&self->seed) < quality.loss) {
        (void)pthread_mutex_lock(&self->lock);
        self->counts.lost++;
        (void)pthread_mutex_unlock(&self->lock);
        free(p);
        return true;
    }
    p->size = (size_t)size;
    p->to = 1 - from;
    p->number = ++self->arrived;
    p->due_ms = now + quality.delay_ms + quality.jitter_ms * iw_test_uniform(&self->seed);
    self->waiting[place] = p;
    return true;
}

static void *
pass_packets(void *argument)
{
    cable *self = argument;
    for (;;) {
        struct pollfd items[3] = {{.fd = self->hosts[0].device, .events = POLLIN},
                                  {.fd = self->hosts[1].device, .events = POLLIN},
                                  {.fd = self->ended[0], .events = POLLIN}};
        (void)poll(items, 3, 1);
        if (items[2].revents)
            return NULL;
        double now = now_ms();
        for (int from = 0; from < 2; from++)
            while (take(self, from, now))
                ;
        for (size_t i = 0; i < WAITING; i++)
            if (self->waiting[i])
                pass_on(self, &self->waiting[i], now);
    }
}

cable *
cable_open(char why[200])
{
    static const char *const addresses[2] = {CABLE_DAEMON_ADDRESS, "10.77.0.2"};
    cable *self = calloc(1, sizeof *self);
    assert_non_null(self);
    self->seed = 20261122;
    self->home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    assert_int_equal(pipe2(self->ended, O_CLOEXEC), 0);
    (void)pthread_mutex_init(&self->lock, NULL);
    why[0] = '\0';
    for (int i = 0; i < 2; i++) {
        pthread_t maker;
        self->hosts[i] = (host){.address = addresses[i], .space = -1, .device = -1};
        assert_int_equal(pthread_create(&maker, NULL, make_host, &self->hosts[i]), 0);
        (void)pthread_join(maker, NULL);
        if (self->hosts[i].why[0])
            (void)snprintf(why, 200, "%.190s", self->hosts[i].why);
    }
    if (!why[0])
        assert_int_equal(pthread_create(&self->thread, NULL, pass_packets, self), 0);
    else
        cable_close(&self);
    return self;
}

void
cable_close(cable **self_)
{
    cable *self = *self_;
    if (!self)
        return;
    (void)close(self->ended[1]);
    if (self->thread)
        (void)pthread_join(self->thread, NULL);
    for (size_t i = 0; i < WAITING; i++)
        free(self->waiting[i]);
    for (int i = 0; i < 2; i++) {
        if (self->hosts[i].space >= 0)
            (void)close(self->hosts[i].space);
        if (self->hosts[i].device >= 0)
            (void)close(self->hosts[i].device);
    }
    (void)close(self->ended[0]);
    (void)close(self->home);
    (void)pthread_mutex_destroy(&self->lock);
    free(self);
    *self_ = NULL;
}

void
cable_enter(cable *self, cable_side side)
{
    assert_int_equal(setns(self->hosts[side].space, CLONE_NEWNET), 0);
}

void
cable_leave(cable *self)
{
    assert_int_equal(setns(self->home, CLONE_NEWNET), 0);
}

void
cable_set(cable *self, const cable_quality *quality)
{
    (void)pthread_mutex_lock(&self->lock);
    self->quality = *quality;
    (void)pthread_mutex_unlock(&self->lock);
}

cable_counts
cable_count(cable *self)
{
    (void)pthread_mutex_lock(&self->lock);
    cable_counts counts = self->counts;
    (void)pthread_mutex_unlock(&self->lock);
    return counts;
}
