ptm run $FIX/conv.pt -x
