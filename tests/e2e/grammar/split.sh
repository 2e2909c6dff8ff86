# Writes each person into a table of their own.
mkdir -p "$1"
tail -n +2 "$2" | while read -r line; do
  { head -n 1 "$2"; echo "$line"; } > "$1/${line%%,*}.csv"
done
