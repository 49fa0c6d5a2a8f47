ptm run $FIX/conv.pt -i $FIX/x64.npy
