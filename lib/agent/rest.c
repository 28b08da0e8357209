/* SPDX-License-Identifier: MIT
 *
 * One HTTPS call to a console: its options for libcurl, its signature, its end.
 */
#include "agent/rest_impl.h"

#include <sys/stat.h>

#define REST_TIMEOUT_MS 10000
#define REST_CONNECT_MS 5000
#define REST_BODY_MAX (1u << 20)

/* ---- a call ---------------------------------------------------------------------------------- */

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct agent_call *c = ctx;

	buf_add(&c->answer.body, str_make(bytes, size * n));
	return c->answer.body.failed ? 0 : size * n;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
	struct agent_call *c = ctx;
	struct str line = {bytes, size * n}, name;

	if (str_cut(&line, ':', &name) && line.ptr && str_eq_nocase(name, STR("etag"))) {
		while (line.len &&
		       (line.ptr[line.len - 1] == '\r' || line.ptr[line.len - 1] == '\n'))
			line.len--;
		str_copy(c->answer.etag, sizeof(c->answer.etag), str_trim(line));
	}
	return size * n;
}

static bool add_header(struct agent_call *c, const char *name, struct str value)
{
	struct curl_slist *longer;
	struct buf line;

	buf_init(&line, 4096);
	buf_addf(&line, "%s: %.*s", name, STR_ARG(value));
	buf_add_byte(&line, '\0');
	longer = line.failed ? NULL : curl_slist_append(c->headers, line.ptr);
	buf_free(&line);
	if (longer)
		c->headers = longer;
	return longer != NULL;
}

static bool add_signature(struct agent_call *c, const char *method, const char *path)
{
	struct agent_rest *r = c->rest;
	struct buf value;
	bool ok;

	if (!r->key)
		return true;
	buf_init(&value, 2048);
	request_sign(&value, r->key, r->node, method, str_from(path), buf_str(&c->request),
		     clock_wall_s());
	ok = !value.failed && add_header(c, "Authorization", buf_str(&value));
	buf_free(&value);
	return ok;
}

static bool set_headers(struct agent_call *c, const struct agent_request *q, const char *method)
{
	return add_header(c, "Accept", STR("text/x-rn")) && add_header(c, "Expect", STR("")) &&
	       (!c->request.len || add_header(c, "Content-Type", STR("text/x-rn"))) &&
	       (!q->etag || add_header(c, "If-None-Match", str_from(q->etag))) &&
	       add_signature(c, method, q->path);
}

static void set_url(struct agent_call *c, const struct agent_request *q)
{
	struct agent_rest *r = c->rest;
	struct buf url;

	buf_init(&url, 4096);
	if (q->host)
		buf_addf(&url, "https://%s%s", q->host, q->path);
	else
		buf_addf(&url, "%s%s", r->url, q->path);
	buf_add_byte(&url, '\0');
	curl_easy_setopt(c->easy, CURLOPT_URL, url.failed ? "" : url.ptr);
	buf_free(&url);
	if (r->via_always || q->host)
		c->connect_to = curl_slist_append(NULL, r->via);
	curl_easy_setopt(c->easy, CURLOPT_CONNECT_TO, c->connect_to);
}

/* What must hold of every connection, whoever asks. */
static void set_security(CURL *easy, const struct agent_rest *r)
{
	struct stat st;

	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* none from the environment */
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, r->unverified ? 0L : 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, r->unverified ? 0L : 2L);
	if (r->ca_file[0] && stat(r->ca_file, &st) == 0 && st.st_size > 0) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, r->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
}

static void set_request(struct agent_call *c, const struct agent_request *q, const char *method)
{
	long timeout = q->timeout_ms > 0 ? q->timeout_ms : REST_TIMEOUT_MS;

	curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, method);
	if (c->request.len || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, c->request.len ? c->request.ptr : "");
		curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)c->request.len);
	}
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->easy, CURLOPT_PATH_AS_IS,
			 1L); /* the signature is over the path as sent */
	curl_easy_setopt(c->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, timeout);
	curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, MIN(timeout, (long)REST_CONNECT_MS));
	curl_easy_setopt(c->easy, CURLOPT_USERAGENT, "rustronaut/" RN_VERSION);
	curl_easy_setopt(c->easy, CURLOPT_ERRORBUFFER, c->curl_text);
	curl_easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(c->easy, CURLOPT_WRITEDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(c->easy, CURLOPT_HEADERDATA, c);
	curl_easy_setopt(c->easy, CURLOPT_PRIVATE, c);
}

struct agent_call *rest_call_new(struct agent_rest *r, CURL *easy, const struct agent_request *q,
				 struct rn_error *err)
{
	const char *method = q->method ? q->method : "GET";
	struct agent_call *c = calloc(1, sizeof(*c));

	if (!c)
		goto fail;
	c->rest = r;
	c->easy = easy;
	buf_init(&c->request, REST_BODY_MAX);
	buf_init(&c->answer.body, AGENT_ANSWER_MAX);
	buf_add(&c->request, q->body);
	if (c->request.failed || !set_headers(c, q, method))
		goto fail;
	curl_easy_reset(easy);
	set_url(c, q);
	set_security(easy, r);
	set_request(c, q, method);
	return c;
fail:
	rn_fail(err, RN_EOS, "no memory for a request to %s", r->url);
	if (c)
		rest_call_free(c);
	return NULL;
}

void rest_call_free(struct agent_call *c)
{
	curl_slist_free_all(c->headers);
	curl_slist_free_all(c->connect_to);
	buf_free(&c->request);
	buf_free(&c->answer.body);
	free(c);
}

int rest_call_result(struct agent_call *c, struct rn_error *err)
{
	const char *url = c->rest->url;
	const char *why = c->curl_text[0] ? c->curl_text : curl_easy_strerror(c->result);
	long status = 0;

	switch (c->result) {
	case CURLE_OK:
		curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		c->answer.status = (int)status;
		return 0;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
		return rn_fail(err, RN_EPERM,
			       "%s: its certificate is not the joined console's (%s)", url, why);
	case CURLE_SSL_CACERT_BADFILE:
		return rn_fail(err, RN_ECONFIG, "%s: not a CA certificate", c->rest->ca_file);
	case CURLE_OUT_OF_MEMORY:
		return rn_fail(err, RN_EOS, "no memory for a request to %s", url);
	case CURLE_WRITE_ERROR:
		return rn_fail(err, RN_EPROTO, "%s: the answer is too long", url);
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		return rn_fail(err, RN_EPROTO, "%s: %s", url, why);
	default:
		return rn_fail(err, RN_EAWAY, "the console does not answer at %s (%s)", url, why);
	}
}

int agent_rest_call(struct agent_rest *r, const struct agent_request *q,
		    struct agent_answer *answer, struct rn_error *err)
{
	struct agent_call *c = rest_call_new(r, r->easy, q, err);
	int rc;

	if (!c)
		return err->code;
	c->result = curl_easy_perform(r->easy);
	rc = rest_call_result(c, err);
	if (!rc) {
		*answer = c->answer;
		buf_init(&c->answer.body, 0); /* handed over */
	}
	curl_easy_reset(r->easy); /* it must not point into the call */
	rest_call_free(c);
	return rc;
}

/* ---- the client ------------------------------------------------------------------------------ */

/* Where connections go: "::ADDRESS:" for every host and port (CURLOPT_CONNECT_TO). */
static bool set_via(struct agent_rest *r, const char *connect)
{
	struct str host = str_from_at(str_from(r->url), strlen("https://"));
	ptrdiff_t end;
	int n;

	r->via_always = connect && *connect;
	if (r->via_always) {
		n = snprintf(r->via, sizeof(r->via),
			     strchr(connect, ':') ? "::[%s]:" : "::%s:", connect);
		return n > 0 && (size_t)n < sizeof(r->via);
	}
	end = host.len && host.ptr[0] == '[' ? str_find(host, ']') + 1 : str_find(host, ':');
	if (end > 0)
		host = str_slice(host, 0, (size_t)end);
	n = snprintf(r->via, sizeof(r->via), "::%.*s:", STR_ARG(host));
	return n > 0 && (size_t)n < sizeof(r->via);
}

struct agent_rest *agent_rest_new(const struct agent_rest_conf *conf, struct rn_error *err)
{
	struct agent_rest *r = calloc(1, sizeof(*r));

	if (r)
		r->easy = curl_easy_init();
	if (!r || !r->easy) {
		rn_fail(err, RN_EOS, "no memory for a REST client");
		goto fail;
	}
	r->tail = &r->ended;
	r->unverified = conf->unverified;
	r->key = conf->key;
	if (!str_starts(str_from(conf->url), STR("https://")) ||
	    !str_copy(r->url, sizeof(r->url), str_from(conf->url)) || !set_via(r, conf->connect) ||
	    !str_copy(r->ca_file, sizeof(r->ca_file), str_from(conf->ca_file)) ||
	    !str_copy(r->node, sizeof(r->node), str_from(conf->node))) {
		rn_fail(err, RN_ECONFIG, "%s: not an https URL, or a name is too long", conf->url);
		goto fail;
	}
	return r;
fail:
	agent_rest_free(r);
	return NULL;
}

struct agent_rest *agent_rest_open(const struct agent_net *n, struct rn_error *err)
{
	char ca[AGENT_PATH_MAX], key_path[AGENT_PATH_MAX];
	struct agent_rest_conf conf = {
		.url = n->url, .connect = n->connect, .ca_file = ca, .node = n->node};
	struct auth_key *key = NULL;
	struct agent_rest *r;

	if (agent_net_path(n, ca, "ca.crt", err) || agent_net_path(n, key_path, "sign.key", err) ||
	    auth_key_load(&key, key_path, err))
		return NULL;
	conf.key = key;
	r = agent_rest_new(&conf, err);
	if (r)
		r->own_key = key;
	else
		auth_key_free(key);
	return r;
}

void agent_rest_free(struct agent_rest *r)
{
	if (!r)
		return;
	rest_multi_free(r);
	if (r->easy)
		curl_easy_cleanup(r->easy);
	auth_key_free(r->own_key);
	free(r);
}
