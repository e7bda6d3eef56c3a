#!/usr/bin/env bats
# `make demo`, from tools/demo.sh on: the commands of its tour are run as they stand there.

load ../support/mount

setup() {
	require_fuse
	WORK=$BATS_TEST_TMPDIR
	mkdir "$WORK/project" "$WORK/home"
	cp -r "$PITR_ROOT/tools" "$WORK/project/"
	# The programs are found where the tour says, build/pitr.
	mkdir "$WORK/project/build"
	ln "$PITR" "$PITRFS" "$WORK/project/build/" 2>/dev/null || cp "$PITR" "$PITRFS" "$WORK/project/build/"
	export HOME=$WORK/home
	unset PITR_STORE PITR_CLOCK_FILE BUILD
	cd "$WORK/project" || return
}

teardown() {
	pitr_teardown
}

demo() {
	tools/demo.sh 3>&- 4>&-
}

# The command of the tour that has these words in it.
command_with() {
	grep '^    ' tour | sed 's/^ *//' | grep -F -- "$1"
}

paste_command() {
	bash -c "$(command_with "$1")"
}

@test "the tour works as it is pasted, twice, also after a first run that was interrupted, and the demo can be ended" {
	mkdir -p demo/store.new
	touch demo/store.new/rest
	demo >tour
	[ ! -e demo/store.new ]
	[ "$(grep -c '^    ' tour)" -eq 20 ] # all of them are here
	[ "$(paste_command 'ls demo/mnt/orders |')" = 5400 ]
	[ "$(paste_command 'ls demo/mnt/orders/@')" = 10100 ]
	paste_command 'cat demo/mnt/orders/@2025' | jq -e '.id == "1002"'
	[ "$(paste_command 'diff -rq')" = 5000 ]
	paste_command '1003.json' | grep -q '^> *"status": "SHIPPED"'
	paste_command ' timeline ' | grep -q '^- 2025-03-01T09:15:00 .*5,000 deletes in 39 s'
	[ "$(paste_command ' --stat' | awk 'NR == 2 { print $3 }')" = 5000 ]
	[ "$(paste_command 'ls -lt' | awk 'NR == 2 { print $NF }')" = 11000.json ]
	paste_command '.deleted' | jq -e '.operation == "REMOVE" and .item.id == "1002"'
	paste_command ' verify' | grep -q sound
	paste_command 'ln -s'
	[ "$(ls demo/mnt/orders-before | wc -l)" = 10100 ]
	paste_command 'orders-some'
	[ "$(ls demo/mnt/orders-some)" = "$(cd demo/mnt/orders-before && ls 100?.json)" ]
	paste_command '--dry-run' | grep -q '5000 items'
	paste_command '--into orders-fixed' | grep -q '5000 items come back'
	[ "$(ls demo/mnt/orders-fixed | wc -l)" = 10400 ]
	paste_command '/1002.json demo/mnt/orders/'
	jq -e '.id == "1002"' demo/mnt/orders/1002.json
	paste_command ' get ' | cmp - demo/mnt/orders/1002.json
	cp tour first
	build/pitr umount demo/mnt
	demo >tour
	diff first tour | grep -v '^<' | grep '^>' && return 1
	paste_command 'cp -n'
	[ "$(paste_command 'ls demo/mnt/orders |')" = 10400 ]
	paste_command ' status' | grep -q "^mounted *$WORK/project/demo/mnt\$"
	paste_command ' umount '
	paste_command 'rm -rf'
	[ ! -e demo ]
}
