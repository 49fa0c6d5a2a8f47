ptm run $FIX/conv.pt
