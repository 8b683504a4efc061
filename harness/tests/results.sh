#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Results are counted as they are: what is missing has failed, a skip is no pass.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

# counts EXPECTED COMMAND...: what tally makes of it
counts()
{
	local expected=$1

	shift
	: >"$work/results"
	"$top/harness/tally" "$work/results" "$@" && "$top/harness/tally" "$work/results" summary |
		tee "$work/summary"
	[ "$(tail -n 1 "$work/summary")" = "$expected" ]
}

cat >"$work/list" <<'EOT'
x:one
x:two
EOT
cat >"$work/good" <<'EOT'
TAP version 13
1..2
# timeout set to 45
# selftests: x: one
# TAP version 13
# 1..3
# ok 1 first
# ok 2 second # SKIP no device
# ok 3 third
ok 1 selftests: x: one
# selftests: x: two
ok 2 selftests: x: two
EOT
sed 's/^ok 2 selftests.*/not ok 2 selftests: x: two # exit=139/' "$work/good" >"$work/crash"
sed '/^# ok 3/d' "$work/good" >"$work/short"
head -n 10 "$work/good" >"$work/dead"
printf '1..2\nok 1 - a\nnot ok 2 - b\n' >"$work/tap"
printf 'ok 1 - a\n1..2\n' >"$work/tap-short"
: >"$work/empty"

check "tests of a kselftest are counted one by one" \
	counts "3 passed, 0 failed, 1 skipped" kselftest "$work/good" "$work/list"
check "a kselftest that crashes has failed" \
	counts "2 passed, 1 failed, 1 skipped" kselftest "$work/crash" "$work/list"
check "a planned test without a result has failed" \
	counts "2 passed, 1 failed, 1 skipped" kselftest "$work/short" "$work/list"
check "a program that never ran has failed" \
	counts "2 passed, 1 failed, 1 skipped" kselftest "$work/dead" "$work/list"
check "TAP is counted" counts "1 passed, 1 failed, 0 skipped" tap x "$work/tap"
check "too little TAP is a failure" counts "1 passed, 1 failed, 0 skipped" tap x "$work/tap-short"
check "no TAP at all is a failure" counts "0 passed, 1 failed, 0 skipped" tap x "$work/empty"
check "a log without KUnit's results is a failure" counts "0 passed, 1 failed, 0 skipped" \
	kunit "$work/empty" "$("$top/harness/base")"
check "nothing passed is no success" fails "$top/harness/tally" "$work/empty" summary
