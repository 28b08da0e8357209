/* SPDX-License-Identifier: MIT */
#include "proxy/mail.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct mail *mailbox_take(struct mailbox *mb)
{
	pthread_mutex_lock(&mb->lock);
	struct mail *all = mb->first;
	mb->first = NULL;
	mb->last = &mb->first;
	pthread_mutex_unlock(&mb->lock);
	return all;
}

static void mailbox_deliver(struct mailbox *mb)
{
	struct mail *next;
	for (struct mail *m = mailbox_take(mb); m; m = next) {
		next = m->next; /* fn may free or post m again */
		m->fn(m);
	}
}

static void mailbox_ready(struct watch *w, uint32_t events)
{
	struct mailbox *mb = container_of(w, struct mailbox, watch);
	uint64_t count;
	(void)events;
	if (read(w->fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		mailbox_deliver(mb);
}

int mailbox_open(struct mailbox *mb, struct loop *l, struct rn_error *err)
{
	*mb = (struct mailbox){.loop = l, .watch = {.events = EPOLLIN, .fn = mailbox_ready}};
	mb->last = &mb->first;
	pthread_mutex_init(&mb->lock, NULL);
	mb->watch.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mb->watch.fd < 0)
		return rn_fail_errno(err, RN_EOS, "eventfd");
	int rc = watch_add(l, &mb->watch, err);
	if (rc)
		fd_close(&mb->watch.fd);
	return rc;
}

void mailbox_close(struct mailbox *mb)
{
	mailbox_deliver(mb);
	watch_del(mb->loop, &mb->watch);
	fd_close(&mb->watch.fd);
	pthread_mutex_destroy(&mb->lock);
}

void mailbox_post(struct mailbox *mb, struct mail *m, mail_fn *fn)
{
	m->next = NULL;
	m->fn = fn;
	pthread_mutex_lock(&mb->lock);
	bool wake = !mb->first;
	*mb->last = m;
	mb->last = &m->next;
	/* Under the lock, so that a closing owner that has seen the mail also outlives the write.
	 */
	if (wake) {
		uint64_t one = 1;
		ssize_t ignored = write(mb->watch.fd, &one, sizeof(one));
		(void)ignored;
	}
	pthread_mutex_unlock(&mb->lock);
}
