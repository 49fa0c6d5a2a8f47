ptm optimize $FIX/conv.pt
