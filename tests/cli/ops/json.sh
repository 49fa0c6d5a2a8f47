ptm ops softmax --json - | grep -E "schema\"|\"name\"" | sort -u
