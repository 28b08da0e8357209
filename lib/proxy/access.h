/* SPDX-License-Identifier: MIT
 *
 * Access records on their way out: each worker writes into a ring of its own and never waits; the
 * main thread empties the rings into the log file and to those who follow. A record that finds its
 * ring full is dropped and counted, and the count is told.
 */
#ifndef RN_PROXY_ACCESS_H
#define RN_PROXY_ACCESS_H

#include "record/record.h"

#include <stdalign.h>
#include <stdatomic.h>

#define ACCESS_RING (256U << 10) /* a power of two */

struct access_ring {
	char *bytes;
	alignas(64) _Atomic uint64_t head; /* the worker's: written so far */
	_Atomic uint64_t lost;
	alignas(64) _Atomic uint64_t tail; /* the reader's */
	struct buf line;		   /* the record being made; the worker's */
};

bool access_ring_init(struct access_ring *r);
void access_ring_free(struct access_ring *r);
/* Puts what stands in r->line (whole records) into the ring, and clears it. True when that made the
 * ring half full: the reader should come now. */
bool access_ring_put(struct access_ring *r);
/* Moves all that is there to OUT. */
void access_ring_take(struct access_ring *r, struct buf *out);

/* Request ids: 10 characters of time, 16 of chance (Crockford's base 32): they sort by time. */
void access_id(char out[static 27], int64_t now_ms, uint64_t next[static 2]);

/* As rec_add, but what would not fit in a record is cut at a character: *cut is set. */
void access_add_text(struct buf *b, const char *key, struct str text, size_t max, bool *cut);

#endif
