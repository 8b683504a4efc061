# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What all the scripts of the harness share. Source it; it only defines.
#
#   $top $cache $build   the checkout, the cache outside of it, derived files
#   $arch                whose kernels are built and booted, as the kernel calls it:
#                        $ARCH in the environment, or x86_64
#   $cross $image        what make is told of it; the file of a kernel that boots

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${DMABUF_CACHE:-$HOME/.cache/dma-buf-series}
build=$top/build
export DMABUF_CACHE=$cache
# Our own make's flags and jobserver are no concern of the kernel's.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# only_for ARCH: for scripts that know nothing of others
only_for()
{
	[ "$arch" = "$1" ] || die "ARCH=$arch: this is for $1 alone"
}

# Packages by purpose; `make setup` installs all of them at once.
build_packages=(bc bison flex gcc libc6-dev libelf-dev make patch perl python3 rsync)
guest_packages=(busybox-static cpio)
# For 32-bit programs. Of gcc-multilib, apt would remove it for a cross compiler.
compat_packages=(gcc-12-multilib libc6-dev-i386)
docs_packages=(python3-sphinx)
# Those of each $arch are named here as well, whichever this is.
# shellcheck disable=SC2034 # used by those who source this file
setup_packages=("${build_packages[@]}" "${guest_packages[@]}"
	"${compat_packages[@]}" "${docs_packages[@]}" clang coccinelle codespell
	gcc-aarch64-linux-gnu git lcov libc6-dev-arm64-cross libdrm-dev libncurses-dev
	libpython3-dev libssl-dev lld llvm ocaml pkg-config pyflakes3 qemu-system-arm
	qemu-system-x86 shellcheck sparse xz-utils)

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

arch=${ARCH:-x86_64}
# shellcheck disable=SC2034 # used by those who source this file
case $arch in
x86_64)
	guest_packages+=(qemu-system-x86)
	compiler=gcc
	cross=()
	image=vmlinux
	;;
arm64)
	build_packages+=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross)
	guest_packages+=(qemu-system-arm)
	compiler=aarch64-linux-gnu-gcc
	cross=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
	image=arch/arm64/boot/Image
	;;
*)
	die "ARCH=$arch: only x86_64 and arm64 are known here"
	;;
esac

missing_packages()
{
	local package

	for package; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
			echo "$package"
	done
}

apt_install()
{
	local install=(apt-get install -y --no-install-recommends "$@")

	export DEBIAN_FRONTEND=noninteractive
	# Lists may be missing or name files that the mirror no longer has.
	"${install[@]}" || { apt-get update && "${install[@]}"; }
}

# need_packages PACKAGE...: installs what is missing, or says how.
need_packages()
{
	local missing

	if ! command -v dpkg-query >/dev/null; then
		echo "no dpkg here: taking for granted what these packages hold: $*" >&2
		return
	fi
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "Some packages are missing. As root:" >&2
		echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	step "install ${missing[*]}" apt_install "${missing[@]}"
}

# foreign_apt COMMAND...: apt-get for the packages of $arch, in the current directory.
# This machine's own lists and packages are none of its business.
foreign_apt()
{
	mkdir -p state/lists/partial cache/archives/partial
	touch state/status
	apt-get -qq -o APT::Architecture="$arch" -o APT::Architectures::="$arch" \
		-o Dir::State="$PWD/state" -o Dir::State::status="$PWD/state/status" \
		-o Dir::Cache="$PWD/cache" -o APT::Sandbox::User=root "$@"
}

fetch_foreign_busybox()
(
	cd "$cache/$arch" && foreign_apt update && foreign_apt download busybox-static &&
		dpkg-deb -x busybox-static_*.deb . && rm -rf state cache
)

# Prints where the guests' busybox is.
guest_busybox()
{
	if [ "$arch" = x86_64 ]; then
		echo /bin/busybox
		return
	fi
	if [ ! -x "$cache/$arch/bin/busybox" ]; then
		mkdir -p "$cache/$arch"
		step "get busybox for $arch" fetch_foreign_busybox
	fi
	echo "$cache/$arch/bin/busybox"
}

# need_space DIR MEGABYTES, need_memory MEGABYTES: before, not after, the work.
need_space()
{
	local free

	mkdir -p "$1"
	free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
	[ "$free" -ge "$2" ] || die "$1 has $free MB free, $2 MB are needed"
}

need_memory()
{
	local free

	free=$(awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo)
	[ "$free" -ge "$1" ] || die "$free MB of memory are available, $1 MB are needed"
}

# alone_in DIR: as long as the script runs, no other one that says this works in there.
alone_in()
{
	mkdir -p "$1"
	exec 8>"$1.lock"
	flock -n 8 || {
		echo "${0##*/}: waits until nobody else works in ${1#"$top"/}" >&2
		flock 8
	}
}

# tree_of base|series|bisect: prints where its sources are
tree_of()
{
	case $1 in
	base) "$top/harness/base" ;;
	series) "$top/harness/tree" ;;
	bisect) echo "$build/bisect/tree" ;;
	esac
}

# kernel_dir base|series|bisect PROFILE: where harness/build builds it
kernel_dir()
{
	local suffix=-$arch

	[ "$arch" != x86_64 ] || suffix=
	echo "$build/$1-$2$suffix"
}

elapsed()
{
	local seconds=$((SECONDS - $1))

	printf '%d:%02d' $((seconds / 60)) $((seconds % 60))
}

# Tells every so often how far the log of a step is, until the step's shell is gone.
show_progress()
{
	local what=$1 log=$2 since=$3 total=${4:+/$4} lines last tick=0

	while sleep 1 && kill -0 $$ 2>/dev/null; do
		tick=$((tick + 1))
		[ -t 2 ] || [ $((tick % 60)) -eq 0 ] || continue
		lines=$(wc -l <"$log")
		last=$(tail -n 1 "$log" | tr -d '\r\033' | cut -c 1-60)
		if [ -t 2 ]; then
			printf '\r\033[K%s ... %s%s %s %s' "$what" "$lines" "$total" \
				"$(elapsed "$since")" "$last" >&2
		else
			echo "  $what: line $lines$total, $(elapsed "$since")" >&2
		fi
	done
}

# step WHAT COMMAND...: runs a command, its output in a log. One line says what
# runs, how far it is ($step_total: about how many lines it prints in all) and
# how long it took. The log of a command that fails is printed in full.
#
# The command is the one in the foreground so that Ctrl-C reaches it.
step()
{
	local what=$1 log since=$SECONDS status=0 ticker

	shift
	mkdir -p "$build/log"
	log=$(mktemp "$build/log/step.XXXXXX")
	if [ -t 2 ]; then
		printf '%s ...' "$what" >&2
	else
		echo "$what ..." >&2
	fi
	show_progress "$what" "$log" "$since" "${step_total:-}" </dev/null >/dev/null &
	ticker=$!
	"$@" </dev/null >"$log" 2>&1 || status=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	[ ! -t 2 ] || printf '\r\033[K' >&2
	if [ "$status" -eq 0 ]; then
		echo "$what: done in $(elapsed "$since")" >&2
		rm -f "$log"
	else
		cat "$log" >&2
		echo "$what: failed with status $status after $(elapsed "$since"); log: $log" >&2
	fi
	return "$status"
}
