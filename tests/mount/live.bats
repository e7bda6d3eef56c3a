#!/usr/bin/env bats
# The live side of a mount: files are items, directories are tables and partitions, and what is neither stays private.

bats_require_minimum_version 1.5.0
load ../support/mount

setup() {
	pitr_setup
	pitr_mount
	cd "$MNT" || return
}

teardown() {
	cd /
	pitr_teardown
}

# Makes a table with the partition key `customer` (S) and the sort key `number` (N).
make_sorted() {
	pitr create-table --table-name "$1" --billing-mode PAY_PER_REQUEST \
		--attribute-definitions AttributeName=customer,AttributeType=S AttributeName=number,AttributeType=N \
		--key-schema AttributeName=customer,KeyType=HASH AttributeName=number,KeyType=RANGE >/dev/null
	eventually ls -d "$MNT/$1"
}

# told TEXT: the last refusal says so.
told() {
	tail -n 1 .pitr/errors.jsonl | grep -qF -- "$1"
}

# How many changes a table has had.
changes() {
	ls "$MNT/$1" >/dev/null
	pitr status --json | jq --arg name "$1" '.tables[] | select(.name == $name) | .changes'
}

@test "a closed file is an item, shown as jq prints it" {
	mkdir orders
	echo '{"total":  5.10,"id":"1001", "lines": [1,  2]}' >orders/1001.json
	printf '{\n  "id": "1001",\n  "lines": [\n    1,\n    2\n  ],\n  "total": 5.1\n}\n' >"$WORK/wanted"
	diff orders/1001.json "$WORK/wanted"
	jq . orders/1001.json | diff - orders/1001.json
	[ "$(stat -c %s orders/1001.json)" -eq "$(wc -c <"$WORK/wanted")" ]
	[ "$(pitr get orders/1001)" = "$(cat "$WORK/wanted")" ]
}

@test "key attributes missing from the document come from the file name" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	[ "$(jq -c . orders/1001.json)" = '{"id":"1001","total":1}' ]
	make_sorted visits
	mkdir visits/ann
	echo '{"page":"/"}' >visits/ann/12.json
	[ "$(jq -c . visits/ann/12.json)" = '{"customer":"ann","number":12,"page":"/"}' ]
}

@test "the modes and owners are those of who mounted" {
	mkdir orders
	echo '{}' >orders/1001.json
	[ "$(stat -c '%a %u %g' .)" = "700 $(id -u) $(id -g)" ]
	[ "$(stat -c %a orders)" = 700 ]
	[ "$(stat -c %a orders/1001.json)" = 600 ]
	chmod 640 orders/1001.json
	touch -d 2001-01-01 orders/1001.json
	[ "$(stat -c %a orders/1001.json)" = 600 ]
	[ "$(stat -c %Y orders/1001.json)" -gt 1000000000 ]
}

@test "readers see the old version until the file is closed" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	mkfifo "$WORK/gate"
	cat "$WORK/gate" >orders/1001.json 3>&- &
	exec 5>"$WORK/gate"
	[ "$(jq .total orders/1001.json)" = 1 ]
	printf '{"total":' >&5
	sleep 0.1
	[ "$(jq .total orders/1001.json)" = 1 ]
	echo '2}' >&5
	[ "$(jq .total orders/1001.json)" = 1 ]
	exec 5>&-
	wait $!
	[ "$(jq .total orders/1001.json)" = 2 ]
	[ "$(changes orders)" -eq 2 ]
}

@test "a file that is open shows the item it was, after it is removed" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	exec 5<orders/1001.json
	rm orders/1001.json
	[ "$(jq .total <&5)" = 1 ]
	exec 5<&-
}

@test "writing an item back makes no version" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	before=$(stat -c %y orders/1001.json)
	cat orders/1001.json >"$WORK/copy"
	cat "$WORK/copy" >orders/1001.json
	echo '{"total": 1.0,    "id":"1001"}' >orders/1001.json
	[ "$(changes orders)" -eq 1 ]
	[ "$(stat -c %y orders/1001.json)" = "$before" ]
	diff orders/1001.json "$WORK/copy"
}

@test "appending, writing within, and cutting keep the contents exact" {
	mkdir orders
	echo '{"note":"aaaa"}' >orders/1001.json
	exec 5<>orders/1001.json
	head -c 1000 <&5 >/dev/null
	exec 5>&-
	[ "$(changes orders)" -eq 1 ]
	printf '{"note"' >orders/x.tmp
	printf ':"b"' >>orders/x.tmp
	stat orders/x.tmp >/dev/null
	printf '}' >>orders/x.tmp
	mv orders/x.tmp orders/1001.json
	[ "$(jq -r .note orders/1001.json)" = b ]
	{
		printf '{"note"'
		stat orders/1001.json >/dev/null
		printf ':"cc"}'
	} >orders/1001.json
	[ "$(jq -r .note orders/1001.json)" = cc ]
	dd if=/dev/zero of=orders/1001.json bs=1 count=0 2>"$WORK/dd" || true
	[ "$(jq -r .note orders/1001.json)" = cc ]
}

@test "a wrong document fails the close, is kept, and its reason is told" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	run -1 bash -c 'cat <<<"{\"total\":" >orders/1001.json'
	[[ $output == *"Invalid argument"* ]]
	[ "$(jq .total orders/1001.json)" = 1 ]
	eventually test -s .pitr/errors.jsonl
	[ "$(jq -r '.path + " " + .error' .pitr/errors.jsonl)" = "orders/1001.json EINVAL" ]
	[ "$(cat ".pitr/$(jq -r .kept .pitr/errors.jsonl)")" = '{"total":' ]
	rm .pitr/rejected/*
	[ -z "$(ls .pitr/rejected)" ]
	run -1 rm .pitr/errors.jsonl
}

@test "a new file with a wrong document does not become anything" {
	mkdir orders
	run -1 bash -c 'cat <<<"no JSON" >orders/1001.json'
	eventually told orders/1001.json
	eventually bash -c '! test -e orders/1001.json'
	[ "$(ls -A orders)" = .table.json ]
}

@test "a document that contradicts its name is refused" {
	mkdir orders
	run -1 bash -c 'cat <<<"{\"id\":\"7\"}" >orders/1001.json'
	eventually told 'the file name says id is 1001, the document says 7'
	run -1 bash -c 'cat <<<"{\"id\":1001}" >orders/1001.json'
	eventually told 'of another type'
}

@test "an item over 400 KB is refused with EFBIG" {
	mkdir orders
	run -1 bash -c 'head -c 420000 /dev/zero | tr "\0" a | sed "s/.*/{\"note\":\"&\"}/" | cat >orders/1001.json'
	[[ $output == *"File too large"* ]]
	eventually told '"error":"EFBIG"'
	head -c 400000 /dev/zero | tr '\0' a | sed 's/.*/{"note":"&"}/' >orders/1001.json
	[ "$(jq -r .note orders/1001.json | wc -c)" -eq 400001 ]
	cmp <(dd if=orders/1001.json bs=1000 2>/dev/null) orders/1001.json
}

@test "an item that is cut to nothing stays, and that is told" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	: >orders/1001.json
	eventually told 'left empty'
	[ "$(jq .total orders/1001.json)" = 1 ]
	run -1 truncate -s 3 orders/1001.json
	[ "$(jq .total orders/1001.json)" = 1 ]
}

@test "touch makes a private file until it has contents" {
	mkdir orders
	touch orders/1001.json
	[ "$(stat -c %s orders/1001.json)" -eq 0 ]
	[ "$(ls orders)" = 1001.json ]
	[ "$(changes orders)" -eq 0 ]
	echo '{"total":1}' >orders/1001.json
	[ "$(changes orders)" -eq 1 ]
	[ "$(jq .total orders/1001.json)" = 1 ]
	touch orders/1002.json
	rm orders/1002.json
	[ "$(ls orders)" = 1001.json ]
}

@test "a document written piece by piece, with descriptors passed on, is committed once it is whole" {
	mkdir orders
	(
		printf '{"a":'
		/bin/true
		printf '1'
		bash -c 'printf "}"'
	) >orders/1001.json
	[ "$(jq .a orders/1001.json)" = 1 ]
	[ ! -s .pitr/errors.jsonl ]
}

@test "other names are private: listed, readable, renamable, never in history" {
	mkdir orders
	echo hello >orders/.swp
	echo hello >orders/4913
	mkdir orders/.cache
	echo inside >orders/.cache/1.json
	[ "$(ls -A orders | tr '\n' ' ')" = '.cache .swp .table.json 4913 ' ]
	[ "$(cat orders/.cache/1.json)" = inside ]
	mv orders/4913 orders/4914
	mv orders/4914 orders/.cache/x
	mv orders/.cache orders/.store
	[ "$(cat orders/.store/x)" = hello ]
	chmod 640 orders/.swp
	touch -d '2001-02-03 04:05:06' orders/.swp
	[ "$(stat -c '%a %Y' orders/.swp)" = "640 981173106" ]
	run -1 rmdir orders/.store
	echo note >note.txt
	[ "$(cat note.txt)" = note ]
	[ "$(changes orders)" -eq 0 ]
	rm -r orders/.store orders/.swp note.txt
	[ "$(ls -A orders)" = .table.json ]
}

@test "a private file becomes an item when it is renamed to an item's name" {
	mkdir orders
	echo '{"total":1}' >orders/.1001.json.AbC
	mv orders/.1001.json.AbC orders/1001.json
	[ "$(jq -c . orders/1001.json)" = '{"id":"1001","total":1}' ]
	echo '{"total":2}' >orders/x.tmp
	mv orders/x.tmp orders/1001.json
	[ "$(jq .total orders/1001.json)" = 2 ]
	echo 'wrong' >orders/x.tmp
	run -1 mv orders/x.tmp orders/1001.json
	[ "$(cat orders/x.tmp)" = wrong ]
	[ "$(jq .total orders/1001.json)" = 2 ]
	told orders/1001.json
	echo '{"total":3}' >orders/x.tmp
	run -0 mv -n orders/x.tmp orders/1001.json
	[ "$(jq .total orders/1001.json)" = 2 ]
	[ "$(changes orders)" -eq 2 ]
}

@test "an item moved aside and written again is one modification" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	mv orders/1001.json orders/1001.json~
	[ ! -e orders/1001.json ]
	[ "$(ls orders)" = 1001.json~ ]
	[ "$(jq .total orders/1001.json~)" = 1 ]
	echo '{"total":2}' >orders/1001.json
	rm orders/1001.json~
	[ "$(jq .total orders/1001.json)" = 2 ]
	[ "$(changes orders)" -eq 2 ]
	[ "$(ls orders)" = 1001.json ]
}

@test "an item moved aside for good is removed" {
	mkdir orders
	echo '{"total":1}' >orders/1001.json
	mv orders/1001.json orders/old
	[ "$(changes orders)" -eq 1 ]
	removed() { [ "$(changes orders)" -eq 2 ]; }
	eventually removed
	[ "$(jq .total orders/old)" = 1 ]
	echo '{"total":1}' >orders/1002.json
	mv orders/1002.json orders/older
	rm orders/older
	removed() { [ "$(changes orders)" -eq 4 ]; }
	eventually -t 1 removed
	echo '{"total":1}' >orders/1003.json
	mv orders/1003.json orders/oldest
	cd /
	pitr_umount
	[ "$(changes orders)" -eq 6 ]
}

@test "items are renamed only where the document agrees" {
	mkdir orders others
	echo '{"total":1}' >orders/1001.json
	run -1 mv orders/1001.json orders/1002.json
	told 'the file name says id is 1002, the document says 1001'
	[ "$(ls orders)" = 1001.json ]
	mv orders/1001.json others/
	[ -z "$(ls orders)" ]
	[ "$(jq .total others/1001.json)" = 1 ]
	run -1 mv orders others/x
	run -1 mv others other
	told 'a table keeps its name'
}

@test "names that no item can have are refused with a reason" {
	make_sorted visits
	run -1 bash -c 'echo "{}" >visits/1.json'
	told 'sort key number'
	mkdir visits/ann
	run -1 bash -c 'echo "{}" >visits/ann/one.json'
	told visits/ann/one.json
	run -1 bash -c 'echo "{}" >visits/ann/01.json'
	run -1 bash -c 'echo "{}" >1.json'
	told 'make a table with mkdir'
	mkdir orders
	run -1 mkdir orders/ann
	told 'orders has no sort key'
	run -1 mkdir visits/ann/deeper
	run -1 mkdir ab
	told '3 to 255'
	run -1 mkdir restore
	run -1 ln -s orders link
	run -1 ln visits/.table.json link
	run -1 mkfifo orders/fifo
}

@test "partitions are directories that come and go with their items" {
	make_sorted visits
	mkdir visits/ann
	[ "$(ls visits)" = ann ]
	[ "$(changes visits)" -eq 0 ]
	rmdir visits/ann
	mkdir visits/ann
	cd visits/ann
	echo '{"page":"/"}' >1.json
	echo '{"page":"/x"}' >20.json
	[ "$(ls)" = $'1.json\n20.json' ]
	[ "$(/bin/pwd)" = "$MNT/visits/ann" ]
	cd ../..
	[ "$(ls visits)" = ann ]
	run -1 rmdir visits/ann
	rm visits/ann/1.json visits/ann/20.json
	[ -d visits/ann ]
	[ -z "$(ls visits/ann)" ]
	rmdir visits/ann
	[ ! -e visits/ann ]
	mkdir visits/bob
	echo '{"page":"/"}' >visits/bob/1.json
	rm -r visits/bob
	[ -z "$(ls visits)" ]
}

@test "rm -r takes a whole table away, and its history stays" {
	make_sorted visits
	for name in ann bob carol; do
		mkdir visits/$name
		for number in {1..30}; do
			echo '{"page":"/"}' >visits/$name/$number.json
		done
	done
	sync visits
	before=$(pitr status --json | jq -r '.tables[0].lastChange')
	run -1 rmdir visits
	rm -r visits
	[ ! -e visits ]
	[ "$(ls)" = restore ]
	[ "$(ls "@${before%Z}/visits" | wc -l)" -eq 3 ]
	[ "$(ls "@${before%Z}/visits/bob" | wc -l)" -eq 30 ]
	mkdir visits
	[ "$(ls -A visits)" = .table.json ]
}

@test ".table.json tells the table, and changes its keys and settings" {
	mkdir visits
	[ "$(find visits -mindepth 1 -maxdepth 1 -printf '%f\n' | head -1)" = .table.json ]
	[ "$(jq -r .TableName visits/.table.json)" = visits ]
	[ "$(wc -c <visits/.table.json)" -eq "$(stat -c %s visits/.table.json)" ]
	jq '.AttributeDefinitions = [{AttributeName:"customer",AttributeType:"S"},{AttributeName:"number",AttributeType:"N"}]
		| .KeySchema = [{AttributeName:"customer",KeyType:"HASH"},{AttributeName:"number",KeyType:"RANGE"}]' \
		visits/.table.json >"$WORK/table"
	cat "$WORK/table" >visits/.table.json
	[ "$(jq -c '[.KeySchema[].AttributeName]' visits/.table.json)" = '["customer","number"]' ]
	mkdir visits/ann
	echo '{"page":"/"}' >visits/ann/7.json
	[ "$(jq .ItemCount visits/.table.json)" = 1 ]
	jq '.DeletionProtectionEnabled = true' visits/.table.json >visits/new
	mv visits/new visits/.table.json
	[ "$(jq .DeletionProtectionEnabled visits/.table.json)" = true ]
	[ "$(ls -A visits)" = $'.table.json\nann' ]
	run -1 bash -c 'cat <<<"{\"KeySchema\":1}" >visits/.table.json'
	eventually told visits/.table.json
	run -1 bash -c 'cat <<<"{" >visits/.table.json'
	rm -r visits/ann
	run -1 rmdir visits
	told visits
	rm visits/.table.json
	[ "$(jq -r .TableName visits/.table.json)" = visits ]
}

@test "a table is copied by cp -r, keys and all" {
	make_sorted visits
	mkdir visits/ann
	echo '{"page":"/"}' >visits/ann/1.json
	echo '{"page":"/x"}' >visits/ann/2.json
	cp -r visits copies
	diff -r --exclude=.table.json visits copies
	[ "$(jq -c '[.TableName,.ItemCount,.KeySchema[].AttributeName]' copies/.table.json)" = '["copies",2,"customer","number"]' ]
}

@test "long names, odd names and every type of key resolve and list alike" {
	mkdir orders
	long=$(printf 'x%.0s' {1..400})
	echo "{\"id\":\"$long\",\"n\":1}" | pitr put orders
	for name in '%2Ehidden' '%40at' 'a%2Fb' 'ä ö' 'a.json@b' '%25' 'q"uote'; do
		echo '{"n":2}' >"orders/$name.json"
	done
	[ "$(ls orders | wc -l)" -eq 8 ]
	find orders -name '*.json' ! -name '.*' -print0 | xargs -0 cat | jq -s 'length' | grep -qx 8
	[ "$(jq -r .id 'orders/a%2Fb.json')" = a/b ]
	[ "$(jq -r .id orders/%2Ehidden.json)" = .hidden ]
	cut=$(find orders -name 'xxx*' -printf '%f\n')
	[ "${#cut}" -le 255 ]
	[ "$(jq .n "orders/$cut")" = 1 ]
	echo '{"n":3}' >"orders/$cut"
	[ "$(jq .n "orders/$cut")" = 3 ]
	rm "orders/$cut"
	run -1 bash -c 'echo "{}" >orders/a%2fb.json'
}

@test "fsync and sync of directories report that everything is committed" {
	mkdir orders
	echo '{"total":1}' >"$WORK/doc"
	dd if="$WORK/doc" of=orders/1001.json conv=fsync 2>/dev/null
	sync orders/1001.json orders .
	[ "$(pitr get orders/1001 | jq .total)" = 1 ]
}

@test "cp within the mount hands on no data, and mv -T exchanges nothing" {
	mkdir orders others
	echo '{"total":1}' >orders/1001.json
	cp orders/1001.json others/1001.json
	[ "$(jq .total others/1001.json)" = 1 ]
	run -1 cp orders/1001.json others/1002.json
}

@test "many files arrive and are all there" {
	mkdir "$WORK/in" orders
	for i in {1..500}; do echo "{\"n\":$i}" >"$WORK/in/$i.json"; done
	cp "$WORK"/in/* orders/
	[ "$(ls orders | wc -l)" -eq 500 ]
	[ "$(jq -s 'map(.n) | add' orders/*.json)" = 125250 ]
	rm orders/*.json
	[ -z "$(ls orders)" ]
	[ "$(changes orders)" -eq 1000 ]
}
