ptm run $FIX/conv.pt -i $FIX/x4.npy
