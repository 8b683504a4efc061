// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random programs. A call that needs something has it made first, mostly, or most
 * calls would fail for want of it.
 */
#include <string.h>

#include "places.h"
#include "program.h"

/*
 * The slots of a process that the calls so far have filled: a bit for each. Those that
 * the setup has filled are sure, the calls of threads may fail or come too late.
 */
struct slots {
	__u8 filled[LAST_SLOT_KIND + 1];
	__u8 sure[LAST_SLOT_KIND + 1];
};

struct state {
	struct program *program;
	struct random *random;
	struct slots slots[MOST_PROCESSES];
	/* Of which process there is a call in the making; with the setup, of the first. */
	unsigned int process;
	unsigned int room;
	/* What is being added is what others will need. */
	bool careful;
};

static bool emit(struct state *state, unsigned int type, unsigned int lane, int depth);

static bool gives(const struct call_type *type, enum kind kind)
{
	return type->gives == kind || type->gives_id == kind;
}

static unsigned int total_weight(enum kind kind)
{
	unsigned int i, sum = 0;

	for (i = 0; i < num_call_types; i++) {
		if ((!kind || gives(&call_types[i], kind)) &&
		    call_type_is_possible(&call_types[i]))
			sum += call_types[i].weight;
	}
	return sum;
}

/* A type of call, of those that give @kind if that is one; -1 if there is none. */
static int random_type(struct random *random, enum kind kind)
{
	unsigned int sum = total_weight(kind), at, i;

	if (!sum)
		return -1;
	at = random_below(random, sum);
	for (i = 0; i < num_call_types; i++) {
		if ((kind && !gives(&call_types[i], kind)) ||
		    !call_type_is_possible(&call_types[i]))
			continue;
		if (at < call_types[i].weight)
			break;
		at -= call_types[i].weight;
	}
	return i;
}

static unsigned int random_lane(const struct program *program, struct random *random)
{
	return random_below(random, program->processes) * MOST_THREADS +
	       random_below(random, program->threads);
}

/* A slot that is filled, or any. */
static unsigned int random_slot(struct state *state, enum kind kind)
{
	const struct slots *slots = &state->slots[state->process];
	unsigned int index = random_low(state->random, SLOTS), wanted, i;

	if (one_in(state->random, state->careful ? 200 : 20))
		return index;
	wanted = slots->sure[kind];
	if (!wanted || (!state->careful && one_in(state->random, 4)))
		wanted = slots->filled[kind];
	for (i = 0; i < SLOTS; i++) {
		if (wanted & 1 << (index + i) % SLOTS)
			return (index + i) % SLOTS;
	}
	return index;
}

static void provide(struct state *state, enum kind kind, int depth)
{
	/* Ids mean nothing to another file. */
	unsigned int chances = kind == TEST ? 60 : 6;
	int maker;

	if (!state->slots[state->process].sure[kind])
		chances = 1;
	/* Mostly not another one, and sometimes none at all. */
	if (!depth || !one_in(state->random, chances) || one_in(state->random, 50))
		return;
	maker = random_type(state->random, kind);
	if (maker >= 0)
		emit(state, maker, SETUP, depth - 1);
}

/* What calls that take any fd are mostly called with. */
static enum kind random_fd_kind(struct random *random)
{
	static const __u8 likely[] = { BUFFER, BUFFER, BUFFER, FENCE, FENCE, TIMELINE, MEMFD };

	if (one_in(random, 4))
		return BUFFER + random_below(random, LAST_FD_KIND - BUFFER + 1);
	return likely[random_below(random, sizeof(likely))];
}

static __u8 slot_argument(struct state *state, enum kind kind, int depth)
{
	struct random *random = state->random;
	bool other = !is_slot_kind(kind);

	if (!other && is_fd_kind(kind) && one_in(random, state->careful ? 200 : 25)) {
		if (one_in(random, 4))
			return FIRST_ODD_FD + random_below(random, 256 - FIRST_ODD_FD);
		other = true;
	}
	if (!other) {
		provide(state, kind, depth);
		return random_slot(state, kind);
	}
	kind = random_fd_kind(random);
	provide(state, kind, depth);
	return argument_of_slot(kind, random_slot(state, kind));
}

/* Mostly one where it takes nothing away that others count on. */
static __u8 result_slot(struct state *state, enum kind kind)
{
	unsigned int index = random_low(state->random, SLOTS), i;

	if (state->careful || one_in(state->random, 3))
		return index;
	for (i = 0; i < SLOTS; i++) {
		if (!(state->slots[state->process].sure[kind] & 1 << (index + i) % SLOTS))
			return (index + i) % SLOTS;
	}
	return index;
}

static __u8 argument(struct state *state, const struct call_type *type, enum kind kind,
		     int depth)
{
	if (kind == RESULT || (kind == WINDOW && type->gives == WINDOW))
		return result_slot(state, type->gives);
	if (is_slot_kind(kind) || kind == ANY_FD || kind == SLOT)
		return slot_argument(state, kind, depth);
	return random_argument(kind, state->random, state->careful);
}

static void make_room(struct program *program, unsigned int at)
{
	memmove(&program->calls[at + 1], &program->calls[at],
		(program->count - at) * sizeof(*program->calls));
	program->count++;
}

static unsigned int end_of_setup(const struct program *program)
{
	unsigned int i;

	for (i = 0; i < program->count; i++) {
		if (program->calls[i].lane != SETUP)
			break;
	}
	return i;
}

static void note_filled(struct state *state, const struct call *call, enum kind kind,
			unsigned int index)
{
	unsigned int i;

	for (i = 0; i < MOST_PROCESSES; i++) {
		if (call->lane == SETUP || call->lane / MOST_THREADS == i)
			state->slots[i].filled[kind] |= 1 << index % SLOTS;
		if (call->lane == SETUP)
			state->slots[i].sure[kind] |= 1 << index % SLOTS;
	}
}

/* Which slot a call fills. */
static void note_result(struct state *state, const struct call_type *type,
			const struct call *call)
{
	unsigned int i;

	if (!type->gives)
		return;
	for (i = 0; type->fields[i].kind != NOTHING; i++) {
		if (type->fields[i].kind == RESULT || type->fields[i].kind == WINDOW)
			note_filled(state, call, type->gives, call->args[i]);
		if (type->fields[i].kind == RESULT && type->gives_id)
			note_filled(state, call, type->gives_id, call->args[i]);
	}
}

/* Adds a call, after those that make what it needs. */
static bool emit(struct state *state, unsigned int type, unsigned int lane, int depth)
{
	const struct call_type *call_type = &call_types[type];
	struct program *program = state->program;
	struct call call = { .type = type, .lane = lane };
	unsigned int i, at;

	for (i = 0; call_type->fields[i].kind != NOTHING; i++) {
		state->careful = lane == SETUP;
		state->process = lane == SETUP ? 0 : lane / MOST_THREADS;
		call.args[i] = argument(state, call_type, call_type->fields[i].kind, depth);
	}
	if (program->count >= state->room)
		return false;
	at = lane == SETUP ? end_of_setup(program) : program->count;
	make_room(program, at);
	program->calls[at] = call;
	note_result(state, call_type, &call);
	return true;
}

/* As many as allowed half of the time: alone, a thread finds no races. */
static unsigned int random_number(struct random *random, unsigned int most)
{
	return one_in(random, 2) ? most : 1 + random_below(random, most);
}

void program_generate(struct program *program, const struct program_limits *limits,
		      __u64 seed, __u64 number)
{
	struct random random = random_from(seed, number);
	struct state state = {
		.program = program,
		.random = &random,
		.room = 12 + random_below(&random, MOST_CALLS - 12),
	};
	int type;

	memset(program, 0, sizeof(*program));
	program->processes = random_number(&random, limits->processes);
	program->threads = random_number(&random, limits->threads);
	program->rounds = 1 + random_low(&random, MOST_ROUNDS);
	do {
		type = random_type(&random, NOTHING);
	} while (emit(&state, type, random_lane(program, &random), 4));
}

/*
 * Changes
 */

void program_cut(struct program *program, unsigned int first, unsigned int count)
{
	memmove(&program->calls[first], &program->calls[first + count],
		(program->count - first - count) * sizeof(*program->calls));
	program->count -= count;
}

static void note_all(struct state *state)
{
	const struct program *program = state->program;
	unsigned int i;

	for (i = 0; i < program->count; i++)
		note_result(state, &call_types[program->calls[i].type], &program->calls[i]);
}

static void mutate_call(struct program *program, struct random *random, bool add)
{
	struct state state = { .program = program, .random = random, .room = MOST_CALLS };
	unsigned int at = random_below(random, program->count);
	struct call *call = &program->calls[at];
	const struct call_type *type;
	unsigned int field;

	note_all(&state);
	if (add) {
		emit(&state, random_type(random, NOTHING), random_lane(program, random), 4);
		return;
	}
	type = &call_types[call->type];
	if (!count_fields(type))
		return;
	field = random_below(random, count_fields(type));
	state.process = call->lane == SETUP ? 0 : call->lane / MOST_THREADS;
	call->args[field] = argument(&state, type, type->fields[field].kind, 0);
}

/* Replaces what comes after the setup by calls of another one. */
static void splice(struct program *program, const struct program *other,
		   struct random *random)
{
	unsigned int from = random_below(random, other->count);
	unsigned int count = 1 + random_below(random, other->count - from);
	unsigned int i;

	if (program->count + count > MOST_CALLS)
		program_cut(program, MOST_CALLS - count, program->count + count - MOST_CALLS);
	for (i = from; i < from + count; i++) {
		struct call call = other->calls[i];

		if (call.lane == SETUP)
			call.lane = random_lane(program, random);
		program->calls[program->count++] = call;
	}
}

static void mutate_once(struct program *program, const struct program_limits *limits,
			const struct program *other, struct random *random)
{
	switch (random_below(random, 8)) {
	case 0:
		if (program->count > 1)
			program_cut(program, random_below(random, program->count), 1);
		break;
	case 1:
		splice(program, other, random);
		break;
	case 2:
		program->threads = random_number(random, limits->threads);
		program->processes = random_number(random, limits->processes);
		program->rounds = 1 + random_low(random, MOST_ROUNDS);
		break;
	case 3:
	case 4:
		mutate_call(program, random, true);
		break;
	default:
		mutate_call(program, random, false);
		break;
	}
}

void program_mutate(struct program *program, const struct program_limits *limits,
		    const struct program *other, struct random *random)
{
	unsigned int times = 1 + random_low(random, 6);

	while (times--)
		mutate_once(program, limits, other, random);
}
