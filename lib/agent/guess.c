/* SPDX-License-Identifier: MIT
 *
 * Well-known ports, in the order of their numbers.
 */
#include "agent/agent.h"

static const struct agent_port ports[] = {
	{21, "ftp", "tcp", "ftp %s %u"},
	{22, "ssh", "tcp", "ssh -p %2$u USER@%1$s"},
	{25, "smtp", "tcp", NULL},
	{53, "dns", "udp", "dig @%s -p %u"},
	{53, "dns", "tcp", "dig +tcp @%s -p %u"},
	{80, "http", "http", "curl http://%s:%u/"},
	{123, "ntp", "udp", NULL},
	{143, "imap", "tcp", NULL},
	{389, "ldap", "tcp", "ldapsearch -x -H ldap://%s:%u"},
	{443, "https", "https", "curl https://%s:%u/"},
	{445, "smb", "tcp", NULL},
	{631, "ipp", "http", NULL},
	{873, "rsync", "tcp", "rsync rsync://%s:%u/"},
	{993, "imaps", "tcp", NULL},
	{1433, "mssql", "tcp", "sqlcmd -S %s,%u"},
	{1883, "mqtt", "tcp", "mosquitto_sub -h %s -p %u -t '#'"},
	{2049, "nfs", "tcp", NULL},
	{2222, "ssh", "tcp", "ssh -p %2$u USER@%1$s"},
	{3000, "http", "http", "curl http://%s:%u/"},
	{3306, "mysql", "tcp", "mysql -h %s -P %u"},
	{3389, "rdp", "tcp", "xfreerdp /v:%s:%u"},
	{4222, "nats", "tcp", NULL},
	{5000, "http", "http", "curl http://%s:%u/"},
	{5173, "http", "http", "curl http://%s:%u/"},
	{5353, "mdns", "udp", NULL},
	{5432, "postgres", "tcp", "psql -h %s -p %u"},
	{5672, "amqp", "tcp", NULL},
	{5900, "vnc", "tcp", "vncviewer %s::%u"},
	{6379, "redis", "tcp", "redis-cli -h %s -p %u"},
	{8000, "http", "http", "curl http://%s:%u/"},
	{8080, "http", "http", "curl http://%s:%u/"},
	{8443, "https", "https", "curl https://%s:%u/"},
	{9000, "http", "http", "curl http://%s:%u/"},
	{9090, "http", "http", "curl http://%s:%u/"},
	{9200, "elasticsearch", "http", "curl http://%s:%u/"},
	{11211, "memcached", "tcp", NULL},
	{25565, "minecraft", "tcp", NULL},
	{27017, "mongodb", "tcp", "mongosh mongodb://%s:%u/"},
};

const struct agent_port *agent_port_find(uint16_t port, bool udp)
{
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (ports[i].port == port && (strcmp(ports[i].protocol, "udp") == 0) == udp)
			return &ports[i];
	return NULL;
}

const struct agent_port *agent_port_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(ports); i++)
		if (strcmp(ports[i].name, name) == 0)
			return &ports[i];
	return NULL;
}

bool agent_port_use(const struct agent_port *p, const char *host, uint16_t port, char *out,
		    size_t size)
{
	int n;

	if (!p || !p->use)
		return false;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	n = snprintf(out, size, p->use, host, port); /* only the table above comes here */
#pragma GCC diagnostic pop
	return n > 0 && (size_t)n < size;
}
