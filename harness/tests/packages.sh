#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "make setup" leaves nothing for other targets to install, and whoever builds a kernel has
# what runs the scripts.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

known()
{
	printf '%s\n' "${setup_packages[@]}" | grep -qx -- "$1"
}

# What the arrays of lib.sh have where it is about such a machine.
needed_for()
{
	# shellcheck disable=SC2016 # for the other shell
	ARCH=$1 bash -c '. "$0"; printf "%s\n" "${build_packages[@]}" "${guest_packages[@]}" \
		"${compat_packages[@]}" "${docs_packages[@]}"' "$top/harness/lib.sh"
}

# The words after need_packages that are names, and the arrays.
needed()
{
	{
		find "$top/harness" -maxdepth 1 -type f -exec cat {} + |
			sed -n 's/^[^#]*\bneed_packages \(.*\)/\1/p' |
			tr ' ' '\n' | grep -x '[a-z0-9][a-z0-9+.-]*'
		needed_for x86_64
		needed_for arm64
	} | sort -u
}

# Of the harness' scripts, but for the shell, without which there is no Debian.
interpreters()
{
	find "$top/harness" -maxdepth 1 -type f -exec head -qn 1 {} + |
		sed -n 's/^#!.*[/ ]//p' | grep -vx bash | sort -u
}

builds_with()
{
	printf '%s\n' "${build_packages[@]}" | grep -qx -- "$1"
}

check "some scripts are not for the shell" interpreters
while read -r interpreter; do
	check "to build a kernel takes $interpreter" builds_with "$interpreter"
done < <(interpreters)
while read -r package; do
	check "make setup installs $package" known "$package"
done < <(needed)
