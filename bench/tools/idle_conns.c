/* SPDX-License-Identifier: MIT
 *
 * Opens COUNT connections to 127.0.0.1:PORT, has each answered once if PATH is given, says "ready",
 * and holds them until standard input ends. usage: idle_conns PORT COUNT [PATH]
 */
#include "load.h"

#include <sys/resource.h>

static void ask(int fd, const char *path)
{
	char text[4096];
	ssize_t n, sum = 0;
	int len = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", path);
	load_check(write(fd, text, (size_t)len) == len, "write");
	while (sum < 1024 && (n = read(fd, text, sizeof(text))) > 0)
		sum += n;
	load_check(sum >= 1024, "an answer is missing");
}

int main(int argc, char **argv)
{
	struct rlimit r;
	struct addr a;
	char end;
	if (argc < 3 || !addr_parse_ip(&a, STR("127.0.0.1")))
		return 64;
	addr_set_port(&a, (uint16_t)load_number(argv[1]));
	load_check(getrlimit(RLIMIT_NOFILE, &r) == 0, "getrlimit");
	r.rlim_cur = r.rlim_max;
	load_check(setrlimit(RLIMIT_NOFILE, &r) == 0, "setrlimit");
	for (uint64_t left = load_number(argv[2]); left > 0; left--) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		load_check(fd >= 0 && connect(fd, &a.sa, addr_len(&a)) == 0, "connect");
		if (argc > 3)
			ask(fd, argv[3]);
	}
	if (printf("ready\n") < 0 || fflush(stdout))
		return 74;
	while (read(STDIN_FILENO, &end, 1) > 0)
		;
	return 0;
}
