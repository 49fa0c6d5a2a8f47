ptm bench $FIX/conv.pt --json - --csv -
