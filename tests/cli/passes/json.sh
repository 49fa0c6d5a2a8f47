ptm passes --json - | grep -E "schema|\"name\""
