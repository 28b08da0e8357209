/* SPDX-License-Identifier: MIT
 *
 * Walking the attributes of a netlink message, strictly: one that runs out of its frame, or is longer
 * or shorter than its kind may be, spoils the whole.
 */
#ifndef RN_WG_ATTR_H
#define RN_WG_ATTR_H

#include "base/base.h"

#include <libmnl/libmnl.h>

/* What is left of a frame. */
struct attr_walk {
	const char *at;
	size_t left;
	bool bad;
};

/* Those of message H behind its HEAD bytes of header, or those nested in A. */
struct attr_walk attr_walk_message(const struct nlmsghdr *h, size_t head);
struct attr_walk attr_walk_nested(const struct nlattr *a);
/* The next one; NULL at the end, and when what is left is no attribute (w->bad). */
const struct nlattr *attr_next(struct attr_walk *w);

/* The next message of a buffer {bytes, length}; NULL as above. (libmnl takes a length past 2^31.) */
const struct nlmsghdr *attr_next_message(struct attr_walk *w);

struct attr_rule {
	uint16_t min, max; /* bytes of payload */
};
/* Sorts the attributes by their type into AT (NULL: not there; of two the last), N of them, each by
 * its rule; types from N on are passed over. False: the frame is bad. */
bool attr_table(struct attr_walk w, const struct attr_rule *rules, size_t n, const struct nlattr **at);

#endif
