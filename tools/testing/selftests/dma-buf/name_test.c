// SPDX-License-Identifier: GPL-2.0-only
/* Names: what is accepted, where they show, and that they forge nothing. */
#include "../kselftest_harness.h"

#include "bufinfo.h"

FIXTURE(names)
{
	int buffer;
};

FIXTURE_SETUP(names)
{
	if (LACKS(SYSTEM_HEAP, BUFINFO))
		SKIP(return, "%s", lack);
	self->buffer = heap_alloc(page_size());
	ASSERT_LE(0, self->buffer);
}

FIXTURE_TEARDOWN(names)
{
	close(self->buffer);
}

/* Each place that shows a name; what it shows of this one goes to @text. */
static int name_in_fdinfo(int fd, char *text, size_t room)
{
	return fdinfo_line(fd, "name", text, room);
}

static int name_in_bufinfo(int fd, char *text, size_t room)
{
	struct bufinfo_buffer buffer;
	int err = bufinfo_find(inode_number(fd), &buffer);

	return err ?: snprintf(text, room, "%s", buffer.name);
}

/* Of "/dmabuf:NAME". */
static int name_in_path(const char *path, char *text, size_t room)
{
	static const char prefix[] = "/dmabuf:";

	if (strncmp(path, prefix, strlen(prefix)))
		return -EBADMSG;
	return snprintf(text, room, "%s", path + strlen(prefix));
}

static int name_in_link(int fd, char *text, size_t room)
{
	char link[64], path[512];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0)
		return -errno;
	path[len] = '\0';
	return name_in_path(path, text, room);
}

/* The path in the line of @maps that begins with @address. */
static int path_in_maps(char *maps, void *address, char *text, size_t room)
{
	char start[32], *line, *end;
	int offset;

	snprintf(start, sizeof(start), "%08lx-", (unsigned long)address);
	for (line = maps; *line; line = end) {
		end = strchrnul(line, '\n');
		if (*end)
			*end++ = '\0';
		if (strncmp(line, start, strlen(start)))
			continue;
		offset = 0;
		/* Five columns, and the path. */
		if (sscanf(line, "%*s %*s %*s %*s %*s %n", &offset) < 0 || !offset)
			return -EBADMSG;
		return name_in_path(line + offset, text, room);
	}
	return -ENOENT;
}

static int name_in_maps(int fd, char *text, size_t room)
{
	void *mapping = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);
	int ret = -ENOMEM;
	char *maps;

	if (mapping == MAP_FAILED)
		return -errno;
	maps = read_file("/proc/self/maps");
	if (maps)
		ret = path_in_maps(maps, mapping, text, room);
	free(maps);
	munmap(mapping, page_size());
	return ret;
}

static const struct {
	const char *where;
	int (*get)(int fd, char *text, size_t room);
} views[] = {
	{ "fdinfo", name_in_fdinfo },
	{ "bufinfo", name_in_bufinfo },
	{ "the fd's link", name_in_link },
	{ "maps", name_in_maps },
};

/* Every view shows exactly this? */
static bool shown_everywhere(int fd, const char *expected)
{
	bool same = true;
	char text[512];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(views); i++) {
		ret = views[i].get(fd, text, sizeof(text));
		if (ret >= 0 && !strcmp(text, expected))
			continue;
		ksft_print_msg("%s has '%s' (%d), not '%s'\n", views[i].where,
			       ret < 0 ? "" : text, ret, expected);
		same = false;
	}
	return same;
}

/* As the escaping convention has it. */
static void escape(const char *name, char *text)
{
	for (; *name; name++) {
		unsigned char c = *name;

		if (c < ' ' || c == 0177 || c == '\\')
			text += sprintf(text, "\\%03o", c);
		else
			*text++ = c;
	}
	*text = '\0';
}

static bool shown_escaped_everywhere(int fd, const char *name)
{
	char expected[4 * DMA_BUF_NAME_LEN];

	escape(name, expected);
	return !set_name(fd, name) && shown_everywhere(fd, expected);
}

TEST_F(names, an_unnamed_buffer_shows_no_name)
{
	char text[64];

	EXPECT_EQ(-1, name_in_fdinfo(self->buffer, text, sizeof(text)));
	EXPECT_EQ(0, name_in_link(self->buffer, text, sizeof(text)));
	EXPECT_EQ(0, name_in_maps(self->buffer, text, sizeof(text)));
}

TEST_F(names, a_name_shows_everywhere)
{
	ASSERT_EQ(0, set_name(self->buffer, "frame 1: left/eye"));
	EXPECT_TRUE(shown_everywhere(self->buffer, "frame 1: left/eye"));
}

TEST_F(names, a_new_name_replaces_the_old)
{
	ASSERT_EQ(0, set_name(self->buffer, "a rather long first name"));
	ASSERT_EQ(0, set_name(self->buffer, "second"));
	EXPECT_TRUE(shown_everywhere(self->buffer, "second"));
}

TEST_F(names, an_empty_name_is_accepted)
{
	char text[64];

	ASSERT_EQ(0, set_name(self->buffer, "first"));
	ASSERT_EQ(0, set_name(self->buffer, ""));
	EXPECT_EQ(0, name_in_link(self->buffer, text, sizeof(text)));
	EXPECT_EQ(0, name_in_maps(self->buffer, text, sizeof(text)));
}

TEST_F(names, a_name_is_the_buffers_not_the_fds)
{
	int other = dup(self->buffer);

	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_name(other, "shared"));
	EXPECT_TRUE(shown_everywhere(self->buffer, "shared"));
	close(other);
	EXPECT_TRUE(shown_everywhere(self->buffer, "shared"));
}

TEST_F(names, a_name_of_31_characters_is_accepted)
{
	static const char name[] = "0123456789abcdefghijklmnopqrstu";

	ASSERT_EQ((size_t)DMA_BUF_NAME_LEN, sizeof(name));
	ASSERT_EQ(0, set_name(self->buffer, name));
	EXPECT_TRUE(shown_everywhere(self->buffer, name));
}

TEST_F(names, a_name_of_32_characters_is_refused)
{
	ASSERT_EQ(0, set_name(self->buffer, "kept"));
	EXPECT_EQ(-EINVAL, set_name(self->buffer, "0123456789abcdefghijklmnopqrstuv"));
	EXPECT_TRUE(shown_everywhere(self->buffer, "kept"));
}

TEST_F(names, a_very_long_name_is_refused)
{
	char *name = malloc(1 << 20);

	ASSERT_NE(NULL, name);
	memset(name, 'x', (1 << 20) - 1);
	name[(1 << 20) - 1] = '\0';
	EXPECT_EQ(-EINVAL, set_name(self->buffer, name));
	free(name);
}

TEST_F(names, a_faulting_name_is_efault)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, page);
	ASSERT_EQ(0, set_name(self->buffer, "kept"));
	EXPECT_EQ(-EFAULT, set_name(self->buffer, NULL));
	EXPECT_EQ(-EFAULT, set_name(self->buffer, page + page_size()));
	memset(page + page_size() - 4, 'x', 4);
	EXPECT_EQ(-EFAULT, set_name(self->buffer, page + page_size() - 4));
	EXPECT_TRUE(shown_everywhere(self->buffer, "kept"));
}

TEST_F(names, nothing_behind_the_names_end_is_read)
{
	char *page = page_before_a_hole(PROT_READ | PROT_WRITE);

	ASSERT_NE(NULL, page);
	memcpy(page + page_size() - 4, "end", 4);
	ASSERT_EQ(0, set_name(self->buffer, page + page_size() - 4));
	EXPECT_TRUE(shown_everywhere(self->buffer, "end"));
}

TEST_F(names, both_encodings_of_the_number_do_the_same)
{
	ASSERT_EQ(0, call_ioctl(self->buffer, DMA_BUF_SET_NAME_A, "by A"));
	EXPECT_TRUE(shown_everywhere(self->buffer, "by A"));
	ASSERT_EQ(0, call_ioctl(self->buffer, DMA_BUF_SET_NAME_B, "by B"));
	EXPECT_TRUE(shown_everywhere(self->buffer, "by B"));
	EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, DMA_BUF_SET_NAME_A, NULL));
	EXPECT_EQ(-EFAULT, call_ioctl(self->buffer, DMA_BUF_SET_NAME_B, NULL));
}

TEST_F(names, each_control_character_is_escaped)
{
	char name[] = "a?b";

	for (name[1] = 1; name[1] < ' '; name[1]++)
		EXPECT_TRUE(shown_escaped_everywhere(self->buffer, name));
	name[1] = 0177;
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, name));
}

TEST_F(names, a_backslash_is_escaped)
{
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, "C:\\012"));
}

TEST_F(names, a_name_of_nothing_but_escapes_is_shown_whole)
{
	char name[DMA_BUF_NAME_LEN];

	memset(name, '\n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, name));
}

TEST_F(names, other_bytes_are_shown_as_they_are)
{
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, "B\303\274hne \"%s%n\" \377"));
}

TEST_F(names, a_name_forges_no_line_of_fdinfo)
{
	ASSERT_EQ(0, set_name(self->buffer, "x\nsize:\t1\ncount:\t99"));
	EXPECT_EQ(page_size(), (size_t)fdinfo_number(self->buffer, "size"));
	EXPECT_EQ(1, reference_count(self->buffer));

	/* Not even where the real line comes later. */
	ASSERT_EQ(0, set_name(self->buffer, "x\nforged:\t1"));
	EXPECT_EQ(-1, fdinfo_number(self->buffer, "forged"));
}

TEST_F(names, a_name_forges_no_row_of_bufinfo)
{
	/* Whatever the name adds, the strict reader doesn't know it. */
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, "x\n\nTotal 0 objects, 0 bytes"));
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, "x\n\tAttached Devices:"));
	EXPECT_TRUE(shown_escaped_everywhere(self->buffer, "x\t9\ty"));
}

TEST_HARNESS_MAIN
