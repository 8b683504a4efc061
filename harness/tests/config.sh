#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Options that a configuration does not take are named.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

check_config()
{
	"$top/harness/check-config" "$work/.config" "$work/one.config" "$work/two.config"
}

silent()
{
	check_config && [ -z "$(check_config)" ]
}

# The root Kconfig has stubs for what the options depend on; one that is missing
# would hide options.
all_options_are_shown()
{
	local config=$build/menuconfig/.config

	"$top/harness/menuconfig" allyesconfig || return
	sed -n 's/^\(menu\)\?config //p' "$top/drivers/dma-buf/Kconfig" | sort >"$work/all"
	sed -n 's/^CONFIG_\(.*\)=[ym]$/\1/p' "$config" | sort >"$work/shown"
	[ -s "$work/all" ] && [ -z "$(comm -23 "$work/all" "$work/shown" | tee /dev/stderr)" ]
}

printf 'CONFIG_A=y\nCONFIG_B=7\n# CONFIG_C is not set\n' >"$work/.config"
echo CONFIG_A=y >"$work/one.config"
printf '# CONFIG_C is not set\n# CONFIG_GONE is not set\nCONFIG_B=7\n' >"$work/two.config"
check "a configuration that took everything is not spoken of" silent
echo CONFIG_MISSING=y >>"$work/one.config"
check "an option that did not take is an error" fails check_config
check "it is named" says "CONFIG_MISSING=y did not take" check_config
echo CONFIG_B=8 >"$work/one.config"
check "a later fragment has the last word" silent
echo CONFIG_B=8 >>"$work/two.config"
check "another value is named" says "CONFIG_B=8 did not take: it is 7" check_config
check "the menu shows every option of the series" all_options_are_shown
