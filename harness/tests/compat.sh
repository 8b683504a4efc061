#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each ioctl has a kselftest that is built for 32 bits and makes it, as a table of the
# documentation says.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

document=$top/Documentation/driver-api/dma-buf-testing.rst
selftests=$top/tools/testing/selftests/dma-buf
headers=("$top"/include/uapi/linux/{dma-buf,dma-heap,sync_file,udmabuf,dma-buf-test}.h
	"$top/drivers/dma-buf/sw_sync.c")
# As many ioctls there are, at least.
kinds=34

# joined FILE...: without the ends of lines that go on
joined()
{
	cat "$@" | sed -e ':join' -e '/\\$/ { N; s/\\\n//; b join' -e '}'
}

# ioctls FILE...: those that the files define
ioctls()
{
	joined "$@" | sed -nE 's/^#define[[:space:]]+(\w+)[[:space:]]+_IO[WR]*\(.*/\1/p' | sort -u
}

# An ioctl and a program a line, for each two that the table has in one row
rows()
{
	sed '1,/^32-bit programs$/d; /^Bugs that must stay away$/,$d' "$document" | awk '
		function tell(ioctl, program) {
			for (ioctl in ioctls)
				for (program in programs)
					print ioctl, program
			delete ioctls
			delete programs
		}
		/^   \* - / { tell(); in_table = 1 }
		/^[^ ]/ { tell(); in_table = 0 }
		in_table {
			while (match($0, /``[A-Za-z0-9_]+``/)) {
				name = substr($0, RSTART + 2, RLENGTH - 4)
				if (name ~ /^[A-Z]/)
					ioctls[name]
				else
					programs[name]
				$0 = substr($0, RSTART + RLENGTH)
			}
		}'
}

compat_tests()
{
	joined "$selftests/Makefile" | sed -n 's/^compat_tests := //p'
}

# What the functions of the tests' headers are called that have one of these words in them
callers()
{
	awk -v words="^($(IFS='|'; echo "$*"))$" '
		/^[a-z].*\(/ && !/;$/ {
			name = $0
			sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name)
			inside = 1
		}
		/^}/ { inside = 0 }
		inside && !/^[a-z]/ {
			count = split($0, part, /[^A-Za-z0-9_]+/)
			for (i = 1; i <= count; i++)
				if (part[i] ~ words)
					print name
		}' "$selftests"/*.h | sort -u
}

# makes IOCTL PROGRAM: by its name, or by functions of headers
makes()
{
	local known=0 words=("$1")

	while [ ${#words[@]} -gt "$known" ]; do
		known=${#words[@]}
		mapfile -t words < <({ printf '%s\n' "${words[@]}"; callers "${words[@]}"; } | sort -u)
	done
	grep -qwE "$(IFS='|'; echo "${words[*]}")" "$selftests/${2%_32}.c"
}

is_built()
{
	[[ $1 == *_32 && " $(compat_tests) " == *[[:space:]]"${1%_32}"[[:space:]]* ]] &&
		[ -f "$selftests/${1%_32}.c" ]
}

# The table's ioctls are those of the headers.
all_are_there()
{
	ioctls "${headers[@]}" >"$work/defined"
	rows | cut -d ' ' -f 1 | sort -u >"$work/listed"
	[ "$(wc -l <"$work/defined")" -ge "$kinds" ] && diff "$work/defined" "$work/listed"
}

all_are_built()
{
	local program absent=0

	for program in $(rows | cut -d ' ' -f 2 | sort -u); do
		is_built "$program" || { echo "$program isn't built"; absent=1; }
	done
	[ "$absent" -eq 0 ]
}

all_are_made()
{
	local ioctl program absent=0

	while read -r ioctl program; do
		makes "$ioctl" "$program" || { echo "$program has no $ioctl"; absent=1; }
	done < <(rows)
	[ "$absent" -eq 0 ]
}

check "each ioctl is in the table, and no other" all_are_there
check "each of its programs is built for 32 bits" all_are_built
check "a program that is built for 64 bits alone is missed" fails is_built storm_test_32
check "a program that isn't there is missed" fails is_built no_test_32
check "each makes the ioctls that it is named for" all_are_made
check "by functions of headers that call each other" makes DMA_HEAP_IOCTL_ALLOC mmap_test_32
check "an ioctl that a program doesn't make is missed" fails makes UDMABUF_CREATE poll_test_32
check "so is one whose name begins like another's" fails makes DMA_BUF_SET_NAME_B file_test_32
