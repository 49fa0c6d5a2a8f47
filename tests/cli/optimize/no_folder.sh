ptm optimize $FIX/conv.pt -o none/out.ptm
