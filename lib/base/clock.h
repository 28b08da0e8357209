/* SPDX-License-Identifier: MIT
 *
 * Time. Intervals are measured on the monotonic clock; only records and certificates use the wall.
 */
#ifndef RN_CLOCK_H
#define RN_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* CLOCK_MONOTONIC; starts at an arbitrary point, never goes back. */
uint64_t clock_now_ns(void);
uint64_t clock_now_ms(void);
/* Unix seconds, and milliseconds, UTC. */
int64_t clock_wall_s(void);
int64_t clock_wall_ms(void);
/* For tests: both clocks stand at the given monotonic time (wall = 1763640000 s + it) until set
 * again; UINT64_MAX gives the real ones back. */
void clock_fake_ns(uint64_t now_ns);
/* Whether clock_fake_ns has stopped the clocks: then nothing may wait for time to pass. */
bool clock_is_fake(void);

#endif
