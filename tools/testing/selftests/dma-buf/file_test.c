// SPDX-License-Identifier: GPL-2.0-only
/* A buffer as a file: its size, its numbers, its references, its travels. */
#include "../kselftest_harness.h"

#include <sys/socket.h>
#include <sys/vfs.h>
#include <linux/magic.h>

#include "bufinfo.h"

#define PAGES 3

FIXTURE(file)
{
	size_t size;
	int buffer;
};

FIXTURE_SETUP(file)
{
	if (LACKS(SYSTEM_HEAP, BUFINFO))
		SKIP(return, "%s", lack);
	self->size = PAGES * page_size();
	self->buffer = heap_alloc(self->size);
	ASSERT_LE(0, self->buffer);
}

FIXTURE_TEARDOWN(file)
{
	close(self->buffer);
}

TEST_F(file, seeking_to_the_end_gives_the_size)
{
	EXPECT_EQ((off_t)self->size, lseek(self->buffer, 0, SEEK_END));
	EXPECT_EQ(0, lseek(self->buffer, 0, SEEK_SET));
	EXPECT_EQ((off_t)self->size, lseek(self->buffer, 0, SEEK_END));
}

/* A 32-bit program has two ways to seek. */
TEST_F(file, the_plain_system_call_seeks_too)
{
	EXPECT_EQ((long)self->size, syscall(SYS_lseek, self->buffer, 0L, SEEK_END));
	EXPECT_EQ(0, syscall(SYS_lseek, self->buffer, 0L, SEEK_SET));
	EXPECT_EQ(-1, syscall(SYS_lseek, self->buffer, 1L, SEEK_SET));
}

TEST_F(file, any_other_seek_is_refused)
{
	static const off_t offsets[] = { 1, -1, 4096, INT64_MAX, INT64_MIN };
	static const int others[] = { SEEK_CUR, SEEK_DATA, SEEK_HOLE, 5, -1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(-1, lseek(self->buffer, offsets[i], SEEK_END));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, lseek(self->buffer, offsets[i], SEEK_SET));
		EXPECT_EQ(EINVAL, errno);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(-1, lseek(self->buffer, 0, others[i]));
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(file, the_file_system_has_the_documented_type)
{
	struct statfs st;

	ASSERT_EQ(0, fstatfs(self->buffer, &st));
	EXPECT_EQ(DMA_BUF_MAGIC, (int)st.f_type);
}

TEST_F(file, reading_and_writing_are_refused)
{
	char byte = 0;

	EXPECT_EQ(-1, read(self->buffer, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->buffer, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(file, the_file_cannot_be_opened_by_its_link)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->buffer);
	EXPECT_EQ(-1, open(path, O_RDWR));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(file, two_buffers_have_two_inode_numbers)
{
	int other = heap_alloc(self->size);

	ASSERT_LE(0, other);
	EXPECT_NE(inode_number(self->buffer), inode_number(other));
	close(other);
}

TEST_F(file, fdinfo_tells_size_count_exporter_and_inode_number)
{
	char exp_name[32];

	EXPECT_EQ((long)self->size, fdinfo_number(self->buffer, "size"));
	EXPECT_EQ(1, fdinfo_number(self->buffer, "count"));
	ASSERT_LT(0, fdinfo_line(self->buffer, "exp_name", exp_name, sizeof(exp_name)));
	EXPECT_STREQ("system", exp_name);
	EXPECT_EQ((long)inode_number(self->buffer), fdinfo_number(self->buffer, "ino"));
}

TEST_F(file, fdinfo_has_these_lines_in_this_order)
{
	static const char *const keys[] = {
		"pos", "flags", "mnt_id", "ino", "size", "count", "exp_name", "name",
	};
	char path[64], *info, *line;
	size_t i;

	ASSERT_EQ(0, set_name(self->buffer, "x"));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", self->buffer);
	info = read_file(path);
	ASSERT_NE(NULL, info);
	line = strtok(info, "\n");
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		ASSERT_NE(NULL, line);
		EXPECT_EQ(0, strncmp(line, keys[i], strlen(keys[i])))
			TH_LOG("'%s' where %s should be", line, keys[i]);
		EXPECT_EQ(0, strncmp(line + strlen(keys[i]), ":\t", 2));
		line = strtok(NULL, "\n");
	}
	EXPECT_EQ(NULL, line);
	free(info);
}

TEST_F(file, each_fd_counts_as_a_reference)
{
	int fds[10], i;

	for (i = 0; i < 10; i++) {
		EXPECT_EQ(i + 1, reference_count(self->buffer));
		fds[i] = dup(self->buffer);
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(11 - i, reference_count(self->buffer));
		close(fds[i]);
	}
	EXPECT_EQ(1, reference_count(self->buffer));
}

TEST_F(file, each_mapping_counts_as_a_reference)
{
	void *mapping = mmap(NULL, self->size, PROT_READ, MAP_SHARED, self->buffer, 0);

	ASSERT_NE(MAP_FAILED, mapping);
	EXPECT_EQ(2, reference_count(self->buffer));
	/* A hole in the middle makes two of it. */
	ASSERT_EQ(0, munmap(mapping + page_size(), page_size()));
	EXPECT_EQ(3, reference_count(self->buffer));
	ASSERT_EQ(0, munmap(mapping, self->size));
	EXPECT_EQ(1, reference_count(self->buffer));
}

TEST_F(file, a_buffer_lives_until_its_last_fd_is_closed)
{
	unsigned long long ino = inode_number(self->buffer);
	struct bufinfo_buffer row;
	int other = dup(self->buffer);

	ASSERT_LE(0, other);
	close(self->buffer);
	EXPECT_EQ(0, bufinfo_find(ino, &row));
	EXPECT_EQ((off_t)self->size, lseek(other, 0, SEEK_END));
	close(other);
	EXPECT_TRUE(wait_until_gone(ino));
	self->buffer = -1;
}

TEST_F(file, the_heap_decides_about_closing_on_exec)
{
	int kept = heap_alloc_flags(self->size, O_RDWR);

	ASSERT_LE(0, kept);
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->buffer, F_GETFD));
	EXPECT_EQ(0, fcntl(kept, F_GETFD));
	close(kept);
}

TEST_F(file, the_access_mode_is_the_one_asked_for)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		int buffer = heap_alloc_flags(self->size, modes[i]);

		ASSERT_LE(0, buffer);
		EXPECT_EQ(modes[i], fcntl(buffer, F_GETFL) & O_ACCMODE);
		close(buffer);
	}
}

/* A message that carries one fd. */
struct parcel {
	char byte;
	struct iovec body;
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr header;
};

static void parcel_init(struct parcel *parcel)
{
	memset(parcel, 0, sizeof(*parcel));
	parcel->body.iov_base = &parcel->byte;
	parcel->body.iov_len = 1;
	parcel->header.msg_iov = &parcel->body;
	parcel->header.msg_iovlen = 1;
	parcel->header.msg_control = parcel->control.room;
	parcel->header.msg_controllen = sizeof(parcel->control.room);
}

static int send_fd(int socket, int fd)
{
	struct parcel parcel;
	struct cmsghdr *cmsg;

	parcel_init(&parcel);
	cmsg = CMSG_FIRSTHDR(&parcel.header);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, &parcel.header, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	struct parcel parcel;
	struct cmsghdr *cmsg;
	int fd = -EBADMSG;

	parcel_init(&parcel);
	if (recvmsg(socket, &parcel.header, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&parcel.header);
	if (cmsg && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

TEST_F(file, a_buffer_under_way_in_a_socket_stays_alive)
{
	unsigned long long ino = inode_number(self->buffer);
	struct bufinfo_buffer row;
	int sockets[2], arrived;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], self->buffer));
	EXPECT_EQ(2, reference_count(self->buffer));
	close(self->buffer);
	ASSERT_EQ(0, bufinfo_find(ino, &row));
	EXPECT_EQ(1, row.count);
	arrived = receive_fd(sockets[1]);
	ASSERT_LE(0, arrived);
	EXPECT_EQ(ino, inode_number(arrived));
	self->buffer = arrived;
}

TEST_F(file, a_buffer_nobody_receives_goes_with_the_socket)
{
	unsigned long long ino = inode_number(self->buffer);
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], self->buffer));
	close(self->buffer);
	self->buffer = -1;
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_TRUE(wait_until_gone(ino));
}

/* The other process: 0 when it finds "ping" and leaves "pong". */
static int answer(int socket, size_t size)
{
	int buffer = receive_fd(socket);
	char *data;

	if (buffer < 0 || lseek(buffer, 0, SEEK_END) != (off_t)size)
		return 1;
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);
	if (data == MAP_FAILED || cpu_sync(buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW))
		return 2;
	if (strcmp(data, "ping"))
		return 3;
	memcpy(data + size - 8, "pong", sizeof("pong"));
	return cpu_sync(buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW) ? 4 : 0;
}

TEST_F(file, two_processes_share_the_bytes_through_a_socket)
{
	int sockets[2], status;
	char *data;
	pid_t pid;

	/* Forked first, the other process has nothing but the socket. */
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(self->buffer);
		_exit(answer(sockets[1], self->size));
	}
	data = mmap(NULL, self->size, PROT_READ | PROT_WRITE, MAP_SHARED, self->buffer, 0);
	ASSERT_NE(MAP_FAILED, data);
	ASSERT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	memcpy(data, "ping", sizeof("ping"));
	ASSERT_EQ(0, cpu_sync(self->buffer, DMA_BUF_SYNC_END | DMA_BUF_SYNC_WRITE));
	ASSERT_EQ(0, send_fd(sockets[0], self->buffer));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_STREQ("pong", data + self->size - 8);
	munmap(data, self->size);
}

TEST_F(file, a_forked_process_holds_references_of_its_own)
{
	unsigned long long ino = inode_number(self->buffer);
	struct bufinfo_buffer row;
	int pipes[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(pipes));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		char byte;

		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1));
	}
	close(pipes[0]);
	close(self->buffer);
	self->buffer = -1;
	EXPECT_EQ(0, bufinfo_find(ino, &row));
	close(pipes[1]);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(wait_until_gone(ino));
}

TEST_HARNESS_MAIN
