/* SPDX-License-Identifier: MIT
 *
 * Messages between the threads of the proxy. A mailbox belongs to one loop: anybody may post, the
 * owner's thread runs each mail in the order of posting. A mail is embedded in what it is about and
 * belongs to the receiver once posted.
 */
#ifndef RN_PROXY_MAIL_H
#define RN_PROXY_MAIL_H

#include "net/net.h"

#include <pthread.h>

struct mail;
typedef void mail_fn(struct mail *m);
struct mail {
	struct mail *next;
	mail_fn *fn;
};

struct mailbox {
	struct watch watch; /* an eventfd */
	struct loop *loop;
	pthread_mutex_t lock;
	struct mail *first, **last;
};

int mailbox_open(struct mailbox *mb, struct loop *l, struct rn_error *err) must_check;
/* Runs what is still in it, then closes. */
void mailbox_close(struct mailbox *mb);
/* From any thread. Never blocks for longer than another post. */
void mailbox_post(struct mailbox *mb, struct mail *m, mail_fn *fn);

#endif
