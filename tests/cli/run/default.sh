ptm run $FIX/conv.pt --input $FIX/x.npy
