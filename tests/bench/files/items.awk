# The items of a benchmark, twice: as lines of JSON on stdout, to be imported, and as files, as the mount is to show them.
# One table: awk -v items=N -v to=DIR -f items.awk, key `id`. In partitions of 100, which are made beforehand: -v tree=1, key `pk,id`.
BEGIN {
	srand(1)
	for (i = 0; i < items; i++) {
		text = ""
		while (length(text) < 170 + i % 80)
			text = text sprintf("%x ", int(rand() * 1e9))
		if (tree) {
			partition = sprintf("customer-%05d", int(i / 100))
			name = sprintf("order-%03d", i % 100)
			file = to "/" partition "/" name ".json"
			printf "{\n  \"pk\": \"%s\",\n", partition >file
			printf "{\"pk\":\"%s\",", partition
		} else {
			name = sprintf("order-%06d", i)
			file = to "/" name ".json"
			printf "{\n" >file
			printf "{"
		}
		printf "  \"id\": \"%s\",\n  \"customer\": \"customer-%d\",\n  \"lines\": [\n    %d,\n    %d\n  ],\n" \
			"  \"note\": \"%s\",\n  \"paid\": true,\n  \"shipping\": {\n    \"city\": \"Springfield\",\n" \
			"    \"method\": \"express\"\n  },\n  \"total\": %d\n}\n", name, i % 997, i, i * 3, text, i * 137 >file
		close(file)
		printf "\"id\":\"%s\",\"customer\":\"customer-%d\",\"lines\":[%d,%d],\"note\":\"%s\",\"paid\":true," \
			"\"shipping\":{\"city\":\"Springfield\",\"method\":\"express\"},\"total\":%d}\n", name, i % 997, i, i * 3, text, i * 137
	}
}
