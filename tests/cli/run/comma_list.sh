ptm run $FIX/conv.pt -i $FIX/x.npy,$FIX/x2.npy,$FIX/x.npy
