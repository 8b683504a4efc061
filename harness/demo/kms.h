/* SPDX-License-Identifier: GPL-2.0-only */
/* The display: vkms, with its writeback connector as the only screen. */
#ifndef KMS_H
#define KMS_H

#include <stdbool.h>
#include <stdint.h>

struct kms {
	int drm;
	uint32_t crtc;
	uint32_t plane;
	uint32_t connector;
	uint32_t writeback_fb;
	int writeback;		/* dma-buf of what the screen shows */
	bool on;
};

void kms_open(struct kms *kms);
uint32_t kms_add_framebuffer(struct kms *kms, uint32_t handle);
/* Shows a framebuffer once @fence, a sync_file, has signalled. */
void kms_show(struct kms *kms, uint32_t fb, int fence);

#endif
