# Counts the people, sorts them by age, and draws a dot for each.
people=$1 out=$2
tail -n +2 "$people" | wc -l > "$out"
{ head -n 1 "$people"; tail -n +2 "$people" | sort -t , -k 3; } > sorted.csv
{
  echo '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30">'
  for x in $(seq "$(cat "$out")"); do echo "<circle cx=\"$((x * 20))\" cy=\"15\" r=\"5\"/>"; done
  echo '</svg>'
} > dots.svg
