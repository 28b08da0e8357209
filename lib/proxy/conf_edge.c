/* SPDX-License-Identifier: MIT
 *
 * Records that stand alone: the bundle's own, keys, devices, policies, listeners, certificates.
 */
#include "proxy/conf.h"

const char *const listen_proto_names[] = {"http", "https", "tcp", "udp", NULL};

static int out_of_memory(struct rn_error *err)
{
	return rn_fail(err, RN_EOS, "out of memory");
}

static struct str keep(struct conf *c, struct str text)
{
	return arena_str(&c->s->arena, text);
}

int conf_bundle(struct conf *c, const struct rec *r, struct rn_error *err)
{
	c->s->gateway = keep(c, rec_id(r));
	return conf_text(c, r, "console", &c->s->console, err);
}

int conf_signer(struct conf *c, const struct rec *r, struct rn_error *err)
{
	struct signer *signer = VEC_PUSH(&c->s->signers);
	struct str uses = rec_get(r, "use"), use;

	if (!signer)
		return out_of_memory(err);
	if (!base64_decode(signer->key, AUTH_PUB_LEN, rec_id(r), BASE64_STD))
		return rn_fail(err, RN_ECONFIG, "signer is not 32 bytes in base64");
	signer->links = signer->logins = !uses.ptr;
	while (uses.ptr && rec_list_next(&uses, &use)) {
		signer->links |= str_is(use, "link");
		signer->logins |= str_is(use, "login");
	}
	return 0;
}

int conf_logout(struct conf *c, const struct rec *r, struct rn_error *err)
{
	int64_t *at = arena_new(&c->s->arena, int64_t);
	struct str user = keep(c, rec_id(r));
	uint64_t when;
	int rc = rec_u64(r, "at", 0, INT64_MAX, &when, err);

	if (rc)
		return rc;
	if (!at || !user.ptr || !map_set(&c->s->logouts, user, at))
		return out_of_memory(err);
	*at = (int64_t)when;
	return 0;
}

int conf_policy(struct conf *c, const struct rec *r, struct rn_error *err)
{
	return policy_set_add(c->s->policy, r, err);
}

static int device_address(struct conf *c, struct device *d, struct str text, struct rn_error *err)
{
	char plain[ADDR_TEXT_MAX];
	ptrdiff_t slash = str_find(text, '/');
	struct addr a;

	if (!addr_parse(&a, slash < 0 ? text : str_slice(text, 0, (size_t)slash), 0))
		return rn_fail(err, RN_ECONFIG, "address=%.*s is not an address", STR_ARG(text));
	addr_format_ip(&a, plain);
	struct str key = keep(c, str_from(plain));
	if (key.ptr && map_get(&c->s->device_by_ip, key))
		return rn_fail(err, RN_ECONFIG, "address=%s belongs to another device too", plain);
	if (!key.ptr || !map_set(&c->s->device_by_ip, key, d))
		return out_of_memory(err);
	return 0;
}

int conf_device(struct conf *c, const struct rec *r, struct rn_error *err)
{
	struct device *d = arena_new(&c->s->arena, struct device);
	struct str addresses = rec_get(r, "address"), key = rec_get(r, "sign_key"), one;
	int rc = 0;

	if (!d || !(d->user = keep(c, rec_get(r, "user"))).ptr ||
	    !(d->groups = keep(c, rec_get(r, "groups"))).ptr ||
	    !(d->name = keep(c, rec_id(r))).ptr || !map_set(&c->s->device_by_name, d->name, d))
		return out_of_memory(err);
	if (key.ptr)
		d->can_sign = base64_decode(d->sign_key, AUTH_PUB_LEN, key, BASE64_STD);
	while (rc == 0 && addresses.ptr && rec_list_next(&addresses, &one))
		rc = device_address(c, d, one, err);
	return rc;
}

static enum listen_proto listen_proto_find(struct str name)
{
	int i = 0;
	while (listen_proto_names[i] && !str_is(name, listen_proto_names[i]))
		i++;
	return (enum listen_proto)i;
}

/* Two listeners on one address and transport could not both have it. */
static int listen_unique(struct conf *c, const struct listen_conf *l, struct rn_error *err)
{
	for (size_t i = 0; i < c->s->listens.len; i++) {
		const struct listen_conf *o = c->s->listens.ptr[i];
		if (addr_port(&l->address) && addr_eq(&l->address, &o->address) &&
		    str_eq(l->via, o->via) && (l->proto == LISTEN_UDP) == (o->proto == LISTEN_UDP))
			return rn_fail(err, RN_ECONFIG,
				       "address=%.*s is already that of listen=%.*s",
				       STR_ARG(l->address_text), STR_ARG(o->name));
	}
	return 0;
}

static int listen_keep(struct conf *c, struct listen_conf *l, struct rn_error *err)
{
	struct listen_conf **place = VEC_PUSH(&c->s->listens);
	if (!place)
		return out_of_memory(err);
	*place = l;
	return map_set(&c->s->listen_by_name, l->name, l) ? 0 : out_of_memory(err);
}

int conf_listen(struct conf *c, const struct rec *r, struct rn_error *err)
{
	struct listen_conf *l = arena_new(&c->s->arena, struct listen_conf);
	struct str redirect;
	int rc;

	if (!l || !(l->name = keep(c, rec_id(r))).ptr)
		return out_of_memory(err);
	l->proto = listen_proto_find(rec_get(r, "proto"));
	if ((rc = conf_text(c, r, "address", &l->address_text, err)) ||
	    (rc = conf_text(c, r, "via", &l->via, err)) ||
	    (rc = conf_text(c, r, "redirect", &redirect, err)) ||
	    (rc = conf_u64(r, "head_s", &l->head_ms, err)) ||
	    (rc = conf_u64(r, "idle_s", &l->idle_ms, err)))
		return rc;
	l->head_ms *= 1000;
	l->idle_ms *= 1000;
	l->redirect_https = redirect.len > 0;
	if (!addr_parse(&l->address, l->address_text, -1))
		return rn_fail(err, RN_ECONFIG, "address=%.*s: an IP address and a port are needed",
			       STR_ARG(l->address_text));
	if (l->redirect_https && l->proto != LISTEN_HTTP)
		return rn_fail(err, RN_ECONFIG, "redirect is for proto=http");
	rc = listen_unique(c, l, err);
	return rc ? rc : listen_keep(c, l, err);
}

int conf_certificate(struct conf *c, const struct rec *r, struct rn_error *err)
{
	struct tls_cert *cert = VEC_PUSH(&c->certs);
	struct str list = rec_get(r, "host"), one, cert_file, key_file;
	struct str *hosts = arena_array(&c->s->arena, list.len / 2 + 1, sizeof(*hosts));
	int rc;

	if (!cert || !hosts)
		return out_of_memory(err);
	if ((rc = conf_file(c, r, "cert_file", &cert_file, err)) ||
	    (rc = conf_file(c, r, "key_file", &key_file, err)))
		return rc;
	cert->cert_file = cert_file.ptr;
	cert->key_file = key_file.ptr;
	cert->hosts = hosts;
	while (list.ptr && rec_list_next(&list, &one))
		if (!(hosts[cert->n_hosts++] = keep(c, one)).ptr)
			return out_of_memory(err);
	return 0;
}

static bool needs_tls(const struct snapshot *s)
{
	for (size_t i = 0; i < s->listens.len; i++)
		if (s->listens.ptr[i]->proto == LISTEN_HTTPS)
			return true;
	return false;
}

/* Redirects lead to the first https listener that a visitor can reach too (in no tunnel). */
static uint16_t https_port(const struct snapshot *s)
{
	for (size_t i = 0; i < s->listens.len; i++) {
		const struct listen_conf *l = s->listens.ptr[i];

		if (l->proto == LISTEN_HTTPS && !l->via.len && addr_port(&l->address))
			return addr_port(&l->address);
	}
	return 443;
}

int conf_finish(struct conf *c, struct rn_error *err)
{
	struct snapshot *s = c->s;

	for (size_t i = 0; i < s->listens.len; i++) {
		router_seal(&s->listens.ptr[i]->router);
		s->listens.ptr[i]->https_port = https_port(s);
	}
	if (needs_tls(s) && c->certs.len == 0)
		return rn_fail(err, RN_ECONFIG,
			       "%s: a listener has proto=https, but there is no certificate record",
			       c->src->file);
	if (c->certs.len && !c->src->text.ptr) {
		struct tls_ctx *previous = c->src->previous ? c->src->previous->tls : NULL;
		s->tls = tls_server_new(c->certs.ptr, c->certs.len, previous, err);
		if (!s->tls)
			return err->code;
	}
	return policy_set_finish(s->policy, err);
}
