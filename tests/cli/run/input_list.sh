ptm run $FIX/conv.pt -i 1,2
