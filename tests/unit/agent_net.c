/* SPDX-License-Identifier: MIT
 *
 * Joined networks, what a status means, queries, well-known ports.
 */
#include "agent/agent.h"
#include "tap.h"

#include <sys/stat.h>
#include <unistd.h>

static struct rn_error err;
static char state[] = "/tmp/rn-agent-XXXXXX";

static void write_node(const char *net, const char *text)
{
	char dir[300], path[340];

	snprintf(dir, sizeof(dir), "%s/%s", state, net);
	snprintf(path, sizeof(path), "%s/node.rn", dir);
	rn_assert(dir_make(dir, 0700, &err) == 0);
	rn_assert(file_write(path, 0600, str_from(text), &err) == 0);
}

static void forget(const char *net)
{
	char path[340];

	snprintf(path, sizeof(path), "%s/%s/node.rn", state, net);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", state, net);
	rmdir(path);
}

static void test_find(void)
{
	struct agent_net n;

	TAP_OK(agent_net_find(&n, "/nonexistent/state", NULL, &err) == RN_ECONFIG &&
		       strstr(err.text, "rn join"),
	       "no state folder: told to join");
	TAP_OK(agent_net_find(&n, state, NULL, &err) == RN_ECONFIG && strstr(err.text, "rn join"),
	       "nothing joined: told to join");
	write_node("home", "node=laptop network=home role=client url=https://gw.example.com:8443 "
			   "connect=192.0.2.7\n");
	TAP_OK(agent_net_find(&n, state, NULL, &err) == 0 && strcmp(n.name, "home") == 0 &&
		       strcmp(n.node, "laptop") == 0 &&
		       strcmp(n.url, "https://gw.example.com:8443") == 0 &&
		       strcmp(n.connect, "192.0.2.7") == 0,
	       "the only one is taken");
	write_node("gateway",
		   "node=gateway network=gateway role=gateway url=https://gw.example.com\n");
	TAP_OK(agent_net_find(&n, state, NULL, &err) == 0 && strcmp(n.name, "home") == 0,
	       "a gateway's own network does not stand in the way");
	write_node("work", "node=pc network=work role=client url=https://work.example.com\n");
	TAP_OK(agent_net_find(&n, state, NULL, &err) == RN_ECONFIG &&
		       strstr(err.text, "--network") && strstr(err.text, "home") &&
		       strstr(err.text, "work"),
	       "of several one must be named");
	TAP_OK(agent_net_find(&n, state, "work", &err) == 0 && strcmp(n.node, "pc") == 0 &&
		       !n.connect[0],
	       "by name");
	TAP_OK(agent_net_find(&n, state, "elsewhere", &err) == RN_ECONFIG &&
		       strstr(err.text, "elsewhere"),
	       "an unknown name");
	TAP_OK(agent_net_find(&n, state, "../etc", &err) == RN_ECONFIG, "a path is no name");
	forget("home");
	forget("work");
	TAP_OK(agent_net_find(&n, state, NULL, &err) == 0 && strcmp(n.role, "gateway") == 0,
	       "a gateway's network when there is nothing else");
	forget("gateway");
}

static void test_bad_node(void)
{
	static const char *const bad[] = {
		"",
		"node=a\n",
		"node=a network=x role=client url=http://plain.example.com\n",
		"node=a network=x role=boss url=https://a\n",
		"node=a network=x role=client url=https://a oops=1\n",
		"node=a network=x role=client url=https://a connect=localhost\n",
		"node=a network=x role=client url=https://a\nnode=b network=x role=client "
		"url=https://a\n",
	};
	struct agent_net n;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_node("x", bad[i]);
		TAP_OK(agent_net_find(&n, state, "x", &err) == RN_ECONFIG, err.text);
	}
	forget("x");
}

static int code_of(int status, const char *body)
{
	struct agent_answer a = {.status = status};
	int rc;

	buf_init(&a.body, 4096);
	buf_add_cstr(&a.body, body);
	rc = agent_answer_check(&a, &err);
	buf_free(&a.body);
	return rc;
}

static void test_status(void)
{
	TAP_OK(code_of(200, "") == 0 && code_of(201, "x=1\n") == 0 && code_of(204, "") == 0,
	       "2xx is well");
	TAP_OK(code_of(409, "error=taken text=the%20subdomain%20a%20is%20taken\n") == RN_ENO &&
		       strcmp(err.text, "the subdomain a is taken") == 0,
	       "the console's own words are told");
	TAP_OK(code_of(401, "error=unauthorized text=unknown%20node\n") == RN_EPERM &&
		       strstr(err.text, "rn join"),
	       "401 says what to do");
	TAP_OK(code_of(403, "") == RN_EPERM && strstr(err.text, "403"),
	       "without words the status is told");
	TAP_OK(code_of(404, "<html>") == RN_ENO && code_of(400, "") == RN_EDATA &&
		       code_of(429, "") == RN_EAGAIN && code_of(502, "") == RN_EAWAY &&
		       code_of(301, "") == RN_EPROTO,
	       "each status has its exit code");
}

static void test_query(void)
{
	struct buf b;

	buf_init(&b, 200);
	buf_add_cstr(&b, "/x");
	agent_query_add(&b, "a", STR("b c&d=e/ü"));
	agent_query_add(&b, "n", STR("A-z_0.~"));
	buf_add_byte(&b, '\0');
	TAP_OK(strcmp(b.ptr, "/x?a=b%20c%26d%3De%2F%C3%BC&n=A-z_0.~") == 0,
	       "a query holds any value");
	buf_free(&b);
}

static void test_ports(void)
{
	char use[100];

	TAP_OK(agent_port_use(agent_port_find(5432, false), "localhost", 5433, use, sizeof(use)) &&
		       strcmp(use, "psql -h localhost -p 5433") == 0,
	       "psql");
	TAP_OK(agent_port_use(agent_port_named("ssh"), "gw.example.com", 20001, use, sizeof(use)) &&
		       strcmp(use, "ssh -p 20001 USER@gw.example.com") == 0,
	       "ssh");
	TAP_OK(!agent_port_find(1, false) && !agent_port_use(NULL, "h", 1, use, sizeof(use)),
	       "nothing known");
	TAP_OK(strcmp(agent_port_find(53, true)->protocol, "udp") == 0 &&
		       strcmp(agent_port_find(53, false)->protocol, "tcp") == 0,
	       "dns over both");
}

int main(void)
{
	rn_assert(secret_init() && mkdtemp(state));
	test_find();
	test_bad_node();
	test_status();
	test_query();
	test_ports();
	rmdir(state);
	return tap_done();
}
