ptm backends | grep -E '^(ref|xnnpack) '
