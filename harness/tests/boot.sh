#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that ends badly is told from one that ends well, and none is left behind.
# shellcheck source=harness/tests/tap.inc
. "$(dirname "$0")/tap.inc"

kernel=${KERNEL:-$build/series-debug/vmlinux}
# The processes of these guests, and no others, have this on their command line.
mark=boot-test-$$

# initrd: what the guest does is on its command line: one image serves them all.
initrd()
{
	mkdir -p "$work/root/guest"
	cat >"$work/root/guest/main" <<-'MAIN'
		#!/bin/sh
		case $do in
		exit) exit 7 ;;
		panic) echo c >/proc/sysrq-trigger ;;
		hang) sleep 1000 ;;
		splat) echo "WARNING: of a test" >/dev/kmsg ;;
		user) echo "WARNING: of a program" ;;
		vanish) reboot -f ;;
		esac
	MAIN
	chmod +x "$work/root/guest/main"
	"$top/harness/initramfs" "$work/initrd" "$work/root"
}

# The same with a module that this kernel can't load
spoiled_initrd()
{
	local id

	objcopy -O binary --only-section=.notes "$kernel" "$work/notes"
	id=$(sha1sum <"$work/notes")
	mkdir -p "$work/spoiled/lib/modules/${id%% *}"
	echo "no module" >"$work/spoiled/lib/modules/${id%% *}/spoiled.ko"
	"$top/harness/initramfs" "$work/spoiled.initrd" "$work/root" "$work/spoiled"
}

# boot WHAT [OPTION...]: leaves WHAT.log, WHAT.said and WHAT.status
boot()
{
	local what=$1 status=0

	shift
	"$top/harness/boot" --smp 1 --log "$work/$what.log" \
		--append "kmemleak=off $mark do=$what" "$@" "$kernel" "${initrd:-$work/initrd}" \
		>"$work/$what.said" 2>&1 || status=$?
	echo "$status" >"$work/$what.status"
}

# ended WHAT STATUS [TEXT]: with what status boot did, and what it said of it
ended()
{
	cat "$work/$1.said"
	echo "status $(cat "$work/$1.status")"
	[ "$(cat "$work/$1.status")" -eq "$2" ] &&
		{ [ $# -lt 3 ] || grep -qF -- "$3" "$work/$1.said"; }
}

# Which guests there are, as /proc has them: not every machine has programs that tell.
guests()
{
	grep -lsaE "^qemu-system.* $mark " /proc/[0-9]*/cmdline
}

# One that was killed may take a while to be gone.
none_left()
{
	local tries

	for ((tries = 0; tries < 100; tries++)); do
		guests || return 0
		sleep 0.1
	done
	return 1
}

# waits until the guest runs, and then sends the signal that Ctrl-C does
interrupted()
{
	local boot status=0

	# A background command of a script ignores SIGINT unless it says otherwise.
	python3 - "$top/harness/boot" --smp 1 --log "$work/signal.log" \
		--append "kmemleak=off $mark do=hang" "$kernel" "$work/initrd" <<-'PY' &
		import os, signal, sys
		signal.signal(signal.SIGINT, signal.SIG_DFL)
		os.execv(sys.argv[1], sys.argv[1:])
	PY
	boot=$!
	until guests >/dev/null; do
		kill -0 "$boot" || return
		sleep 0.1
	done
	kill "-$1" "$boot"
	wait "$boot" || status=$?
	echo "status $status"
	[ "$status" -ne 0 ] && none_left
}

[ -f "$kernel" ] || die "no kernel $kernel"
initrd
spoiled_initrd
# Two at a time, as a small machine has two CPUs.
boot exit & boot user
wait
boot splat & boot panic
wait
boot vanish & boot hang --timeout 8
wait
initrd=$work/spoiled.initrd boot nothing
check "the guest's exit status is passed on" ended exit 7
check "a line of a program is no splat" ended user 0
check "a splat is an error, though the guest said all is well" \
	ended splat 125 "WARNING: of a test"
check "a panic is an error, and told" ended panic 125 "boot: panic"
check "the last lines before a panic are printed" ended panic 125 "Kernel panic"
check "a guest that ends without a word is an error" ended vanish 125 "did not say how"
check "a module that cannot be loaded is an error" ended nothing 1
check "a hang is an error" ended hang 125 "no end after 8 seconds"
check "no guest is left" none_left
check "Ctrl-C leaves no guest" interrupted INT
check "SIGTERM leaves no guest" interrupted TERM
check "SIGKILL leaves no guest" interrupted KILL
