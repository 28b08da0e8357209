/* SPDX-License-Identifier: MIT */
#include "wg/attr.h"
#include "wg/kernel_genl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <unistd.h>

#define ANSWER_BYTES 65536 /* the kernel fills at most 32 KiB of it */
#define MESSAGE_BYTES 512

struct genl {
	struct mnl_socket *sock;
	unsigned port;
	uint32_t seq;
	uint16_t family;
	union {
		char bytes[MESSAGE_BYTES];
		struct nlmsghdr align;
	} msg;
	union {
		char bytes[ANSWER_BYTES];
		struct nlmsghdr align;
	} answer;
};

struct hearing {
	genl_fn *fn;
	void *ctx;
	struct rn_error *err;
	int code;
};

static int hear(const struct nlmsghdr *h, void *ctx)
{
	struct hearing *hearing = ctx;
	if (hearing->fn)
		hearing->code = hearing->fn(hearing->ctx, h, hearing->err);
	return hearing->code ? MNL_CB_ERROR : MNL_CB_OK;
}

/* The last message of a dump has its result. */
static int hear_done(const struct nlmsghdr *h, void *ctx)
{
	int result = 0;
	(void)ctx;
	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(result))
		memcpy(&result, mnl_nlmsg_get_payload(h), sizeof(result));
	errno = result < 0 ? -result : 0;
	return result < 0 ? MNL_CB_ERROR : MNL_CB_STOP;
}

static int hear_error(const struct nlmsghdr *h, void *ctx)
{
	struct nlmsgerr e = {.error = -EBADMSG};
	(void)ctx;
	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(e))
		memcpy(&e, mnl_nlmsg_get_payload(h), sizeof(e));
	errno = e.error < 0 ? -e.error : e.error;
	return errno ? MNL_CB_ERROR : MNL_CB_STOP;
}

static mnl_cb_t controls[NLMSG_MIN_TYPE] = {
	[NLMSG_ERROR] = hear_error,
	[NLMSG_DONE] = hear_done,
};

int genl_talk(struct genl *g, struct nlmsghdr *h, genl_fn *fn, void *ctx, struct rn_error *err)
{
	struct hearing hearing = {fn, ctx, err, 0};
	h->nlmsg_seq = ++g->seq;
	if (mnl_socket_sendto(g->sock, h, h->nlmsg_len) < 0)
		return rn_fail_errno(err, RN_EOS, "netlink");
	int more = MNL_CB_OK;
	while (more == MNL_CB_OK) {
		ssize_t n = mnl_socket_recvfrom(g->sock, &g->answer, sizeof(g->answer));
		if (n < 0 && errno == EINTR)
			continue;
		more = n < 0 ? MNL_CB_ERROR
			     : mnl_cb_run2(&g->answer, (size_t)n, g->seq, g->port, hear, &hearing, controls,
					   ARRAY_LEN(controls));
	}
	int saved = errno;
	secret_wipe(&g->answer, sizeof(g->answer));
	errno = saved;
	if (more != MNL_CB_ERROR || hearing.code)
		return hearing.code;
	return rn_fail_errno(err, errno == EPERM ? RN_EPERM : RN_EOS, "netlink");
}

struct nlmsghdr *genl_message(struct genl *g, uint8_t cmd, uint8_t version, uint16_t flags)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(&g->msg);
	h->nlmsg_type = g->family;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	struct genlmsghdr *head = mnl_nlmsg_put_extra_header(h, sizeof(*head));
	head->cmd = cmd;
	head->version = version;
	return h;
}

/* ---- which number the family has ------------------------------------------------------------------ */

static int see_family(void *ctx, const struct nlmsghdr *h, struct rn_error *err)
{
	static const struct attr_rule rules[] = {[CTRL_ATTR_FAMILY_ID] = {2, 2}};
	const struct nlattr *at[ARRAY_LEN(rules)];
	uint16_t *family = ctx;
	if (!attr_table(attr_walk_message(h, sizeof(struct genlmsghdr)), rules, ARRAY_LEN(rules), at))
		return rn_fail(err, RN_EPROTO, "the kernel's answer is not understood");
	if (at[CTRL_ATTR_FAMILY_ID])
		*family = mnl_attr_get_u16(at[CTRL_ATTR_FAMILY_ID]);
	return 0;
}

static int find_family(struct genl *g, const char *name, struct rn_error *err)
{
	uint16_t family = 0;
	g->family = GENL_ID_CTRL;
	struct nlmsghdr *h = genl_message(g, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);
	mnl_attr_put_strz(h, CTRL_ATTR_FAMILY_NAME, name);
	int code = genl_talk(g, h, see_family, &family, err);
	g->family = family;
	if ((code && err->sys == ENOENT) || (!code && !family))
		return rn_fail(err, RN_EAWAY, "this kernel has no %s module", name);
	return code;
}

struct genl *genl_open(int fd, const char *family, struct rn_error *err)
{
	struct genl *g = calloc(1, sizeof(*g));
	if (!g || !(g->sock = mnl_socket_fdopen(fd))) {
		rn_fail_errno(err, RN_EOS, "netlink socket");
		close(fd);
		free(g);
		return NULL;
	}
	g->port = mnl_socket_get_portid(g->sock);
	if (!find_family(g, family, err))
		return g;
	genl_close(g);
	return NULL;
}

void genl_close(struct genl *g)
{
	if (!g)
		return;
	mnl_socket_close(g->sock);
	free(g);
}

uint16_t genl_family(const struct genl *g)
{
	return g->family;
}
