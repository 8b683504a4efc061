/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that are worth changing: each reached what none did before. */
#ifndef FUZZ_CORPUS_H
#define FUZZ_CORPUS_H

#include "program.h"

void corpus_add(const struct program *program, struct random *random);
unsigned int corpus_size(void);

/* One of them, the newer the likelier. There must be some. */
const struct program *corpus_pick(struct random *random);

#endif
