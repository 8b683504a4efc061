/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What count.c uses of QEMU's plugin API, version 1. QEMU's own header is in none
 * of Debian's packages.
 */
#ifndef QEMU_PLUGIN_API_H
#define QEMU_PLUGIN_API_H

#include <stddef.h>

struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

typedef void (*translate_cb)(unsigned long long id, struct qemu_plugin_tb *tb);
typedef void (*execute_cb)(unsigned int cpu, void *data);
typedef void (*exit_cb)(unsigned long long id, void *data);

enum qemu_plugin_cb_flags { CB_NO_REGS };
enum qemu_plugin_op { ADD_U64 };

void qemu_plugin_register_vcpu_tb_trans_cb(unsigned long long id,
					   translate_cb cb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
					      enum qemu_plugin_op op,
					      void *counter, unsigned long long by);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *insn,
						enum qemu_plugin_op op,
						void *counter,
						unsigned long long by);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    execute_cb cb,
					    enum qemu_plugin_cb_flags flags,
					    void *data);
void qemu_plugin_register_atexit_cb(unsigned long long id, exit_cb cb,
				    void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

#endif /* QEMU_PLUGIN_API_H */
