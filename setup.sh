#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Installs from Debian's packages what is missing, then makes the target named:
#   ./setup.sh           everything, for working on xen-lite
#   ./setup.sh run       what building and running takes, then `make run`
#   ./setup.sh test      everything, then `make test`
# Says what it does, and does nothing where nothing is missing. On another system it lists what is needed.

set -eu
cd "$(dirname "$0")"

BUILD="make gcc binutils nasm python3 libxen-dev"
IMAGE="grub-common grub-pc-bin grub-efi-amd64-bin xorriso mtools"
QEMU="qemu-system-x86 ovmf"
BOCHS="bochs bochs-term bochsbios vgabios"
TESTS="libc6-dev clang libclang-rt-14-dev libcmocka-dev libzydis-dev gcovr python3-pytest python3-pexpect python3-pycparser"
TESTS="$TESTS python3-clang-14"
LINT="cppcheck shellcheck codespell universal-ctags clang-format"
DEBUG="gdb"

say() {
    printf 'setup: %s\n' "$*"
}

packages_for() {
    case $1 in
    hypervisor | guests | all) echo "$BUILD" ;;
    iso) echo "$BUILD $IMAGE" ;;
    run | bench) echo "$BUILD $IMAGE $QEMU" ;;
    run-uefi) echo "$BUILD $IMAGE $QEMU" ;;
    run-bochs) echo "$BUILD $IMAGE $BOCHS" ;;
    debug) echo "$BUILD $IMAGE $QEMU $DEBUG" ;;
    *) echo "$BUILD $IMAGE $QEMU $BOCHS $TESTS $LINT $DEBUG" ;;
    esac
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | cut -c1-2)" = ii ]
}

missing_of() {
    for package in "$@"; do
        is_installed "$package" || printf '%s ' "$package"
    done
}

# Runs its arguments as root, without questions; what they say is shown only when they fail.
as_root() {
    log=$(mktemp)
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@" </dev/null >"$log" 2>&1
    else
        # The log is ours to write.
        # shellcheck disable=SC2024
        sudo env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1
    fi || {
        cat "$log"
        say "failed: $*"
        exit 1
    }
    rm -f "$log"
}

install_packages() {
    say "installing: $*"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        say "this takes root, and there is no sudo here. As root:"
        say "  apt-get update && apt-get install --no-install-recommends $*"
        exit 1
    fi
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends "$@"
    say "installed."
}

wanted=$(packages_for "${1:-everything}")

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "this is no Debian system. What is needed, by the names of Debian 12's packages:"
    for package in $wanted; do
        printf '  %s\n' "$package"
    done
    say "with these in place, use make directly: make ${1:-help}"
    exit 1
fi

# Word splitting is meant: these are lists of names.
# shellcheck disable=SC2086
missing=$(missing_of $wanted)
if [ -n "$missing" ]; then
    # shellcheck disable=SC2086
    install_packages $missing
else
    say "everything needed is here."
fi

if [ $# -gt 0 ]; then
    say "make $*"
    exec make "$@"
fi
say "next: make run, make test, make help"
