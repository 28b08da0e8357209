/* SPDX-License-Identifier: MIT
 *
 * Exposed services and their share links.
 */
#include "cgi.h"

static int read_service(struct call *k, struct console_service *s, struct rn_error *err)
{
	const struct rec *r = &k->body;
	uint64_t port, expires;
	int rc;

	*s = (struct console_service){
		.name = body_text(k, "name"),
		.local_address = body_text(k, "local_address"),
		.protocol = body_text(k, "protocol"),
		.subdomain = body_text(k, "subdomain"),
		.allow = rec_get(r, "allow"),
		.node = body_text(k, "device"),
	};
	rc = rec_u64(r, "tunnel_port", 0, 65535, &port, err);
	rc = rc ? rc : rec_u64(r, "expires_s", 0, UINT32_MAX, &expires, err);
	rc = rc ? rc : rec_bool(r, "public", false, &s->public_, err);
	rc = rc ? rc : rec_bool(r, "auth_required", true, &s->auth_required, err);
	if (rc)
		return rc;
	s->tunnel_port = (uint16_t)port;
	s->expires_s = (uint32_t)expires;
	return 0;
}

int service_post(struct call *k, struct rn_error *err)
{
	struct console_service service;
	int rc = body_read(k, err);

	rc = rc ? rc : read_service(k, &service, err);
	rc = rc ? rc : console_service_open(k->console, &k->actor, &service, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 201, buf_str(&k->out), false, err);
}

int service_put(struct call *k, struct rn_error *err)
{
	int rc = body_read(k, err);

	rc = rc ? rc : console_service_set(k->console, &k->actor, &k->body, &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 200, buf_str(&k->out), false, err);
}

int link_post(struct call *k, struct rn_error *err)
{
	uint64_t expires;
	int rc = body_read(k, err);

	rc = rc ? rc : rec_u64(&k->body, "expires_s", 0, UINT32_MAX, &expires, err);
	rc = rc ? rc
		: console_service_link(k->console, &k->actor, str_from(k->id), (uint32_t)expires,
				       &k->out, err);
	return rc ? rc : reply_records(k->re, k->rq, 201, buf_str(&k->out), false, err);
}
