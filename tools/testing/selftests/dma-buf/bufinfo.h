/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A strict reader of debugfs dma_buf/bufinfo: whatever it doesn't expect is an
 * error, so that a name that forges a row is one.
 */
#ifndef BUFINFO_H
#define BUFINFO_H

#include "dmabuf_helpers.h"

struct bufinfo_buffer {
	unsigned long long size;
	unsigned int flags;
	unsigned int mode;
	long count;
	char exp_name[64];
	unsigned long long ino;
	char name[160];
	/* Somebody held its lock: neither fences nor devices are known. */
	bool busy;
	int fences;
	int devices;
	char first_device[64];
};

struct bufinfo {
	int count;
	unsigned long long bytes;
	struct bufinfo_buffer *buffers;
	char error[320];
};

static inline int bufinfo_error(struct bufinfo *info, const char *what,
				const char *line)
{
	snprintf(info->error, sizeof(info->error), "%s: '%.200s'", what, line);
	return -EBADMSG;
}

/* A row must be what its values give in the documented format. */
static inline int bufinfo_parse_row(struct bufinfo *info, const char *line)
{
	struct bufinfo_buffer *buffer;
	char again[512];

	buffer = reallocarray(info->buffers, info->count + 1, sizeof(*buffer));
	if (!buffer)
		return -ENOMEM;
	info->buffers = buffer;
	buffer += info->count++;
	memset(buffer, 0, sizeof(*buffer));
	if (sscanf(line, "%llu\t%x\t%x\t%ld\t%63[^\t]\t%llu\t%159[^\t]",
		   &buffer->size, &buffer->flags, &buffer->mode, &buffer->count,
		   buffer->exp_name, &buffer->ino, buffer->name) < 6)
		return bufinfo_error(info, "not a buffer's row", line);
	snprintf(again, sizeof(again), "%08llu\t%08x\t%08x\t%08ld\t%s\t%08llu\t%s",
		 buffer->size, buffer->flags, buffer->mode, buffer->count,
		 buffer->exp_name, buffer->ino, buffer->name);
	if (strcmp(again, line))
		return bufinfo_error(info, "a misshapen row", line);
	return 0;
}

static inline bool is_header(const char *line)
{
	char size[16], flags[16], mode[16], count[16], exp_name[16], ino[16];
	char name[16], more;

	return sscanf(line, "%15s %15s %15s %15s %15s %15s %15s %c", size, flags,
		      mode, count, exp_name, ino, name, &more) == 7 &&
	       !strcmp(size, "size") && !strcmp(flags, "flags") &&
	       !strcmp(mode, "mode") && !strcmp(count, "count") &&
	       !strcmp(exp_name, "exp_name") && !strcmp(ino, "ino") &&
	       !strcmp(name, "name");
}

/* Everything is told in this order; a buffer's part may end early when busy. */
enum bufinfo_place {
	BEFORE_HEADER, BETWEEN_BUFFERS, IN_FENCES, IN_DEVICES, AFTER_TOTALS
};

/* The lines of one buffer that follow its row. */
static inline int bufinfo_parse_detail(struct bufinfo *info, const char *line,
				       enum bufinfo_place *place)
{
	struct bufinfo_buffer *buffer = &info->buffers[info->count - 1];
	int devices, end = 0;

	if (*place == IN_FENCES && !strcmp(line, "\tAttached Devices:")) {
		*place = IN_DEVICES;
	} else if (*place == IN_FENCES && !strncmp(line, "\tbusy", 5)) {
		buffer->busy = true;
		*place = BETWEEN_BUFFERS;
	} else if (*place == IN_FENCES && line[0] == '\t') {
		buffer->fences++;
	} else if (*place == IN_DEVICES && line[0] == '\t') {
		if (!buffer->devices++)
			snprintf(buffer->first_device,
				 sizeof(buffer->first_device), "%s", line + 1);
	} else if (*place == IN_DEVICES &&
		   sscanf(line, "Total %d devices attached%n", &devices, &end) == 1 &&
		   end && !line[end]) {
		if (devices != buffer->devices)
			return bufinfo_error(info, "wrong number of devices", line);
		*place = BETWEEN_BUFFERS;
	} else {
		return bufinfo_error(info, "unexpected below a buffer", line);
	}
	return 0;
}

static inline int bufinfo_parse_totals(struct bufinfo *info, const char *line)
{
	unsigned long long bytes;
	int objects, end = 0, i;

	if (sscanf(line, "Total %d objects, %llu bytes%n", &objects, &bytes,
		   &end) != 2 || !end || line[end])
		return bufinfo_error(info, "misshapen totals", line);
	for (i = 0; i < info->count; i++)
		info->bytes += info->buffers[i].size;
	if (objects != info->count || bytes != info->bytes)
		return bufinfo_error(info, "wrong totals", line);
	return 0;
}

static inline int bufinfo_parse_line(struct bufinfo *info, const char *line,
				     enum bufinfo_place *place)
{
	if (!*line)
		return 0;

	switch (*place) {
	case BEFORE_HEADER:
		/* Nothing but a title may come before. */
		if (is_header(line))
			*place = BETWEEN_BUFFERS;
		else if (strcmp(line, "Dma-buf Objects:"))
			return bufinfo_error(info, "no header", line);
		return 0;
	case BETWEEN_BUFFERS:
		if (!strncmp(line, "Total", 5)) {
			*place = AFTER_TOTALS;
			return bufinfo_parse_totals(info, line);
		}
		*place = IN_FENCES;
		return bufinfo_parse_row(info, line);
	case IN_FENCES:
	case IN_DEVICES:
		return bufinfo_parse_detail(info, line, place);
	default:
		return bufinfo_error(info, "unexpected after the totals", line);
	}
}

static inline int bufinfo_parse(struct bufinfo *info, char *text)
{
	enum bufinfo_place place = BEFORE_HEADER;
	char *line, *end;
	int err;

	for (line = text; *line; line = end) {
		end = strchrnul(line, '\n');
		if (!*end)
			return bufinfo_error(info, "unfinished line", line);
		*end++ = '\0';
		err = bufinfo_parse_line(info, line, &place);
		if (err)
			return err;
	}
	if (place != AFTER_TOTALS)
		return bufinfo_error(info, "no totals", "");
	return 0;
}

static inline void bufinfo_free(struct bufinfo *info)
{
	free(info->buffers);
	info->buffers = NULL;
}

/* Reads and checks all; 0 or an error that @info->error tells. */
static inline int bufinfo_read(struct bufinfo *info)
{
	char *text = read_file(BUFINFO);
	int err;

	memset(info, 0, sizeof(*info));
	if (!text)
		return bufinfo_error(info, "cannot read", BUFINFO);
	err = bufinfo_parse(info, text);
	free(text);
	if (err)
		bufinfo_free(info);
	return err;
}

/* What bufinfo tells of one buffer: 0, -ENOENT or another error. */
static inline int bufinfo_find(unsigned long long ino,
			       struct bufinfo_buffer *found)
{
	struct bufinfo info;
	int err = bufinfo_read(&info);
	int i;

	if (err) {
		fprintf(stderr, "# bufinfo: %s\n", info.error);
		return err;
	}
	err = -ENOENT;
	for (i = 0; i < info.count && err; i++) {
		if (info.buffers[i].ino != ino)
			continue;
		*found = info.buffers[i];
		err = 0;
	}
	bufinfo_free(&info);
	return err;
}

static inline int count_buffers(void)
{
	struct bufinfo info;
	int err = bufinfo_read(&info);

	if (err)
		fprintf(stderr, "# bufinfo: %s\n", info.error);
	bufinfo_free(&info);
	return err ?: info.count;
}

/* A file's last reference may be dropped by a worker: give it the time. */
static inline bool wait_for_buffers(int count)
{
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (count_buffers() == count)
			return true;
		usleep(PATIENCE * 10);
	}
	return false;
}

static inline bool wait_until_gone(unsigned long long ino)
{
	struct bufinfo_buffer buffer;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (bufinfo_find(ino, &buffer) == -ENOENT)
			return true;
		usleep(PATIENCE * 10);
	}
	return false;
}

#endif
