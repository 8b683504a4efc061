// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plugin of QEMU (its plugin API, version 1) that counts what an x86 guest
 * does between two marks: all instructions, and those that lock the bus. Each
 * region becomes a line "INSTRUCTIONS ATOMICS" in the file that out=FILE names.
 *
 * Instructions are counted by translated block, so that a region is off by what
 * of its first and last block is outside: a few instructions of a whole batch.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "qemu_plugin_api.h"

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* xchg %bx,%bx and xchg %cx,%cx: no compiler makes them, and they do nothing. */
static const unsigned char begin_mark[] = { 0x66, 0x87, 0xdb };
static const unsigned char end_mark[] = { 0x66, 0x87, 0xc9 };

static FILE *out;
/* Since the start; the guest has one CPU, so nothing else adds to them. */
static unsigned long long instructions, atomics;
/* What they were at the last begin_mark. */
static unsigned long long first_instruction, first_atomic;

static void region_begins(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	first_instruction = instructions;
	first_atomic = atomics;
}

static void region_ends(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	fprintf(out, "%llu %llu\n",
		instructions - first_instruction, atomics - first_atomic);
}

static bool is_prefix(unsigned char byte)
{
	static const unsigned char legacy[] = {
		0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf2, 0xf3,
	};

	return memchr(legacy, byte, sizeof(legacy)) || (byte & 0xf0) == 0x40;
}

/* A LOCK prefix, or an xchg with memory, which locks without one. */
static bool is_atomic(const unsigned char *code, size_t size)
{
	size_t i = 0;

	while (i < size && is_prefix(code[i]))
		i++;
	if (i < size && code[i] == 0xf0)
		return true;
	return i + 1 < size && (code[i] & 0xfe) == 0x86 &&
	       (code[i + 1] & 0xc0) != 0xc0;
}

static bool is_mark(const unsigned char *code, size_t size, const unsigned char *mark)
{
	return size == sizeof(begin_mark) && memcmp(code, mark, size) == 0;
}

static void call_when_executed(struct qemu_plugin_insn *insn, execute_cb cb)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, cb, CB_NO_REGS, NULL);
}

static void translate_insn(struct qemu_plugin_insn *insn)
{
	const unsigned char *code = qemu_plugin_insn_data(insn);
	size_t size = qemu_plugin_insn_size(insn);

	if (is_atomic(code, size))
		qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64,
							   &atomics, 1);
	else if (is_mark(code, size, begin_mark))
		call_when_executed(insn, region_begins);
	else if (is_mark(code, size, end_mark))
		call_when_executed(insn, region_ends);
}

static void translate(unsigned long long id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &instructions,
						 count);
	for (size_t i = 0; i < count; i++)
		translate_insn(qemu_plugin_tb_get_insn(tb, i));
}

static void finish(unsigned long long id, void *data)
{
	(void)id;
	(void)data;
	fclose(out);
}

__attribute__((visibility("default")))
int qemu_plugin_install(unsigned long long id, const struct qemu_info *info,
			int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4) != 0) {
		fprintf(stderr, "count: the one argument is out=FILE\n");
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
