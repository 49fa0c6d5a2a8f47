ptm inspect $FIX/conv.pt
