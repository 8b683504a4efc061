// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <unistd.h>
#include <sys/socket.h>

#include "program.h"
#include "slots.h"
#include "sockets.h"

static int ends[MOST_PROCESSES][2];
static unsigned int count;

/* Where no program can close it by chance. */
static int move_up(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, MOST_FILES);

	close(fd);
	return high;
}

bool sockets_init(unsigned int processes)
{
	for (count = 0; count < processes; count++) {
		int *pair = ends[count];

		if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair))
			return false;
		pair[0] = move_up(pair[0]);
		pair[1] = move_up(pair[1]);
		if (pair[0] < 0 || pair[1] < 0)
			return false;
	}
	return true;
}

void sockets_empty(void)
{
	unsigned int i;
	char byte;

	for (i = 0; i < count; i++) {
		/* Files are dropped if there is no room for them. */
		while (recv(ends[i][1], &byte, 1, MSG_DONTWAIT) >= 0)
			;
	}
}

int socket_to(unsigned int process)
{
	return ends[process % count][0];
}

int socket_from(unsigned int process)
{
	return ends[process % count][1];
}
