// SPDX-License-Identifier: GPL-2.0-only
/* Makes the calls that the table describes. */
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "dmabuf_helpers.h"
#include "budget.h"
#include "calls.h"
#include "guard.h"
#include "pointer.h"
#include "slots.h"

/* Where a call ends that touched what it can't. */
static __thread sigjmp_buf escape;
static __thread atomic_bool guarded;

static void bad_address(int signal)
{
	static const char message[] = "dmabuf_fuzz: touched a bad address of its own\n";

	if (atomic_load(&guarded))
		siglongjmp(escape, 1);
	if (write(STDERR_FILENO, message, sizeof(message) - 1))
		_exit(signal);
	_exit(signal);
}

void guard_install(void)
{
	/* A jump doesn't unblock the signal, so it isn't blocked. */
	struct sigaction action = {
		.sa_handler = bad_address,
		.sa_flags = SA_NODEFER,
	};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static __u64 value_of(enum kind kind, __u8 argument)
{
	__u64 value;

	switch (kind) {
	case SLOT:
		return slot_number(argument);
	case WINDOW:
		return (uintptr_t)window_address(argument);
	case ARRAY:
		return (uintptr_t)pointer_to_array(set_value(kind, argument));
	case RESULT:
		return argument;
	default:
		if (is_slot_kind(kind) || kind == ANY_FD)
			return slot_value(kind, argument);
		value = set_value(kind, argument);
		return kind == BUFFER_SIZE ? budget_take(value) : value;
	}
}

static unsigned long changed_request(unsigned long request, enum request how)
{
	unsigned int dir = _IOC_DIR(request), type = _IOC_TYPE(request);
	unsigned int nr = _IOC_NR(request), size = _IOC_SIZE(request);

	switch (how) {
	case REQUEST_NO_SIZE:
		return _IOC(dir, type, nr, 0);
	case REQUEST_LONGER:
		return _IOC(dir, type, nr, size + 8);
	case REQUEST_SHORTER:
		return _IOC(dir, type, nr, size - 4);
	case REQUEST_LONGEST:
		return _IOC(dir, type, nr, _IOC_SIZEMASK);
	case REQUEST_NO_DIRECTION:
		return _IOC(_IOC_NONE, type, nr, size);
	case REQUEST_OTHER_DIRECTION:
		return _IOC(dir ^ (_IOC_READ | _IOC_WRITE), type, nr, size);
	case REQUEST_NEXT:
		return _IOC(dir, type, nr + 1, size);
	case REQUEST_OTHER_TYPE:
		return _IOC(dir, type == 'b' ? '>' : 'b', nr, size);
	default:
		return request;
	}
}

static void store(char *structure, const struct field *field, __u64 value)
{
	const char *name;

	if (field->kind == NAME) {
		name = name_value(value);
		memcpy(structure + field->offset, name, strnlen(name, field->size));
	} else {
		/* Low bytes first, as far as the member goes. */
		memcpy(structure + field->offset, &value, field->size);
	}
}

/* Other threads may have written over a result: it must be one that a call gives. */
static void keep_result(const struct call_type *type, const __u64 *values, enum kind kind,
			long result)
{
	unsigned int i;

	if (is_fd_kind(kind) && (result <= STDERR_FILENO || result >= MOST_FILES))
		return;
	for (i = 0; type->fields[i].kind != NOTHING; i++) {
		if (type->fields[i].kind == RESULT)
			slot_put(kind, values[i], result);
	}
}

static long ioctl_make(const struct call_type *type, const __u64 *values)
{
	unsigned long request = changed_request(type->request, values[2]);
	char structure[128] = {};
	void *place = pointer_to(values[1], type->size);
	__s32 fd, id;
	long ret;
	int i;

	for (i = 3; type->fields[i].kind != NOTHING; i++) {
		if (type->fields[i].size)
			store(structure, &type->fields[i], values[i]);
	}
	pointer_fill(values[1], place, structure, type->size);
	ret = call_ioctl(values[0], request, place);
	if (ret < 0 || !type->gives || type->result < 0)
		return ret;
	memcpy(&fd, (char *)place + type->result, sizeof(fd));
	if (type->gives_id) {
		memcpy(&id, (char *)place + type->id, sizeof(id));
		keep_result(type, values, type->gives_id, id);
	}
	return fd;
}

int call_make(const struct call_type *type, const __u8 *args)
{
	__u64 values[MOST_ARGS];
	unsigned int i;
	long ret;

	if (sigsetjmp(escape, 0)) {
		atomic_store(&guarded, false);
		return FAULTED;
	}
	for (i = 0; type->fields[i].kind != NOTHING; i++)
		values[i] = value_of(type->fields[i].kind, args[i]);
	atomic_store(&guarded, true);
	ret = type->run ? type->run(values) : ioctl_make(type, values);
	atomic_store(&guarded, false);
	if (ret < 0)
		return -ret;
	if (type->gives)
		keep_result(type, values, type->gives, ret);
	return 0;
}
