ptm backends --json - | grep -E '"name"' | grep -E 'ref|xnnpack'
