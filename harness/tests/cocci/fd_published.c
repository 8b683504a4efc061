// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fd_published.cocci is to find, and what it is to let be. Lines that it is to
 * name say so; this is never compiled.
 */

#include <linux/dma-buf.h>
#include <linux/file.h>
#include <linux/uaccess.h>

struct answer {
	int fd;
};

int told_before_it_is_published(struct dma_buf *dmabuf, struct answer __user *user)
{
	struct answer answer = { .fd = get_unused_fd_flags(O_CLOEXEC) };

	if (answer.fd < 0)
		return answer.fd;
	if (copy_to_user(user, &answer, sizeof(answer))) {
		put_unused_fd(answer.fd);
		return -EFAULT;
	}
	fd_install(answer.fd, dmabuf->file);
	return 0;
}

int told_when_it_is_published(struct dma_buf *dmabuf, struct answer __user *user)
{
	struct answer answer;

	answer.fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (answer.fd < 0) {
		dma_buf_put(dmabuf);
		return answer.fd;
	}
	if (copy_to_user(user, &answer, sizeof(answer)))	/* found: this can fail */
		return -EFAULT;
	return 0;
}

int taken_back(struct dma_buf *dmabuf, int __user *user)
{
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	fd_install(fd, dmabuf->file);
	if (put_user(fd, user)) {			/* found: this can fail */
		put_unused_fd(fd);			/* found: reference to the file */
		return -EFAULT;
	}
	return 0;
}

int file_put_twice(struct answer *answer, struct file *file)
{
	int ret;

	fd_install(answer->fd, file);
	ret = start(answer);				/* found: this can fail */
	if (ret)
		goto put;
	return 0;
put:
	fput(file);					/* found: reference to the file */
	return ret;
}

int buffer_put_twice(struct dma_buf *dmabuf, struct answer *answer)
{
	int fd, ret;

	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		return fd;
	ret = start(answer);				/* found: this can fail */
	if (ret < 0) {
		dma_buf_put(dmabuf);			/* found: reference to the buffer */
		return ret;
	}
	return fd;
}

int buffer_put_when_there_is_no_fd(struct dma_buf *dmabuf)
{
	int fd = dma_buf_fd(dmabuf, O_CLOEXEC);

	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

int published_in_one_branch(struct dma_buf *dmabuf, struct answer *answer)
{
	int ret = dma_buf_fd(dmabuf, O_CLOEXEC);

	if (ret >= 0) {
		answer->fd = ret;
		ret = 0;
	} else {
		dma_buf_put(dmabuf);
		ret = -EMFILE;
	}
	return ret;
}

int second_reference_is_put(struct dma_buf *dmabuf)
{
	int fd = dma_buf_fd(dmabuf, O_CLOEXEC);

	if (fd < 0)
		return fd;
	get_dma_buf(dmabuf);
	use(dmabuf);
	dma_buf_put(dmabuf);
	return fd;
}

int reference_that_was_looked_up_is_put(struct dma_buf *dmabuf)
{
	int fd = dma_buf_fd(dmabuf, O_CLOEXEC);

	if (fd < 0)
		return fd;
	WARN_ON(dma_buf_get(fd) != dmabuf);
	dma_buf_put(dmabuf);
	return fd;
}

int checked_too_late(struct dma_buf *dmabuf, struct answer *answer)
{
	answer->fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (answer->fd < 0)
		return answer->fd;
	if (!dmabuf->priv)
		return -ENODEV;				/* found: this can fail */
	return 0;
}

int earlier_error_is_tested_again(struct answer *answer, struct file *file)
{
	int ret;

	ret = start(answer);
	if (!ret)
		fd_install(answer->fd, file);
	tell(answer);
	if (ret) {
		fput(file);
		put_unused_fd(answer->fd);
	}
	return ret;
}
