#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The base is found, and stays as it was unpacked.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

prints_a_path_and_nothing_else()
{
	make -s -C "$top" base-path >"$work/path" && cat "$work/path" &&
		[ "$(wc -l <"$work/path")" -eq 1 ] &&
		grep -q '^VERSION = 6$' "$(cat "$work/path")/Makefile"
}

# Unpacking gives files the times they have in the package; writing gives them now.
nothing_was_written()
{
	local written

	written=$(find "$cache/base" -newer "$cache/base/Makefile" -type f)
	echo "$written"
	[ -z "$written" ]
}

check "make base-path prints the path and nothing else" prints_a_path_and_nothing_else
check "no file of the base has been written to" nothing_was_written
