# What failed in a log of `deno test` or `node --test`, in at most `budget` characters: for each test where, its
# name and how its error begins. Of any other log the last lines.
# The trap: this must run under mawk, Debian's awk, which counts bytes and knows no gensub.

# The beginning says what was wanted, the end of what a program printed what became of it.
function short(text, most,   half) {
  if (length(text) <= most) return text
  half = int((most - 2) / 2)
  return substr(text, 1, half) ".." substr(text, length(text) - half + 1)
}

# A line of an error. What assert says before every difference is known.
function add(line) {
  gsub(/Expected values to be strictly (deep-)?equal:|\+ actual - expected/, "", line)
  gsub(/[ \t]+/, " ", line)
  sub(/^ /, "", line)
  if (line == "") return
  before = said[count]
  said[count] = before == "" ? line : before " | " line
}

function begin(test) {
  count++
  name[count] = test
  place[count] = said[count] = before = ""
}

# The first place in a file of the project, without the folder that was tested in.
function frame(line) {
  if (place[count] ~ /^!/ || !match(line, /file:\/\/[^ )']*\.ts:[0-9]+/)) return
  line = substr(line, RSTART + 7, RLENGTH - 7)
  if (line ~ /node_modules/) return
  sub(/^.*\/(deno|node|fresh)\//, "", line)
  place[count] = "!" line
}

{ gsub(/\033\[[0-9;]*m/, ""); tail[NR % 5] = $0 }

# Node: TAP, in which an error is a block of YAML below its test.
/^# (Error|Warning): / { comment = substr($0, 3) }
/^ *not ok [0-9]+ - / {
  test = $0
  sub(/^ *not ok [0-9]+ - /, "", test)
  begin(test)
  tap = 1
  next
}
tap && /^ *failureType: 'subtestsFailed'/ { count--; tap = 0 }
tap && /^ *error: '/ {
  line = $0
  sub(/^ *error: '/, "", line)
  sub(/'$/, "", line)
  add(line == "test failed" && comment != "" ? comment : line)
  next
}
tap && /^ *error: \|-/ { inError = 1; next }
tap && /^ *(code|name|exitCode): / { inError = 0 }
inError { add($0); next }
tap && /^ *location: / {
  place[count] = $0
  sub(/^ *location: '/, "", place[count])
  sub(/:[0-9]+'$/, "", place[count])
  sub(/^.*\/(deno|node|fresh)\//, "", place[count])
}
tap && /file:\/\// { frame($0) }
tap && /^ *\.\.\.$/ { tap = inError = 0 }

# Deno: a section of errors, each below its test.
/^ *ERRORS *$/ { deno = 1; next }
/^ *FAILURES *$/ { deno = 0 }
deno && / => [^ ]+:[0-9]+:[0-9]+$|\(uncaught error\)$/ {
  test = at = $0
  sub(/ => [^ ]+$/, "", test)
  sub(/^.* => (\.\/)?/, "", at)
  begin(test)
  place[count] = at
  message = 1
  next
}
deno && count && /^ +at / { frame($0); message = 0; next }
# Below the message stands the line of the source, with a mark under it.
deno && message && /^ *\^ *$/ { said[count] = before; next }
deno && message { sub(/^error: (AssertionError: )?/, ""); add($0) }

END {
  if (count == 0) {
    for (i = NR - 4; i <= NR; i++) if (i > 0) print short(tail[i % 5], int(budget / 5))
    exit
  }
  left = budget - 20
  shown = count > 6 ? 6 : count
  for (i = 1; i <= shown; i++) {
    each = int(left / (shown - i + 1))
    sub(/^!/, "", place[i])
    line = short(place[i], 60) " " short(name[i], each < 200 ? 50 : 90)
    if (each - length(line) > 30) line = line "\n  " short(said[i], each - length(line) - 4)
    print line
    left -= length(line) + 1
  }
  if (count > shown) print "and " count - shown " more"
}
