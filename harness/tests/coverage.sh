#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What coverage.py takes for enough.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

coverage()
{
	"$top/harness/coverage.py" "$work/info"
}

enough()
{
	coverage >"$work/report"
}

# prints EXPECTED: a row or a line of the report, as it is
prints()
{
	coverage >"$work/report" || true
	cat "$work/report"
	grep -qxF -- "$1" "$work/report"
}

# source_of NAME: a hundred lines, of which the third begins a reason
source_of()
{
	seq 100 | sed '3s|.*|/* not tested: it is\n * the third */|; 4d' >"$work/$1"
}

# info NAME BRANCHES UNREACHED...: of a hundred lines and as many branches those that did
# not run
info()
{
	local name=$1 branches=$2 i

	shift 2
	echo "SF:$work/$name"
	for ((i = 1; i <= 100; i++)); do
		case " $* " in
		*" $i "*) echo "DA:$i,0" ;;
		*) echo "DA:$i,7" ;;
		esac
	done
	for ((i = 1; i <= branches; i++)); do
		case " $* " in
		*" $i "*) echo "BRDA:50,0,$i,-" ;;
		*) echo "BRDA:50,0,$i,1" ;;
		esac
	done
	echo end_of_record
}

# both A B: the report is about these two
both()
{
	# shellcheck disable=SC2086 # words
	{ info a.c $1; info b.c $2; } >"$work/info"
}

source_of a.c
source_of b.c

both 10 10
check "all of it is enough" enough

both "20 1 2 5 6" 20
check "lines with a reason beside them may be left out" enough
check "the reason is told" prints "a.c:1: it is the third"
check "also behind the comment" prints "a.c:6: it is the third"
check "each file has a row" \
	prints "a.c                        |  96.0%   100 |      -     0 |  80.0%    20"

both "10 1 7" 10
check "a line without a reason is a fault" fails coverage
check "it is named" prints "a.c:7: NO REASON"

both "10 1 2 3 4 5" 90
check "a file may lack one line in twenty" enough
both "10 1 2 3 4 5 6" 90
check "more lines of one file are a fault, whatever the reasons" fails coverage

both "4 1" 0
check "three branches of four are enough" enough
both "4 1" "3 1"
check "fewer are a fault" fails coverage

info a.c 10 >"$work/info"
check "a source that was never counted is a fault" fails coverage
: >"$work/info"
check "so is a report about nothing" fails coverage
