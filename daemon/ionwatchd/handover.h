/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef IW_HANDOVER_H
#define IW_HANDOVER_H
/* handover.h - memory that goes to another thread through libzmq: ThreadSanitizer cannot see the
 * ordering inside, so both sides say it. */
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define IW_HANDED_OVER(pointer) __tsan_release(pointer)
#define IW_TAKEN_OVER(pointer)  __tsan_acquire(pointer)
#else
#define IW_HANDED_OVER(pointer) ((void)(pointer))
#define IW_TAKEN_OVER(pointer)  ((void)(pointer))
#endif

#endif
