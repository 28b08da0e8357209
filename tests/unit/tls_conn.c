/* SPDX-License-Identifier: MIT
 *
 * A small CA, its certificates, and TLS over a socket pair: names, refusals, data, resumption.
 */
#include "tls/tls.h"
#include "tls/x509.h"
#include "tap.h"

#include <sys/socket.h>
#include <unistd.h>

#define DAYS 30

static char dir[] = "/tmp/rn-tls-XXXXXX";
static struct rn_error err;

static struct {
	struct x509_key *key;
	struct buf cert;
} ca;

static const char *in_dir(const char *name)
{
	static char path[4][64];
	static unsigned at;

	at = (at + 1) % 4;
	snprintf(path[at], sizeof(path[at]), "%s/%s", dir, name);
	return path[at];
}

/* Key and certificate for HOSTS as NAME.key and NAME.crt; the PEM is left in *CERT. */
static bool issue(const char *name, const struct str *hosts, size_t n, struct buf *cert)
{
	struct buf csr, key;
	char file[32];
	struct x509_key *k = x509_key_new(&err);
	bool ok;

	buf_init(&csr, 8192);
	buf_init(&key, 8192);
	buf_init(cert, 8192);
	ok = k && x509_csr_make(k, hosts, n, &csr, &err) == 0 && x509_key_write(k, &key, &err) == 0;
	struct x509_sign s = {.ca_cert = buf_str(&ca.cert), .ca_key = ca.key, .csr = buf_str(&csr),
			      .hosts = hosts, .n_hosts = n, .days = DAYS};
	ok = ok && x509_sign_server(&s, cert, &err) == 0 && x509_key_matches(k, buf_str(cert));
	snprintf(file, sizeof(file), "%s.key", name);
	ok = ok && file_write(in_dir(file), 0600, buf_str(&key), &err) == 0;
	snprintf(file, sizeof(file), "%s.crt", name);
	ok = ok && file_write(in_dir(file), 0644, buf_str(cert), &err) == 0;
	x509_key_free(k);
	buf_free(&csr);
	buf_free(&key);
	return ok;
}

static void test_x509(void)
{
	struct str hosts[] = {STR("gw.example.com"), STR("*.gw.example.com"), STR("127.0.0.1"), STR("::1")};
	struct str bad[] = {STR("a b")};
	struct x509_info info;
	struct buf cert, der, pem, none;

	TAP_OK(issue("gw", hosts, 4, &cert), "a certificate for two names and two addresses");
	TAP_OK(x509_verify(buf_str(&cert), buf_str(&ca.cert), "gw.example.com", &err) == 0, "good for its name");
	TAP_OK(x509_verify(buf_str(&cert), buf_str(&ca.cert), "x.gw.example.com", &err) == 0, "and the wildcard's");
	TAP_OK(x509_verify(buf_str(&cert), buf_str(&ca.cert), "::1", &err) == 0, "and an address");
	TAP_OK(x509_verify(buf_str(&cert), buf_str(&ca.cert), "x.y.gw.example.com", &err) == RN_ENO, "one label only");
	TAP_OK(x509_verify(buf_str(&cert), buf_str(&ca.cert), "other.example", &err) == RN_ENO, "not for another");
	TAP_OK(x509_verify(buf_str(&cert), buf_str(&cert), "gw.example.com", &err) < 0, "not without the CA");
	TAP_OK(x509_read(buf_str(&cert), &info, &err) == 0 && !info.is_ca && strlen(info.sha256) == 64,
	       "a server certificate is no CA");
	int64_t left = info.not_after_at - clock_wall_s();
	TAP_OK(left > DAYS * 86400 - 60 && left <= DAYS * 86400, "and ends when it was told to");
	TAP_OK(x509_read(buf_str(&ca.cert), &info, &err) == 0 && info.is_ca &&
		       strcmp(info.subject, "Test CA") == 0, "the CA is one, and has its name");
	buf_init(&der, 8192);
	buf_init(&pem, 8192);
	TAP_OK(x509_pem_to_der(buf_str(&cert), &der, &err) == 0 &&
		       x509_der_to_pem(buf_str(&der), &pem, &err) == 0 &&
		       str_eq(buf_str(&pem), buf_str(&cert)), "PEM to DER and back is the same");
	TAP_OK(x509_der_to_pem(str_slice(buf_str(&der), 0, der.len - 1), &pem, &err) == RN_EDATA, "cut DER is refused");
	TAP_OK(!issue("bad", bad, 1, &none) && err.code == RN_EDATA, "no certificate for what is no host");
	buf_free(&der);
	buf_free(&pem);
	buf_free(&cert);
}

static void test_csr(void)
{
	struct str host = STR("a.example");
	struct x509_key *k = x509_key_new(&err);
	struct buf csr, cert;

	buf_init(&csr, 8192);
	buf_init(&cert, 8192);
	TAP_OK(k && x509_csr_make(k, &host, 1, &csr, &err) == 0, "a request");
	/* one letter in the middle of the base64 */
	csr.ptr[csr.len / 2] = csr.ptr[csr.len / 2] == 'A' ? 'B' : 'A';
	struct x509_sign s = {.ca_cert = buf_str(&ca.cert), .ca_key = ca.key, .csr = buf_str(&csr),
			      .hosts = &host, .n_hosts = 1, .days = 1};
	TAP_OK(x509_sign_server(&s, &cert, &err) == RN_EDATA, "a changed request is refused");
	TAP_OK(cert.len == 0, "and gives nothing");
	x509_key_free(k);
	buf_free(&csr);
	buf_free(&cert);
}

struct pair {
	int fd[2];
	struct tls_conn *server, *client;
};

/* Handshakes both sides in turn; the client's result. Reads once too, so that tickets arrive. */
static enum tls_result shake(struct pair *p)
{
	struct rn_error server_err;
	enum tls_result c = TLS_WANT_READ, s = TLS_WANT_READ;

	for (int i = 0; i < 20 && c != TLS_FAILED && (c != TLS_OK || s != TLS_OK); i++) {
		c = tls_handshake(p->client, &err);
		if (s != TLS_FAILED)
			s = tls_handshake(p->server, &server_err);
	}
	return c;
}

static bool open_pair(struct pair *p, struct tls_ctx *server, struct tls_ctx *client, const char *name)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p->fd) < 0)
		return false;
	p->server = tls_accept_new(server, p->fd[0]);
	p->client = tls_connect_new(client, p->fd[1], name);
	return p->server && p->client;
}

static void close_pair(struct pair *p)
{
	tls_free(p->server);
	tls_free(p->client);
	close(p->fd[0]);
	close(p->fd[1]);
}

static enum tls_result try_name(struct tls_ctx *server, struct tls_ctx *client, const char *name)
{
	struct pair p;
	enum tls_result r = open_pair(&p, server, client, name) ? shake(&p) : TLS_FAILED;

	close_pair(&p);
	return r;
}

static void test_data(struct tls_ctx *server, struct tls_ctx *client)
{
	char got[32];
	size_t n = 0;
	struct pair p;

	TAP_OK(open_pair(&p, server, client, "gw.example.com") && shake(&p) == TLS_OK, "handshake");
	TAP_OK(strcmp(tls_version(p.client), "TLSv1.3") == 0, "TLS 1.3 by default");
	TAP_OK(strcmp(tls_sni(p.server), "gw.example.com") == 0, "the server knows the name");
	TAP_OK(tls_read(p.server, got, sizeof(got), &n, &err) == TLS_WANT_READ, "nothing yet");
	TAP_OK(tls_write(p.client, STR("hello"), &n, &err) == TLS_OK && n == 5, "write");
	TAP_OK(tls_read(p.server, got, sizeof(got), &n, &err) == TLS_OK && n == 5 && memcmp(got, "hello", 5) == 0,
	       "read");
	TAP_OK(tls_shutdown(p.client) == TLS_OK, "a proper end");
	TAP_OK(tls_read(p.server, got, sizeof(got), &n, &err) == TLS_EOF, "is told as such");
	close_pair(&p);

	TAP_OK(open_pair(&p, server, client, "gw.example.com") && shake(&p) == TLS_OK, "handshake again");
	shutdown(p.fd[1], SHUT_WR);
	TAP_OK(tls_read(p.server, got, sizeof(got), &n, &err) == TLS_FAILED, "an end without close_notify is none");
	close_pair(&p);
}

static void test_tls(void)
{
	struct str gw[] = {STR("gw.example.com"), STR("*.gw.example.com")}, app[] = {STR("app.example.org")};
	struct buf cert_gw, cert_app;
	struct tls_client_opts with_ca = {.ca_pem = buf_str(&ca.cert)}, blind = {.no_verify = true},
			       system = {.no_verify = false};

	TAP_OK(issue("one", gw, 2, &cert_gw) && issue("two", app, 1, &cert_app), "two certificates");
	struct tls_cert certs[] = {
		{gw, 2, in_dir("one.crt"), in_dir("one.key")},
		{app, 1, in_dir("two.crt"), in_dir("two.key")},
	};
	struct tls_ctx *server = tls_server_new(certs, 2, NULL, &err), *client = tls_client_new(&with_ca, &err),
		       *any = tls_client_new(&blind, &err), *sys = tls_client_new(&system, &err);
	TAP_OK(server && client && any && sys, "contexts");
	if (!server || !client || !any || !sys)
		return;
	test_data(server, client);
	TAP_OK(try_name(server, client, "x.gw.example.com") == TLS_OK, "wildcard by SNI");
	TAP_OK(try_name(server, client, "app.example.org") == TLS_OK, "the second certificate by SNI");
	TAP_OK(try_name(server, client, "APP.example.org") == TLS_OK, "in any case");
	TAP_OK(try_name(server, client, "else.example") == TLS_FAILED && err.code == RN_EPERM, "a wrong name is refused");
	TAP_OK(try_name(server, sys, "gw.example.com") == TLS_FAILED && err.code == RN_EPERM, "an unknown CA is refused");
	TAP_OK(try_name(server, any, "else.example") == TLS_OK, "unless nothing is verified");

	struct tls_ctx *next = tls_server_new(certs, 2, server, &err);
	TAP_OK(next != NULL, "a context after the first");
	tls_ctx_unref(server);
	TAP_OK(next && try_name(next, client, "gw.example.com") == TLS_OK, "serves when the first is gone");
	tls_ctx_unref(next);
	certs[0].key_file = in_dir("two.key");
	TAP_OK(!tls_server_new(certs, 1, NULL, &err) && err.code == RN_ECONFIG, "the wrong key is refused");
	certs[0].cert_file = in_dir("none.crt");
	TAP_OK(!tls_server_new(certs, 1, NULL, &err) && err.code == RN_ECONFIG, "so is a missing file");
	tls_ctx_unref(client);
	tls_ctx_unref(any);
	tls_ctx_unref(sys);
	buf_free(&cert_gw);
	buf_free(&cert_app);
}

static void clean(void)
{
	static const char *const files[] = {"gw.key", "gw.crt", "one.key", "one.crt", "two.key", "two.crt"};

	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		unlink(in_dir(files[i]));
	rmdir(dir);
}

int main(void)
{
	buf_init(&ca.cert, 8192);
	if (!secret_init() || !mkdtemp(dir))
		return 71;
	ca.key = x509_key_new(&err);
	TAP_OK(ca.key && x509_ca_make(ca.key, "Test CA", 365, &ca.cert, &err) == 0, "a CA");
	test_x509();
	test_csr();
	test_tls();
	x509_key_free(ca.key);
	buf_free(&ca.cert);
	clean();
	return tap_done();
}
