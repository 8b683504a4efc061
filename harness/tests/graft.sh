#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A tree of the user's own is grafted, and gets back what it was.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

base=$("$top/harness/base")
tree=$work/tree
before=$work/before

# The parts of the base that a graft touches make a tree small enough to copy.
new_tree()
{
	rm -rf "$tree" "$before"
	mkdir -p "$tree"
	# shellcheck disable=SC2046 # words
	(cd "$base" && cp -a --parents Makefile Kbuild drivers/dma-buf \
		include/linux include/uapi/linux include/trace/events \
		$(sed -n 's,^--- a/,,p' "$top"/patches/*.patch) "$tree")
	cp -a "$tree" "$before"
}

graft()
{
	"$top/harness/graft" "$@"
}

is_as_before()
{
	diff -rq "$before" "$tree"
}

# A second checkout with a patch that applies to nothing.
spoiled_series()
{
	mkdir "$work/spoiled"
	cp -a "$top"/{harness,drivers,include,tools,patches} "$work/spoiled/"
	cat >"$work/spoiled/patches/9999-spoiled.patch" <<-'PATCH'
		--- a/Kbuild
		+++ b/Kbuild
		@@ -1,2 +1,2 @@
		 no such line
		-nor such a one
		+at all
	PATCH
}

has_the_series()
{
	cmp "$top/drivers/dma-buf/dma_buf.c" "$tree/drivers/dma-buf/dma_buf.c" &&
		cmp "$top/include/linux/dma-buf.h" "$tree/include/linux/dma-buf.h" &&
		grep -q '^TARGETS += dma-buf$' "$tree/tools/testing/selftests/Makefile" &&
		[ ! -e "$tree/drivers/dma-buf/dma-buf.c" ]
}

nothing_of_the_base_is_left()
{
	local name

	(cd "$base" && find drivers/dma-buf -type f) | while read -r name; do
		! cmp -s "$base/$name" "$tree/$name" || return 1
	done
}

times()
{
	find "$tree" -path "$tree/.dma-buf-series" -prune -o -type f -printf '%p %T@\n' | sort
}

second_graft_writes_nothing()
{
	times >"$work/times" && graft "$tree" && times | diff "$work/times" -
}

mkdir "$work/empty"
new_tree
check "a directory that is no kernel tree is refused" fails graft "$work/empty"
sed -i 's/^PATCHLEVEL = 12$/PATCHLEVEL = 11/' "$tree/Makefile" "$before/Makefile"
check "a tree that is no 6.12 is refused" fails graft "$tree"
check "the refusal names the version" says "Linux 6.11" graft "$tree"
check "a refused tree is as before" is_as_before
check "the base is refused" fails graft "$base"
check "taking the series out of a tree without it is refused" \
	fails "$top/harness/ungraft" "$before"

new_tree
spoiled_series
check "a patch that does not apply is an error" fails "$work/spoiled/harness/graft" "$tree"
check "the error names the patch" says 9999-spoiled.patch "$work/spoiled/harness/graft" "$tree"
rm -rf "$tree/.dma-buf-series"
check "a graft that failed leaves the tree as before" is_as_before

new_tree
check "a graft says what it removed" says "removed   drivers/dma-buf/dma-buf.c" graft "$tree"
check "a graft says what it replaced" says "replaced  include/linux/dma-buf.h" graft "$tree"
check "a graft says what it patched" says "patched   MAINTAINERS" graft "$tree"
check "a grafted tree has the series" has_the_series
check "no file of the base's drivers/dma-buf is left" nothing_of_the_base_is_left
check "a second graft leaves files and their times alone" second_graft_writes_nothing
check "ungraft succeeds" "$top/harness/ungraft" "$tree"
check "ungraft restores every byte" is_as_before

new_tree
graft "$tree" >/dev/null
for file in Makefile MAINTAINERS; do
	echo "# mine" | tee -a "$tree/$file" >>"$before/$file"
done
check "a tree with edits elsewhere is grafted again" graft "$tree"
check "ungraft after edits succeeds" "$top/harness/ungraft" "$tree"
check "edits of other parts stay, in patched files too" is_as_before

new_tree
graft "$tree" >/dev/null
echo "/* mine */" >>"$tree/drivers/dma-buf/dma_buf.c"
check "an edit of a grafted file is not thrown away" fails "$top/harness/ungraft" "$tree"
check "it is named" says "drivers/dma-buf/dma_buf.c" graft "$tree"
check "it is still there" grep -q mine "$tree/drivers/dma-buf/dma_buf.c"
