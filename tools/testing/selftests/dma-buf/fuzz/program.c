// SPDX-License-Identifier: GPL-2.0-only
/* Programs as text. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kselftest.h"

#include "program.h"

/*
 * Writing
 */

struct text {
	char *at;
	size_t room;
};

static __printf(2, 3) void add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->at, text->room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= text->room)
		len = text->room ? text->room - 1 : 0;
	text->at += len;
	text->room -= len;
}

/* What the arguments stand for, for people. */
static void add_meaning(struct text *text, const struct call_type *type, const __u8 *args)
{
	unsigned int i;

	add(text, "\t#");
	for (i = 0; type->fields[i].kind != NOTHING; i++) {
		enum kind kind = type->fields[i].kind;

		if (kind >= FIRST_SET)
			add(text, " %s=%#llx", kind_name(kind),
			    (unsigned long long)set_value(kind, args[i]));
		else if (kind == POINTER || kind == REQUEST)
			add(text, args[i] ? " %s" : "", kind_name(kind));
		else if (kind == RESULT)
			add(text, " -> %s%u", kind_name(type->gives), args[i]);
		else
			add(text, " %s%u", kind_name(kind), args[i]);
	}
	add(text, "\n");
}

static void add_call(struct text *text, const struct call *call)
{
	const struct call_type *type = &call_types[call->type];
	unsigned int i;

	if (call->lane == SETUP)
		add(text, "-");
	else
		add(text, "%u.%u", call->lane / MOST_THREADS, call->lane % MOST_THREADS);
	add(text, " %s", type->name);
	for (i = 0; type->fields[i].kind != NOTHING; i++)
		add(text, " %u", call->args[i]);
	add_meaning(text, type, call->args);
}

void program_print(const struct program *program, char *buffer, size_t room)
{
	struct text text = { buffer, room };
	unsigned int i;

	add(&text, "program processes=%u threads=%u rounds=%u\n", program->processes,
	    program->threads, program->rounds);
	for (i = 0; i < program->count; i++)
		add_call(&text, &program->calls[i]);
}

/*
 * Reading
 */

static bool parse_lane(const char *word, struct call *call)
{
	unsigned int process, thread;

	if (!strcmp(word, "-")) {
		call->lane = SETUP;
		return true;
	}
	if (sscanf(word, "%u.%u", &process, &thread) != 2 ||
	    process >= MOST_PROCESSES || thread >= MOST_THREADS)
		return false;
	call->lane = process * MOST_THREADS + thread;
	return true;
}

/* What is missing at the end is 0. */
static bool parse_args(char *line, struct call *call)
{
	unsigned int i, count = count_fields(&call_types[call->type]);

	for (i = 0; i < count; i++)
		call->args[i] = strtoul(line, &line, 10);
	return true;
}

static bool parse_call(struct program *program, char *line)
{
	struct call call = {};
	char lane[16], name[32];
	int type, end = 0;

	if (sscanf(line, "%15s %31s%n", lane, name, &end) != 2)
		return false;
	type = call_type_find(name);
	if (type < 0 || !parse_lane(lane, &call) || program->count == MOST_CALLS)
		return false;
	call.type = type;
	program->calls[program->count++] = call;
	return parse_args(line + end, &program->calls[program->count - 1]);
}

static bool parse_head(struct program *program, const char *line)
{
	unsigned int processes, threads, rounds;

	if (sscanf(line, "program processes=%u threads=%u rounds=%u", &processes, &threads,
		   &rounds) != 3)
		return false;
	program->processes = processes;
	program->threads = threads;
	program->rounds = rounds;
	return processes && processes <= MOST_PROCESSES && threads &&
	       threads <= MOST_THREADS && rounds && rounds <= MOST_ROUNDS;
}

static bool parse_line(struct program *program, char *line)
{
	line[strcspn(line, "#")] = '\0';
	line += strspn(line, " \t\r");
	if (!*line)
		return true;
	if (!program->processes)
		return parse_head(program, line);
	return parse_call(program, line);
}

bool program_parse(struct program *program, const char *text)
{
	char line[512];

	memset(program, 0, sizeof(*program));
	while (*text) {
		int len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", len, text);
		if (!parse_line(program, line)) {
			printf("# not part of a program: %.*s\n", len, text);
			return false;
		}
		text += len + (text[len] == '\n');
	}
	return program->count;
}
