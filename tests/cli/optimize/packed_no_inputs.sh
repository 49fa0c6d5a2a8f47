ptm optimize $FIX/conv.pt -o a.ptm --packed
