/* SPDX-License-Identifier: MIT
 *
 * Telling whoever started us that we serve: sd_notify(3)'s datagram, and a line on a descriptor.
 */
#include "net/net.h"

#include <unistd.h>

static void notify(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	socklen_t len;
	int fd;

	if (!str_copy(sun.sun_path, sizeof(sun.sun_path), str_from(path)))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (sun.sun_path[0] == '@') /* the abstract namespace */
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (struct sockaddr *)&sun, len);
	close(fd);
}

void ready_tell(const char *notify_socket, int ready_fd)
{
	struct rn_error ignored;

	if (notify_socket && *notify_socket)
		notify(notify_socket);
	if (ready_fd < 0)
		return;
	/* Nobody waiting there any more is no reason not to serve. */
	if (fd_write_all(ready_fd, STR("ready\n"), &ignored))
		log_write(LOG_DEBUG, "nobody waits on the ready descriptor: %s", ignored.text);
	close(ready_fd);
}
