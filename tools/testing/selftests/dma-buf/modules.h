/* SPDX-License-Identifier: GPL-2.0-only */
/* Modules of the running kernel: where they are, and how they come and go. */
#ifndef MODULES_H
#define MODULES_H

#include <ftw.h>
#include <limits.h>
#include <sys/utsname.h>

#include "dmabuf_helpers.h"

/* What find_module() looks for, and what it found; nftw() has no other place for it. */
static char module_file[NAME_MAX];
static char module_path[PATH_MAX];

static inline int module_visit(const char *path, const struct stat *st, int type,
			       struct FTW *place)
{
	if (type != FTW_F || strcmp(path + place->base, module_file))
		return 0;
	snprintf(module_path, sizeof(module_path), "%s", path);
	return 1;
}

/* The file of a module, until the next call; NULL if there is none. */
static inline const char *find_module(const char *name)
{
	struct utsname kernel;
	char top[PATH_MAX];

	uname(&kernel);
	snprintf(module_file, sizeof(module_file), "%s.ko", name);
	/* The directory itself may be a symbolic link; those in it lead to sources. */
	snprintf(top, sizeof(top), "/lib/modules/%s/.", kernel.release);
	return nftw(top, module_visit, 16, FTW_PHYS) == 1 ? module_path : NULL;
}

/* False for what is built in, too. */
static inline bool module_is_loaded(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s/initstate", name);
	return !access(path, F_OK);
}

static inline int module_load(const char *name)
{
	const char *path = find_module(name);
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	int ret = 0;

	if (fd < 0)
		return -ENOENT;
	if (syscall(SYS_finit_module, fd, "", 0))
		ret = -errno;
	close(fd);
	return ret;
}

/* -EAGAIN: somebody uses it; -EBUSY: it stays for good. */
static inline int module_unload(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

/* Once nobody uses it: what was closed is let go of a little later. */
static inline int module_unload_soon(const char *name)
{
	int tries, err = -EAGAIN;

	for (tries = 0; err == -EAGAIN && tries < PATIENCE / 10; tries++) {
		if (tries)
			usleep(10000);
		err = module_unload(name);
	}
	return err;
}

/* Has a module loaded that can be unloaded again; if not, SKIP() for what @lack says. */
static inline bool lacks_module(const char *name)
{
	int err;

	if (geteuid()) {
		snprintf(lack, sizeof(lack), "needs root");
		return true;
	}
	if (!find_module(name)) {
		snprintf(lack, sizeof(lack),
			 "%s is built in, or the kernel's modules aren't in /lib/modules", name);
		return true;
	}
	err = module_is_loaded(name) ? 0 : module_load(name);
	if (err)
		snprintf(lack, sizeof(lack), "cannot load %s: %s", name, strerror(-err));
	return err;
}

#endif
