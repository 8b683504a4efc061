#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The series' semantic patches find what the examples in cocci/ mark, function by
# function, and nothing else. What they need are packages that no other test does:
# "make lint" installs them, and runs this as well.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

patches=$top/scripts/coccinelle/dma-buf
examples=$top/harness/tests/cocci

# Debian's spatch does without Python until a semantic patch has a script in it.
printf '@script:python@\n@@\npass\n' >"$work/script.cocci"
if ! spatch --very-quiet --cocci-file "$work/script.cocci" /dev/null >/dev/null 2>&1; then
	count=1
	echo "ok 1 - semantic patches # SKIP no spatch that has Python; make lint installs it"
	exit
fi

# spatch_as MODE NAME FILE: as the kernel's coccicheck calls it
spatch_as()
{
	local mode=$1 name=$2 file=$3 options

	read -ra options < <(sed -n 's|^// Options: ||p' "$patches/$name.cocci")
	case $mode in
	org | report) options+=(--no-show-diff) ;;
	esac
	spatch -D "$mode" --very-quiet --cocci-file "$patches/$name.cocci" "${options[@]}" "$file"
}

# judge REPORT EXAMPLE: each function with what is found but not marked, or the reverse
judge()
{
	awk -v report="$1" '
		BEGIN {
			while ((getline line <report) > 0) {
				split(line, part, ":")
				found[part[2]] = found[part[2]] line
			}
		}
		/^[a-z].*\(/ {
			name = $0
			sub(/\(.*/, "", name)
			sub(/.*[ *]/, "", name)
			print name
		}
		{
			marked = ""
			if (match($0, /found: .* \*\//))
				marked = substr($0, RSTART + 7, RLENGTH - 10)
			if (marked == "" && found[FNR] != "")
				print name, "line", FNR, "is let be, but:", found[FNR]
			else if (marked != "" && index(found[FNR], marked) == 0)
				print name, "line", FNR, "is not found:", marked
		}' "$2"
}

# agrees NAME: nothing but the name is said of the function
agrees()
{
	[ "$(grep "^$1\>" "$work/judged" | tee /dev/stderr)" = "$1" ]
}

modes()
{
	sed -n 's/^virtual //p' "$patches/$1.cocci"
}

says_something()
{
	spatch_as "$@" | grep .
}

# What can be mended is: what is left are calls that have no other variant.
mends()
{
	spatch_as patch map_unlocked "$work/mended.c" >"$work/diff" || return
	patch --quiet "$work/mended.c" "$work/diff" || return
	spatch_as report map_unlocked "$work/mended.c" | sed 's/.*WARNING: //; s/ .*//' | sort >"$work/left"
	cat "$work/left"
	printf '%s\n' dma_buf_move_notify dma_buf_pin | cmp - "$work/left"
}

for patch in "$patches"/*.cocci; do
	name=$(basename "$patch" .cocci)
	example=$examples/$name.c
	check "$name has examples" test -f "$example"
	spatch_as report "$name" "$example" >"$work/report" 2>/dev/null || true
	judge "$work/report" "$example" >"$work/judged"
	check "$name finds something" test -s "$work/report"
	while read -r function; do
		check "$name, $function" agrees "$function"
	done < <(grep -x '[a-z0-9_]*' "$work/judged")
	for mode in $(modes "$name"); do
		check "$name has mode $mode" says_something "$mode" "$name" "$example"
	done
done
cp "$examples/map_unlocked.c" "$work/mended.c"
check "map_unlocked mends what can be mended" mends
