/* SPDX-License-Identifier: GPL-2.0-only */
/* Sockets through which processes give each other files. */
#ifndef FUZZ_SOCKETS_H
#define FUZZ_SOCKETS_H

#include <stdbool.h>

/* Makes a pair for each of @processes. Called before those are made. */
bool sockets_init(unsigned int processes);

/* Throws away what nobody has fetched. */
void sockets_empty(void);

/* The ends for what a process is sent. Any may send, any may fetch. */
int socket_to(unsigned int process);
int socket_from(unsigned int process);

#endif
