ptm optimize $FIX/conv.pt -o /dev/full
