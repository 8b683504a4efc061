#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "make setup" leaves nothing for other targets to install.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

known()
{
	printf '%s\n' "${setup_packages[@]}" | grep -qx -- "$1"
}

# The words after need_packages that are names; arrays of lib.sh are known anyway.
needed()
{
	find "$top/harness" -maxdepth 1 -type f -exec cat {} + |
		sed -n 's/^[^#]*\bneed_packages \(.*\)/\1/p' |
		tr ' ' '\n' | grep -x '[a-z0-9][a-z0-9+.-]*' | sort -u
}

while read -r package; do
	check "make setup installs $package" known "$package"
done < <(needed)
