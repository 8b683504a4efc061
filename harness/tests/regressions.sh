#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each bug that the documentation says must stay away has tests that are there, and what
# no test can see is not in the sources.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

document=$top/Documentation/driver-api/dma-buf-testing.rst
# As many kinds of bug there are, at least.
kinds=19

# The tests that the table names, each behind the number of its row; the first row is the
# heading.
rows()
{
	sed '1,/^Bugs that must stay away$/d' "$document" | awk '
		/^   \* - / { row++ }
		row {
			while (match($0, /``[a-z0-9_]+\.[a-z0-9_]+``/)) {
				print row - 1, substr($0, RSTART + 2, RLENGTH - 4)
				$0 = substr($0, RSTART + RLENGTH)
			}
		}'
}

each_bug_has_a_test()
{
	local bugs tested

	bugs=$(($(sed '1,/^Bugs that must stay away$/d' "$document" | grep -c '^   \* - ') - 1))
	tested=$(rows | cut -d ' ' -f 1 | sort -u | wc -l)
	echo "$tested of $bugs bugs have a test"
	[ "$bugs" -ge "$kinds" ] && [ "$tested" -eq "$bugs" ]
}

# is_kunit SUITE CASE
is_kunit()
{
	local file

	for file in "$top"/drivers/dma-buf/tests/*_test.c; do
		grep -qE "^[[:space:]]*\.name = \"$1\"," "$file" || continue
		grep -qE "KUNIT_CASE(_[A-Z]+)?\($2[,)]" "$file" && return
	done
	return 1
}

# is_kselftest FIXTURE NAME: it is a program's that is built
is_kselftest()
{
	grep -qE "^TEST_F(_[A-Z]+)?\($1, $2[,)]" \
		"$top"/tools/testing/selftests/dma-buf/*_test.c
}

exists()
{
	is_kunit "${1%.*}" "${1#*.}" || is_kselftest "${1%.*}" "${1#*.}"
}

all_exist()
{
	local test absent=0

	for test in $(rows | cut -d ' ' -f 2); do
		exists "$test" || { echo "there is no test $test"; absent=1; }
	done
	[ "$absent" -eq 0 ]
}

# A CPU that guesses may go beyond an array's end before it has compared. So numbers that
# user space gives are compared, and are no index of anything.
indexed_by_request()
{
	grep -nE '\[[^]]*\b(cmd|nr|minor|_IOC_NR|iminor|MINOR)\b' "$@"
}

no_request_is_an_index()
{
	mapfile -t sources < <(find "$top/drivers/dma-buf" -name '*.[ch]' -not -path '*/tests/*')
	[ ${#sources[@]} -gt 20 ] && ! indexed_by_request "${sources[@]}"
}

check "each bug has a test" each_bug_has_a_test
check "the tests are there" all_exist
check "a test that is not there is missed" fails exists dma_buf_heap.no_such_test
check "a KUnit case of another suite is missed" fails exists dma_buf_heap.a_name_shows
check "a kselftest of another fixture is missed" fails exists poll.a_name_shows_everywhere

echo 'return heap_of[MINOR(inode->i_rdev)];' >"$work/indexed.c"
check "a device's number as an index is found" indexed_by_request "$work/indexed.c"
echo 'size = sizes[_IOC_NR(cmd)];' >"$work/indexed.c"
check "so is a request's" indexed_by_request "$work/indexed.c"
check "there is none" no_request_is_an_index
