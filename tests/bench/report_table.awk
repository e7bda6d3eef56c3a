# Rows of report.sh as a table for a terminal.
BEGIN { FS = "\t" }

# Three digits that tell something, or all before the point.
function number(value,    size) {
	if (value == "")
		return ""
	size = value < 0 ? -value : value
	return sprintf(size >= 100 || size == int(size) ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.4f", value)
}

function wider(column, text) {
	if (length(text) > width[column])
		width[column] = length(text)
	cell[NR, column] = text
}

{
	group[NR] = $1
	wider(1, $2)
	wider(2, number($4) " " $3)
	wider(3, $5 == "" ? "" : $5 " " number($6))
	wider(4, $5 == "" ? "" : number($7))
	wider(5, $9 == "" ? "" : sprintf("%s %.3g", $8 == "at most" ? "<=" : ">=", $9))
	wider(6, $11 == "missed" ? "MISSED" : $11)
	wider(7, $12)
}

function line(measure, ours, rival, ratio, limit, verdict, counts,    text) {
	text = sprintf("%-*s  %*s  %-*s  %*s  %-*s  %-*s  %s", width[1], measure, width[2], ours, width[3], rival, width[4], ratio,
		width[5], limit, width[6], verdict, counts)
	sub(/ +$/, "", text)
	print text
}

END {
	if (NR == 0)
		exit
	split("measure ours rival ratio limit met? counts", titles, " ")
	for (column = 1; column <= 7; column++)
		if (length(titles[column]) > width[column])
			width[column] = length(titles[column])
	line(titles[1], titles[2], titles[3], titles[4], titles[5], titles[6], titles[7])
	for (row = 1; row <= NR; row++) {
		if (group[row] != group[row - 1])
			print "-- " group[row]
		line(cell[row, 1], cell[row, 2], cell[row, 3], cell[row, 4], cell[row, 5], cell[row, 6], cell[row, 7])
	}
}
