ptm zoo --json - | grep -E -A 3 'schema|"lstm_small"'
