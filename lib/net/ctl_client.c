/* SPDX-License-Identifier: MIT
 *
 * The asking side of a control socket: one request, its answer, within a deadline.
 */
#include "net/net.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

struct ask {
	int sock;
	uint64_t deadline_ms; /* UINT64_MAX: none */
	const char *path;
	int fds[FDS_MAX];
	size_t n_fds;
	bool done;
	ctl_answer_fn *fn;
	void *ctx;
};

static int ask_wait(const struct ask *q, short events, struct rn_error *err)
{
	struct pollfd p = {.fd = q->sock, .events = events};

	for (;;) {
		uint64_t now = clock_now_ms();
		int ms = -1, n;

		if (q->deadline_ms != UINT64_MAX)
			ms = now >= q->deadline_ms ? 0 : (int)MIN(q->deadline_ms - now, 3600000u);
		n = poll(&p, 1, ms);
		if (n > 0)
			return 0;
		if (n == 0) {
			rn_fail(err, RN_EAWAY, "%s: no answer in time", q->path);
			err->sys = ETIMEDOUT;
			return RN_EAWAY;
		}
		if (errno != EINTR)
			return rn_fail_errno(err, RN_EOS, "poll");
	}
}

static int ask_send(const struct ask *q, struct str text, struct rn_error *err)
{
	while (text.len) {
		ssize_t n = send(q->sock, text.ptr, text.len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int rc = 0;

		if (n >= 0)
			text = str_from_at(text, (size_t)n);
		else if (errno == EAGAIN)
			rc = ask_wait(q, POLLOUT, err);
		else if (errno != EINTR)
			rc = rn_fail_errno(err, RN_EAWAY, "%s", q->path);
		if (rc)
			return rc;
	}
	return 0;
}

/* error=CODE text=…: the server's error becomes ours. */
static int remote_error(const struct ask *q, const struct rec *r, struct rn_error *err)
{
	struct buf text;
	uint64_t code;

	if (!str_to_u64(rec_id(r), 255, &code) || code == 0)
		return rn_fail(err, RN_EPROTO, "%s: an error without a code", q->path);
	buf_init(&text, REC_LINE_MAX);
	if (!unescape_value(&text, rec_get(r, "text")))
		buf_clear(&text);
	rn_fail(err, (enum rn_err) - (int)code, "%.*s", STR_ARG(buf_str(&text)));
	buf_free(&text);
	return err->code;
}

static int take_line(struct ask *q, struct str line, struct rec *r, struct rn_error *err)
{
	if (line.len == 0)
		return 0;
	if (rec_parse(r, line, NULL, err)) {
		rn_fail_in(err, "%s: bad answer", q->path);
		return err->code = RN_EPROTO;
	}
	if (r->n == 0)
		return 0;
	if (rec_is(r, "error"))
		return remote_error(q, r, err);
	if (rec_is(r, "done")) {
		q->done = true;
		return 0;
	}
	return q->fn ? q->fn(q->ctx, r, err) : 0;
}

/* Handles the complete lines of IN and leaves the rest. */
static int take_lines(struct ask *q, struct buf *in, struct rec *r, struct rn_error *err)
{
	size_t used = 0;
	int rc = 0;

	while (!rc && !q->done) {
		struct str rest = str_from_at(buf_str(in), used);
		ptrdiff_t end = str_find(rest, '\n');

		if (end < 0)
			break;
		rc = take_line(q, str_slice(rest, 0, (size_t)end), r, err);
		used += (size_t)end + 1;
	}
	buf_consume(in, used);
	return rc;
}

static int ask_answer(struct ask *q, struct buf *in, struct rn_error *err)
{
	struct rec r;

	while (!q->done) {
		int got[FDS_MAX], rc = ask_wait(q, POLLIN, err);
		size_t n_got = FDS_MAX - q->n_fds;
		char *room = buf_reserve(in, REC_LINE_MAX);
		ssize_t n;

		if (rc)
			return rc;
		if (!room)
			return rn_fail(err, RN_EPROTO, "%s: an answer line is too long", q->path);
		n = fds_recv(q->sock, room, REC_LINE_MAX, got, &n_got);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			return rn_fail_errno(err, RN_EPROTO, "%s", q->path);
		if (n == 0) {
			rn_fail(err, RN_EAWAY, "%s: closed before the answer's end", q->path);
			err->sys = ECONNRESET;
			return RN_EAWAY;
		}
		memcpy(q->fds + q->n_fds, got, n_got * sizeof(int));
		q->n_fds += n_got;
		in->len += (size_t)n;
		rc = take_lines(q, in, &r, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Hands the received descriptors out, or closes them if the caller does not want that many. */
static int give_fds(struct ask *q, int rc, int *fds, size_t *nfds, struct rn_error *err)
{
	if (!rc && q->n_fds > (fds ? *nfds : 0))
		rc = rn_fail(err, RN_EPROTO, "%s: unexpected descriptors", q->path);
	if (!rc && fds) {
		memcpy(fds, q->fds, q->n_fds * sizeof(int));
		*nfds = q->n_fds;
		return 0;
	}
	for (size_t i = 0; i < q->n_fds; i++)
		close(q->fds[i]);
	return rc;
}

int ctl_call(const char *path, struct str request, int timeout_ms, ctl_answer_fn *fn, void *ctx,
	     int *fds, size_t *nfds, struct rn_error *err)
{
	struct ask q = {.path = path, .fn = fn, .ctx = ctx, .deadline_ms = UINT64_MAX};
	struct buf in;
	int rc;

	if (timeout_ms >= 0)
		q.deadline_ms = clock_now_ms() + (uint64_t)timeout_ms;
	q.sock = unix_connect(path, err);
	if (q.sock < 0)
		return q.sock;
	/* Somebody else's answer, and descriptors, could come from a folder that anybody may have made
	 * first (/tmp). Root chose its path and may ask anybody. */
	if (geteuid() != 0 && !unix_peer_is_ours(q.sock)) {
		close(q.sock);
		return rn_fail(err, RN_EPERM, "%s is another user's", path);
	}
	buf_init(&in, 2 * REC_LINE_MAX);
	rc = ask_send(&q, request, err);
	if (!rc)
		rc = ask_send(&q, STR("\n"), err);
	if (!rc)
		rc = ask_answer(&q, &in, err);
	buf_free(&in);
	close(q.sock);
	return give_fds(&q, rc, fds, nfds, err);
}
